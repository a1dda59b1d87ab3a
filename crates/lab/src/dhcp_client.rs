//! DHCP clients as guests run them: busybox's and ISC's, with scripts that take on the lease inside
//! the machine's namespace and tell it.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ipnet::Ipv4Net;
use nucleon_obs::Clock;

use crate::process::{Process, tail};
use crate::station::Station;
use crate::tools;

const UDHCPC_SCRIPT: &str = include_str!("dhcp_client/udhcpc.sh");
const DHCLIENT_SCRIPT: &str = include_str!("dhcp_client/dhclient.sh");
const DHCLIENT_CONF: &str = include_str!("dhcp_client/dhclient.conf");

/// A lease as the client understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub address: Ipv4Net,
    pub routers: Vec<Ipv4Addr>,
    pub dns_servers: Vec<Ipv4Addr>,
    pub domain: Option<String>,
    pub mtu: Option<u32>,
    /// Classless static routes; the router is 0.0.0.0 for one on the link (RFC 3442).
    pub routes: Vec<(Ipv4Net, Ipv4Addr)>,
    pub server: Option<Ipv4Addr>,
    pub seconds: Option<u32>,
    /// All that the client said, by its own names.
    pub words: BTreeMap<String, String>,
    /// From the client's start to the lease taken on.
    pub took: Duration,
}

/// A client that stays to renew its lease. Dropping it kills it, the lease stays.
#[derive(Debug)]
pub struct Client {
    process: Process,
    lease: PathBuf,
    kind: Kind,
    took: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// busybox
    Udhcpc,
    /// ISC
    Dhclient,
}

pub(crate) async fn udhcpc(station: &Station, patience: Duration) -> Result<Lease> {
    Client::start(station, Kind::Udhcpc, patience).await?.lease()
}

pub(crate) async fn dhclient(station: &Station, patience: Duration) -> Result<Lease> {
    Client::start(station, Kind::Dhclient, patience).await?.lease()
}

impl Client {
    /// Starts a client and waits until it has a lease.
    pub async fn start(station: &Station, kind: Kind, patience: Duration) -> Result<Self> {
        let clock = Clock::system();
        let start = clock.mono();
        let lease = lease_file(station);
        let _ = fs::remove_file(&lease);
        let program = match kind {
            Kind::Udhcpc => udhcpc_program(station)?,
            Kind::Dhclient => dhclient_program(station)?,
        };
        let log = station.dir().join("dhcp-client.log");
        let mut process = program.env("LEASE", &lease).start(&log)?;
        let bound = || read(&lease, kind).is_some_and(|words| is_bound(&words));
        process
            .wait_ready(patience, bound)
            .await
            .with_context(|| format!("{}: no DHCP lease", station.name()))?;
        let took = clock.mono() - start;
        Ok(Self { process, lease, kind, took })
    }

    /// The lease it holds now.
    pub fn lease(&self) -> Result<Lease> {
        let words = read(&self.lease, self.kind).context("there is no lease")?;
        let Some(mut lease) = parse(&words) else { bail!("no lease is told by {words:?}") };
        lease.took = self.took;
        Ok(lease)
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits until the client's script was called for `event` (`renew`, `RENEW`, `deconfig`, …).
    pub async fn wait_for(&mut self, event: &str, patience: Duration) -> Result<()> {
        let (lease, kind) = (self.lease.clone(), self.kind);
        let told = || read(&lease, kind).is_some_and(|words| event_of(&words) == event);
        self.process.wait_ready(patience, told).await.with_context(|| format!("wait for {event}"))
    }
}

/// Whether `station` gets no lease for `patience`, asking all the time. What the client said when
/// it did get one is the error.
pub async fn expect_silence(station: &Station, patience: Duration) -> Result<()> {
    match Client::start(station, Kind::Udhcpc, patience).await {
        Ok(client) => bail!("{} got a lease: {:?}", station.name(), client.lease()?.words),
        Err(_) => Ok(()),
    }
}

fn udhcpc_program(station: &Station) -> Result<crate::process::Program> {
    let script = executable(station, "udhcpc-script", UDHCPC_SCRIPT)?;
    let link = station.link().as_str();
    let mut program = station.program("udhcpc");
    program = program.args(["-f", "-i", link, "-t", "100", "-T", "1", "-A", "1", "-s"]).arg(script);
    // SIGUSR1 renews, SIGUSR2 releases.
    for option in ["mtu", "staticroutes", "msstaticroutes", "router", "dns", "domain", "58", "59"] {
        let name = if option.parse::<u8>().is_ok() {
            format!("0x{:02x}", option.parse::<u8>()?)
        } else {
            option.to_owned()
        };
        program = program.arg("-O").arg(name);
    }
    Ok(program)
}

fn dhclient_program(station: &Station) -> Result<crate::process::Program> {
    let script = executable(station, "dhclient-script", DHCLIENT_SCRIPT)?;
    let conf = station.write("dhclient.conf", DHCLIENT_CONF)?;
    // A copy, since Debian's AppArmor profile, which goes by the path, keeps the program itself
    // from all files but the machine's own.
    let original = tools::find("dhclient").context("dhclient is not installed")?;
    let copy = station.dir().join("dhclient");
    if !copy.exists() {
        fs::copy(original, &copy).context("copy dhclient")?;
    }
    Ok(station
        .program(copy)
        .args(["-4", "-d", "-1", "-e"])
        // It hands its script no other part of its own environment.
        .arg(format!("LEASE={}", lease_file(station).display()))
        .arg("-cf")
        .arg(conf)
        .arg("-sf")
        .arg(script)
        .arg("-lf")
        .arg(station.dir().join("dhclient.leases"))
        .arg("-pf")
        .arg(station.dir().join("dhclient.pid"))
        .arg(station.link().as_str()))
}

fn lease_file(station: &Station) -> PathBuf {
    station.dir().join("lease")
}

fn executable(station: &Station, name: &str, text: &str) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = station.write(name, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).context("make it executable")?;
    Ok(path)
}

