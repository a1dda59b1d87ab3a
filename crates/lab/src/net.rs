//! What lies between hosts: links, and segments without a switch of ours.

use std::fmt::Write;

use anyhow::{Context, Result};
use nucleon_linux::{LinkName, Netns, Veth, VethEnd};

use crate::lab::Lab;

/// An untagged segment: a Linux bridge in a namespace of its own.
#[derive(Debug)]
pub struct Segment {
    name: String,
    netns: Netns,
    bridge: LinkName,
}

impl Segment {
    pub async fn start(lab: &Lab, name: &str) -> Result<Self> {
        let (netns, _) = lab.netns(name).await?;
        for which in ["all", "default"] {
            let _ = netns.ensure_sysctl(format!("net.ipv6.conf.{which}.disable_ipv6"), "1").await?;
        }
        let bridge = link_name("br0")?;
        netns.links().create_bridge(&bridge).await?;
        netns.links().set_up(&bridge).await?;
        Ok(Self { name: name.to_owned(), netns, bridge })
    }

    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Gives `netns` a link `link` to this segment; `port` names the segment's end.
    pub async fn connect(&self, port: &str, netns: &Netns, link: &LinkName) -> Result<()> {
        let port = link_name(port)?;
        let near = VethEnd::new(port.clone()).up();
        let far = VethEnd::new(link.clone()).up();
        let links = self.netns.links();
        let connecting = async {
            links.create_veth(&Veth::into_netns(near, far, netns)).await?;
            links.set_controller(&port, Some(&self.bridge)).await
        };
        connecting
            .await
            .with_context(|| format!("connect {} to segment {}", netns.label(), self.name))
    }
}

/// Joins two namespaces by a pair of devices.
pub(crate) async fn cable(
    one: &Netns,
    one_link: &LinkName,
    other: &Netns,
    other_link: &LinkName,
) -> Result<()> {
    let near = VethEnd::new(one_link.clone()).up();
    let far = VethEnd::new(other_link.clone()).up();
    one.links()
        .create_veth(&Veth::into_netns(near, far, other))
        .await
        .with_context(|| format!("join {} and {}", one.label(), other.label()))
}

/// A link's name; one that is too long or has odd characters is an error of the caller.
pub fn link_name(name: &str) -> Result<LinkName> {
    LinkName::new(name).with_context(|| format!("'{name}' cannot name a link"))
}

/// nftables rules that drop what arrives on `links` before the host's own protocols see it. Packet
/// sockets, by which the switch receives, come earlier.
pub(crate) fn isolation_rules(links: &[LinkName]) -> String {
    let mut text = String::from("table netdev isolate {\n");
    for link in links {
        // nft 1.0.6 wants the closing bracket of a chain on a line of its own.
        let hook = "type filter hook ingress device";
        let _ = write!(
            text,
            " chain {link} {{\n  {hook} \"{link}\" priority -500; policy drop;\n }}\n"
        );
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_has_a_chain_that_drops() {
        let links = ["tap1", "phy0"].map(|name| LinkName::new(name).unwrap());
        let rules = isolation_rules(&links);
        assert_eq!(rules.matches("policy drop;").count(), 2, "{rules}");
        assert!(rules.contains("device \"phy0\" priority -500"), "{rules}");
    }
}
