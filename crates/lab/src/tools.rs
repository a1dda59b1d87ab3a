//! The programs of the machine that a lab needs.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Each with the Debian package that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("hostname", "hostname"),
    ("nft", "nftables"),
    ("ovsdb-tool", "openvswitch-switch"),
    ("ovsdb-server", "openvswitch-switch"),
    ("ovs-vswitchd", "openvswitch-switch"),
    ("ovs-vsctl", "openvswitch-switch"),
    ("ovs-ofctl", "openvswitch-switch"),
    ("udhcpc", "udhcpc"),
    ("dhclient", "isc-dhcp-client"),
];

/// A `PATH` for what is started in a lab: that of the caller may lack the administrator's parts.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    PATH.split(':').map(|place| Path::new(place).join(program)).find(|file| file.is_file())
}

/// Why this process cannot make a lab, all reasons at once; nothing when it can.
pub(crate) fn check() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("a lab makes network namespaces and switches: it must be run as root");
    }
    let missing: Vec<_> = NEEDED.iter().filter(|(program, _)| find(program).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
    let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    bail!("a lab needs {}; on Debian: apt-get install {}", programs.join(", "), packages.join(" "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_administrators_programs_are() {
        assert_eq!(find("no-such-program-anywhere"), None);
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
    }
}