/// What the script recorded, under udhcpc's names.
fn read(file: &Path, kind: Kind) -> Option<BTreeMap<String, String>> {
    let text = fs::read_to_string(file).ok()?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let words: BTreeMap<_, _> = pairs.map(|(name, value)| (name.into(), value.into())).collect();
    Some(match kind {
        Kind::Udhcpc => words,
        Kind::Dhclient => translated(words),
    })
}

fn translated(mut words: BTreeMap<String, String>) -> BTreeMap<String, String> {
    const NAMES: &[(&str, &str)] = &[
        ("new_ip_address", "ip"),
        ("new_subnet_mask", "subnet"),
        ("new_routers", "router"),
        ("new_domain_name_servers", "dns"),
        ("new_domain_name", "domain"),
        ("new_interface_mtu", "mtu"),
        ("new_dhcp_server_identifier", "serverid"),
        ("new_dhcp_lease_time", "lease"),
        ("reason", "event"),
    ];
    for (theirs, name) in NAMES {
        if let Some(value) = words.get(*theirs).cloned() {
            words.insert((*name).to_owned(), value);
        }
    }
    if let Some(octets) = words.get("new_classless_routes") {
        let routes = classless(octets).unwrap_or_default();
        let pairs: Vec<_> = routes.iter().map(|(net, via)| format!("{net} {via}")).collect();
        words.insert("staticroutes".to_owned(), pairs.join(" "));
    }
    words
}

/// Routes as dhclient gives them: decimal octets in the form of RFC 3442.
fn classless(text: &str) -> Option<Vec<(Ipv4Net, Ipv4Addr)>> {
    let octets: Vec<u8> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let mut rest = octets.as_slice();
    let mut routes = Vec::new();
    while let Some((width, after)) = rest.split_first() {
        let (prefix, after) = after.split_at_checked(usize::from(width.div_ceil(8)))?;
        let mut whole = [0; 4];
        whole.get_mut(..prefix.len())?.copy_from_slice(prefix);
        let (router, after) = after.split_first_chunk::<4>()?;
        routes.push((Ipv4Net::new(whole.into(), *width).ok()?, Ipv4Addr::from(*router)));
        rest = after;
    }
    Some(routes)
}

fn event_of(words: &BTreeMap<String, String>) -> &str {
    words.get("event").map_or("", String::as_str)
}

fn is_bound(words: &BTreeMap<String, String>) -> bool {
    matches!(event_of(words), "bound" | "renew" | "BOUND" | "RENEW" | "REBIND" | "REBOOT")
}

fn parse(words: &BTreeMap<String, String>) -> Option<Lease> {
    let word = |name: &str| words.get(name).map(String::as_str).filter(|word| !word.is_empty());
    let list = |name: &str| -> Vec<Ipv4Addr> {
        let words = word(name).unwrap_or_default().split([' ', ',']);
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let address = word("ip")?.parse().ok()?;
    let mask = word("subnet")?.parse().ok()?;
    let routes: Vec<_> = word("staticroutes").unwrap_or_default().split(' ').collect();
    let routes = routes.chunks_exact(2).filter_map(|pair| match pair {
        [net, via] => Some((net.parse().ok()?, via.parse().ok()?)),
        _ => None,
    });
    Some(Lease {
        address: Ipv4Net::with_netmask(address, mask).ok()?,
        routers: list("router"),
        dns_servers: list("dns"),
        domain: word("domain").map(str::to_owned),
        mtu: word("mtu").and_then(|mtu| mtu.parse().ok()),
        routes: routes.collect(),
        server: word("serverid").and_then(|server| server.parse().ok()),
        seconds: word("lease").and_then(|seconds| seconds.parse().ok()),
        words: words.clone(),
        took: Duration::ZERO,
    })
}

/// What a station's client printed last, for evidence.
pub fn log_of(station: &Station) -> String {
    tail(&station.dir().join("dhcp-client.log"), 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn both_clients_tell_the_same_lease() {
        let udhcpc = parse(&words(&[
            ("ip", "10.0.1.7"),
            ("subnet", "255.255.255.0"),
            ("router", "10.0.1.1"),
            ("dns", "10.0.1.2 10.0.1.3"),
            ("mtu", "1450"),
            ("staticroutes", "192.0.2.0/24 10.0.1.9 0.0.0.0/0 10.0.1.1"),
            ("lease", "86400"),
            ("serverid", "10.0.1.2"),
        ]))
        .unwrap();
        let dhclient = parse(&translated(words(&[
            ("new_ip_address", "10.0.1.7"),
            ("new_subnet_mask", "255.255.255.0"),
            ("new_routers", "10.0.1.1"),
            ("new_domain_name_servers", "10.0.1.2 10.0.1.3"),
            ("new_interface_mtu", "1450"),
            ("new_classless_routes", "24 192 0 2 10 0 1 9 0 10 0 1 1"),
            ("new_dhcp_lease_time", "86400"),
            ("new_dhcp_server_identifier", "10.0.1.2"),
        ])))
        .unwrap();
        assert_eq!(udhcpc.address.to_string(), "10.0.1.7/24");
        assert_eq!(udhcpc.routes.len(), 2);
        assert_eq!(udhcpc, Lease { words: udhcpc.words.clone(), ..dhclient });
    }

    #[test]
    fn routes_cut_short_are_none() {
        assert_eq!(classless("24 192 0 2 10 0 1"), None);
        assert_eq!(classless("33 1 2 3 4 5 6 7 8 9"), None);
        assert_eq!(classless("x"), None);
    }
}
