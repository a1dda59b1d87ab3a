//! Namespaces of a test's own, which go when the test ends, however it ends.

use std::sync::atomic::{AtomicU32, Ordering};

use nucleon_linux::{LinkName, Netns, NetnsDir, NetnsName, Veth, VethEnd};

static COUNTER: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Scratch {
    dir: NetnsDir,
    names: Vec<NetnsName>,
}

impl Scratch {
    /// `None`, said aloud, when this process may not make namespaces.
    pub(crate) fn new() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: needs root to make network namespaces");
            return None;
        }
        Some(Self { dir: NetnsDir::default(), names: Vec::new() })
    }

    pub(crate) fn dir(&self) -> &NetnsDir {
        &self.dir
    }

    pub(crate) fn fresh_name(&mut self) -> NetnsName {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = NetnsName::new(format!("nltest-{}-{number}", std::process::id())).unwrap();
        self.names.push(name.clone());
        name
    }

    pub(crate) async fn netns(&mut self) -> Netns {
        let name = self.fresh_name();
        let netns = self.dir.ensure(&name).await.unwrap();
        netns.links().set_up(&link("lo")).await.unwrap();
        netns
    }

    /// Two namespaces with `eth0` each, joined by a veth pair, up, 10.77.0.1 and .2.
    pub(crate) async fn pair(&mut self) -> (Netns, Netns) {
        let (one, two) = (self.netns().await, self.netns().await);
        let end = || VethEnd::new(link("eth0")).up();
        one.links().create_veth(&Veth::into_netns(end(), end(), &two)).await.unwrap();
        for (netns, address) in [(&one, "10.77.0.1/24"), (&two, "10.77.0.2/24")] {
            netns.links().add_address(&link("eth0"), address.parse().unwrap()).await.unwrap();
        }
        (one, two)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for name in &self.names {
            if let Err(error) = self.dir.delete_blocking(name) {
                eprintln!("left behind: {error}");
            }
        }
    }
}

pub(crate) fn link(name: &str) -> LinkName {
    LinkName::new(name).unwrap()
}
