//! The names of ports in DNS.

use nucleon_model::{DnsAssignment, Field, Port};

use crate::{Core, Error, Result};

/// `dns_domain` as it is by default. Ports have no names of their own in it, as in Neutron.
const UNCONFIGURED: &str = "openstacklocal.";

/// The most characters of a whole name.
const MOST: usize = 255;

impl Core {
    /// `dns_domain` with the dot at its end; empty for none.
    fn dns_domain(&self) -> String {
        let domain = &self.settings().dns_domain;
        if domain.is_empty() || domain.ends_with('.') {
            domain.clone()
        } else {
            format!("{domain}.")
        }
    }

    /// Takes over the names that a request gives, where ports have names.
    pub(super) fn port_call(
        &self,
        port: &mut Port,
        name: Field<String>,
        domain: Field<String>,
    ) -> Result<()> {
        let within = self.dns_domain();
        if within.is_empty() || within == UNCONFIGURED {
            return Ok(());
        }
        if let Some(name) = name.get() {
            check(name, &within)?;
        }
        name.apply(&mut port.dns_name);
        domain.apply(&mut port.dns_domain);
        Ok(())
    }

    /// Shows ports the names of their addresses.
    pub(super) fn ports_show_names(&self, ports: &mut [Port]) {
        if !self.settings().api_preview {
            return;
        }
        let within = self.dns_domain();
        for port in ports {
            port.dns_assignment = port
                .fixed_ips
                .iter()
                .map(|held| DnsAssignment::new(held.ip_address, &port.dns_name, &within))
                .collect();
        }
    }
}

/// Refuses a name that is of another domain, or too long together with its own.
fn check(name: &str, domain: &str) -> Result<()> {
    let (length, rest) = (name.len(), domain.len() + 1);
    let reason = if name.ends_with('.') {
        if length > rest && name.strip_suffix(domain).is_some_and(|name| name.ends_with('.')) {
            return Ok(());
        }
        format!(
            "The dns_name passed is a FQDN. Its higher level labels must be equal to the dns_domain option in \
             neutron.conf, that has been set to '{domain}'. It must also include one or more valid DNS labels to \
             the left of '{domain}'"
        )
    } else {
        if length + rest <= MOST || name.is_empty() {
            return Ok(());
        }
        format!(
            "The dns_name passed is a PQDN and its size is '{length}'. The dns_domain option in neutron.conf is set \
             to {domain}, with a length of '{rest}'. When the two are concatenated to form a FQDN (with a '.' at the \
             end), the resulting length exceeds the maximum size of '{MOST}'"
        )
    };
    let text = format!("Invalid input for dns_name. Reason: {reason}.");
    Err(Error::invalid("HTTPBadRequest", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_within_the_domain_and_fits_with_it() {
        let domain = "example.org.";
        assert!(check("", domain).is_ok());
        assert!(check("web", domain).is_ok());
        assert!(check("web.example.org.", domain).is_ok());
        assert!(check(&"a".repeat(242), domain).is_ok());
        for refused in ["web.example.com.", "example.org.", ".example.org.", &"a".repeat(243)] {
            assert!(check(refused, domain).is_err(), "{refused}");
        }
    }
}
