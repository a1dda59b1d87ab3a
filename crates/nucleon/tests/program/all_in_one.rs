//! `nucleon all-in-one` without a word of configuration, on a machine with an Open vSwitch of its own.
//!
//! The machine is this one with other mounts and another network: the test runs itself again in there.

use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::json;

use crate::support::{Server, command, now, nucleon, patiently};

const INSIDE: &str = "NUCLEON_TEST_INSIDE";
const RUNDIR: &str = "/run/openvswitch";

/// Ends what it holds with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn one_process_wires_and_leases_without_configuration() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let missing = ["ovs-vswitchd", "ovsdb-server", "unshare", "mount"]
        .into_iter()
        .find(|tool| !command("which").arg(tool).output().unwrap().status.success());
    if !nix::unistd::geteuid().is_root() || missing.is_some() {
        eprintln!("SKIPPED: needs root and Open vSwitch (missing: {missing:?})");
        return;
    }
    let again = command("unshare")
        .args(["--mount", "--net", "--propagation", "private"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "all_in_one::one_process_wires_and_leases_without_configuration"])
        .arg("--nocapture")
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = [again.stdout, again.stderr].map(|out| String::from_utf8_lossy(&out).into_owned());
    assert!(again.status.success(), "{}\n{}", said[0], said[1]);
}

fn must(program: &str, arguments: &[&str]) -> String {
    let output = command(program).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn start_switch() -> [Ended; 2] {
    let database = format!("{RUNDIR}/conf.db");
    must("ovsdb-tool", &["create", &database, "/usr/share/openvswitch/vswitch.ovsschema"]);
    let daemon = |program: &str, arguments: &[&str]| {
        let child = command(program)
            .args(arguments)
            .arg("-vconsole:off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Ended(child.unwrap())
    };
    let remote = format!("--remote=punix:{RUNDIR}/db.sock");
    let server = daemon("ovsdb-server", &[&database, &remote]);
    patiently(|| Path::new(RUNDIR).join("db.sock").exists());
    must("ovs-vsctl", &["--no-wait", "init"]);
    [server, daemon("ovs-vswitchd", &[&format!("unix:{RUNDIR}/db.sock")])]
}

fn inside() {
    must("ip", &["link", "set", "lo", "up"]);
    for directory in [RUNDIR, "/var/lib/nucleon", "/run/netns"] {
        std::fs::create_dir_all(directory).unwrap();
        must("mount", &["-t", "tmpfs", "tmpfs", directory]);
    }
    must("mount", &["--make-shared", "/run/netns"]);
    let _switch = start_switch();
    // The environment stands for what a machine with the kernel's datapath needs not say.
    let child = nucleon()
        .arg("all-in-one")
        .env("OS_OVS__DATAPATH_TYPE", "netdev")
        .env("OS_DEFAULT__OVS_USE_VETH", "true")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server { child, address: ([127, 0, 0, 1], 9696).into() };
    let begun = now();
    patiently(|| server.ask("GET", "/", None).is_some());
    eprintln!("first answer after {} ms", begun.elapsed().as_millis());
    let list = |what: &str| server.ask("GET", &format!("/v2.0/{what}"), None).unwrap().1;
    patiently(|| {
        let agents = list("agents?alive=true");
        agents["agents"].as_array().is_some_and(|agents| agents.len() == 2)
    });
    let network = server.create("networks", &json!({"network": {"name": "blue"}}));
    let id = network["network"]["id"].clone();
    let subnet = json!({"subnet": {"network_id": id, "ip_version": 4, "cidr": "10.1.0.0/24"}});
    server.create("subnets", &subnet);
    // The DHCP agent's port: made by the server, plugged by one agent, wired by the other.
    patiently(|| {
        let ports = list("ports?device_owner=network:dhcp");
        ports["ports"][0]["status"] == "ACTIVE"
    });
    let host = list("agents")["agents"][0]["host"].clone();
    let port =
        server.create("ports", &json!({"port": {"network_id": id, "binding:host_id": host}}));
    assert_eq!(port["port"]["binding:vif_type"], "ovs", "{port}");
    let name = port["port"]["id"].as_str().unwrap();
    must(
        "ovs-vsctl",
        &[
            "add-port",
            "br-int",
            "dev0",
            "--",
            "set",
            "interface",
            "dev0",
            "type=internal",
            &format!("external_ids:iface-id={name}"),
        ],
    );
    patiently(|| list(&format!("ports/{name}"))["port"]["status"] == "ACTIVE");
    let status = nucleon().arg("status").output().unwrap();
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("ovs-agent") && status.contains("dhcp-agent"), "{status}");
    tour_with_the_client();
}

/// The unmodified client, where `scripts/venv` has installed it.
fn tour_with_the_client() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/openstack");
    if !client.exists() {
        eprintln!("SKIPPED: the tour with the openstack client; scripts/venv installs it");
        return;
    }
    let client = client.to_str().unwrap().to_owned();
    let ask = |words: &str| {
        let mut arguments =
            vec!["--os-auth-type", "none", "--os-endpoint", "http://127.0.0.1:9696"];
        arguments.extend(words.split(' '));
        must(&client, &arguments)
    };
    ask("network create --description hello green");
    ask(
        "subnet create --network green --subnet-range 10.2.0.0/24 --dns-nameserver 192.0.2.53 leaf",
    );
    ask("port create --network green --fixed-ip subnet=leaf,ip-address=10.2.0.9 p");
    assert!(ask("port show p -f value -c fixed_ips").contains("10.2.0.9"));
    ask("port set --name q p");
    ask("network set --tag a green");
    assert!(ask("network list --tags a -f value -c Name").contains("green"));
    assert!(ask("network agent list -f value -c Alive").contains("True"));
    ask("port delete q");
    ask("subnet delete leaf");
    ask("network delete green");
}
