//! DHCP clients of others, and what they were told.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_linux::NetnsName;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::process::{Running, command, inside, is_installed, output, start};

const DHCLIENT: &str = "\
option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, routers, domain-name, domain-name-servers, interface-mtu,
  rfc3442-classless-static-routes, dhcp-renewal-time;
timeout 10;
retry 1;
";

/// What a client hands to its script.
pub(crate) type Told = BTreeMap<String, String>;

/// A client's directory: its script writes here what it is told, one file for each reason.
pub(crate) struct Client {
    netns: NetnsName,
    directory: TempDir,
}

impl Client {
    pub(crate) fn new(netns: &NetnsName) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("nucleon-client-").tempdir()?;
        let client = Self { netns: netns.clone(), directory };
        let told = client.directory.path().join("told");
        fs::create_dir(&told)?;
        // udhcpc names the reason in its first argument, dhclient in $reason. The address is
        // configured, so that renewing finds it.
        let script = format!(
            "#!/bin/sh\n\
             PATH=/usr/sbin:/usr/bin:/sbin:/bin\n\
             r=\"${{reason:-$1}}\"\n\
             case \"$r\" in\n\
             bound|renew) ip addr replace \"$ip/${{mask:-24}}\" dev eth0;;\n\
             BOUND|RENEW|REBOOT|REBIND) ip addr replace \"$new_ip_address/24\" dev eth0;;\n\
             esac\n\
             env > {0}/new && mv {0}/new {0}/\"$r\"\n",
            told.display()
        );
        let path = client.path("script");
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(client)
    }

    /// One attempt to get a lease; fails when there is none to be had within some seconds.
    pub(crate) fn udhcpc(&self, more: &[&str]) -> Result<Told> {
        let mut udhcpc = inside(self.netns.as_str(), "udhcpc");
        udhcpc.args(["-i", "eth0", "-f", "-n", "-q", "-t", "3", "-T", "1", "-s"]);
        udhcpc.arg(self.path("script")).args(more);
        output(udhcpc)?;
        self.told("bound").context("no lease")
    }

    /// A client that stays and renews.
    pub(crate) fn dhclient(&self) -> Result<Running> {
        start(self.dhclient_command(&["-d"])?)
    }

    /// Gives the lease back, and ends.
    pub(crate) fn release(&self) -> Result<()> {
        output(self.dhclient_command(&["-r"])?).map(drop)
    }

    fn dhclient_command(&self, words: &[&str]) -> Result<Command> {
        let configuration = self.path("dhclient.conf");
        fs::write(&configuration, DHCLIENT)?;
        let mut dhclient = inside(self.netns.as_str(), "dhclient");
        dhclient.args(["-4"]).args(words);
        for (flag, file) in
            [("-sf", "script"), ("-lf", "leases"), ("-pf", "pid"), ("-cf", "dhclient.conf")]
        {
            dhclient.arg(flag).arg(self.path(file));
        }
        dhclient.arg("eth0");
        Ok(dhclient)
    }

    /// Waits until the client was told something for this reason, and forgets it.
    pub(crate) async fn wait_for(&self, reason: &str) -> Result<Told> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(told) = self.told(reason) {
                fs::remove_file(self.directory.path().join("told").join(reason))?;
                return Ok(told);
            }
            let others = || fs::read_dir(self.directory.path().join("told")).map(Iterator::count);
            ensure!(Instant::now() < deadline, "no {reason}; other reasons: {:?}", others());
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn told(&self, reason: &str) -> Option<Told> {
        let text = fs::read_to_string(self.directory.path().join("told").join(reason)).ok()?;
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Some(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Says so when a client cannot be used here.
pub(crate) fn has(program: &str) -> bool {
    let installed = is_installed(program);
    if !installed {
        eprintln!("SKIPPED: {program} is not installed");
    }
    installed
}

/// Whether an address answers echo requests sent from a namespace.
pub(crate) fn pings(netns: &NetnsName, address: &str) -> bool {
    let mut ping = inside(netns.as_str(), "ping");
    ping.args(["-c", "1", "-W", "2", address]);
    output(ping).is_ok()
}

/// A DHCP server of somebody else's on the same segment, for one MAC.
pub(crate) fn other_server(
    netns: &NetnsName,
    directory: &std::path::Path,
    mac: &str,
    address: &str,
) -> Result<Running> {
    let file = |name: &str| directory.join(name).display().to_string();
    fs::write(directory.join("leases"), "")?;
    let text = format!(
        "start {address}\nend {address}\ninterface eth0\nlease_file {}\npidfile {}\n\
         static_lease {mac} {address}\noption subnet 255.255.255.0\noption lease 600\n",
        file("leases"),
        file("pid"),
    );
    fs::write(directory.join("udhcpd.conf"), text)?;
    let mut server = inside(netns.as_str(), "busybox");
    server.args(["udhcpd", "-f", &file("udhcpd.conf")]);
    start(server)
}

/// The path of a program run by its full name, for the record.
pub(crate) fn ip(words: &[&str]) -> Result<String> {
    let mut ip = command("ip");
    ip.args(words);
    output(ip)
}
