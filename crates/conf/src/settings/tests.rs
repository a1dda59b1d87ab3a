use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::sources::Machine;
use crate::value::{
    AuthStrategy, AuthType, DatapathType, LeaseTime, MechanismDriver, NetworkType, OvsdbAddress,
    Secret, TlsVersion,
};

fn sources() -> Sources {
    Sources::new(Machine { hostname: "here".to_owned(), state_path: PathBuf::from("/state") })
}

fn load(text: &str) -> Result<Loaded, ConfigErrors> {
    Settings::load(&sources().text("n.conf", text))
}

fn settings(text: &str) -> Settings {
    load(text).unwrap().settings
}

fn errors(text: &str) -> Vec<String> {
    load(text).unwrap_err().problems.iter().map(ToString::to_string).collect()
}

fn warnings(text: &str) -> Vec<String> {
    load(text).unwrap().warnings.iter().map(ToString::to_string).collect()
}

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn without_a_file_one_machine_works() {
    let Loaded { settings, warnings } = Settings::load(&sources()).unwrap();
    assert_eq!(warnings, []);
    assert!(settings.standalone);
    assert_eq!(settings.api.auth_strategy, AuthStrategy::Noauth);
    assert_eq!(settings.api.bind_host.to_string(), "127.0.0.1");
    assert_eq!(settings.api.bind_port.get(), 9696);
    assert_eq!(settings.process.host.as_str(), "here");
    assert_eq!(settings.database_url().expose(), "sqlite:///state/nucleon.sqlite");
    assert_eq!(settings.hub_address(), HubAddress::Unix("/state/hub.sock".into()));
    assert_eq!(settings.hub_listen(), [settings.hub_address()]);
    assert_eq!(settings.ml2.mechanism_drivers.as_slice(), [MechanismDriver::OpenVSwitch]);
    assert_eq!(
        settings.ml2.type_drivers.as_slice(),
        [NetworkType::Flat, NetworkType::Vlan, NetworkType::Local]
    );
    assert_eq!(settings.ml2.project_network_types.as_slice(), [NetworkType::Local]);
    let socket = OvsdbAddress::Unix("/run/openvswitch/db.sock".into());
    assert_eq!(settings.ovs.ovsdb_connection, socket);
}

#[test]
fn with_a_file_neutron_s_defaults_hold() {
    let Loaded { settings, warnings } = load("").unwrap();
    assert_eq!(warnings, []);
    assert!(!settings.standalone);
    assert_eq!(settings.api.auth_strategy, AuthStrategy::Keystone);
    assert_eq!(settings.api.bind_host.to_string(), "0.0.0.0");
    assert_eq!(settings.process.state_path, Path::new("/var/lib/neutron"));
    assert_eq!(settings.ovs.ovsdb_connection.to_string(), "tcp:127.0.0.1:6640");
    assert!(settings.ml2.mechanism_drivers.is_empty());
    assert_eq!(settings.scheduling.agent_down_time, Duration::from_secs(75));
    assert_eq!(settings.agent.report_interval, Duration::from_secs(30));
    assert_eq!(settings.agent.availability_zone, "nova");
    assert_eq!(settings.addressing.dns_domain, "openstacklocal");
    assert_eq!(settings.addressing.max_subnet_host_routes, 20);
    assert_eq!(settings.addressing.dhcp_lease_duration.on_the_wire(), 86400);
    assert_eq!(settings.addressing.global_physnet_mtu, 1500);
    assert_eq!((settings.database.max_pool_size, settings.database.max_overflow), (5, 50));
    assert!(settings.flat.flat_networks.allows("any"));
    assert_eq!(settings.ovs.datapath_type, DatapathType::System);
    let Routers { enable_snat_by_default, router_distributed, l3_ha, .. } = settings.routers;
    assert_eq!((enable_snat_by_default, router_distributed, l3_ha), (true, false, false));
}

#[test]
fn what_routers_are_like_is_configured() {
    let text = "[DEFAULT]\nenable_snat_by_default = no\nrouter_distributed = yes\nl3_ha = yes\n\
                allowed_conntrack_helpers = tftp:udp,sip:tcp\n";
    let Loaded { settings, warnings } = load(text).unwrap();
    assert_eq!(warnings, []);
    let routers = settings.routers;
    assert_eq!(
        (routers.enable_snat_by_default, routers.router_distributed, routers.l3_ha),
        (false, true, true)
    );
    let helpers: Vec<_> = routers.allowed_conntrack_helpers.iter().collect();
    assert_eq!(helpers, [("sip", "tcp"), ("tftp", "udp")]);
    assert_eq!(
        errors("[DEFAULT]\nallowed_conntrack_helpers = ftp:smoke\n").len(),
        1,
        "a protocol that there is not"
    );
}

#[test]
fn every_default_is_a_value_of_its_option() {
    // Declared defaults are text, and read like any other.
    assert!(load("").is_ok());
    assert!(Settings::load(&sources()).is_ok());
}

#[test]
fn a_usual_deployment_s_files_are_read() {
    let text = "\
[DEFAULT]
core_plugin = ml2
service_plugins = router,segments
auth_strategy = keystone
bind_host = 10.0.0.11
state_path = /srv/neutron
transport_url = rabbit://openstack:s3cret@10.0.0.9:5672//
lock_path = $state_path/lock
rpc_workers = 4
dhcp_lease_duration = -1

[database]
connection = mysql+pymysql://neutron:s3cret@10.0.0.9/neutron?charset=utf8

[keystone_authtoken]
www_authenticate_uri = http://10.0.0.9:5000
password = pa$$word
memcached_servers = 10.0.0.9:11211

[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vlan
mechanism_drivers = openvswitch,l2population
physical_network_mtus = physnet1:9000

[ml2_type_vlan]
network_vlan_ranges = physnet1:100:200,physnet2

[ovs]
bridge_mappings = physnet1:br-ex
datapath_type = netdev
";
    let Loaded { settings, warnings } = load(text).unwrap();
    assert_eq!(settings.process.state_path, Path::new("/srv/neutron"));
    assert_eq!(settings.addressing.dhcp_lease_duration, LeaseTime::Infinite);
    assert_eq!(settings.hub_address(), HubAddress::Unix("/srv/neutron/hub.sock".into()));
    assert_eq!(settings.keystone.password.as_ref().map(Secret::expose), Some("pa$word"));
    assert!(!format!("{settings:?}").contains("pa$word"));
    assert_eq!(settings.ml2.project_network_types.as_slice(), [NetworkType::Vlan]);
    assert_eq!(settings.vlan.network_vlan_ranges.networks().len(), 2);
    assert_eq!(settings.ovs.bridge_mappings.bridge("physnet1"), Some("br-ex"));
    let warnings: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "n.conf:3: [DEFAULT] service_plugins: driver 'router' is not built yet and is left out",
            "n.conf:7: [DEFAULT] transport_url: 'rabbit://' is not built yet; the built-in \
             hub is used",
            "n.conf:8: [DEFAULT] lock_path is accepted, but not used yet",
            "n.conf:9: [DEFAULT] rpc_workers is accepted, but not used yet",
            "n.conf:18: [keystone_authtoken] memcached_servers is accepted, but not used yet",
            "n.conf:22: [ml2] tenant_network_types is now called [ml2] project_network_types",
            "n.conf:23: [ml2] mechanism_drivers: driver 'l2population' is not built yet and \
             is left out",
        ]
    );
}

#[test]
fn all_errors_are_reported_at_once_with_their_places() {
    let text = "\
[DEFAULT]
bind_port = 99999
debug = maybe
what is this
agent_down_time = soon
[ml2_type_vlan]
network_vlan_ranges = a:1:2,b:200:100
[database]
connection = nosuch://u:s3cret@h/n
max_pool_size = 0
";
    let errors = load(text).unwrap_err();
    let lines: Vec<_> = errors.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "n.conf:2: [DEFAULT] bind_port: '99999': not between 1 and 65535",
            "n.conf:3: [DEFAULT] debug: 'maybe': not a boolean (true, false, yes, no, on, off, \
             1, 0)",
            "n.conf:4: 'what is this' has neither '=' nor ':'",
            "n.conf:5: [DEFAULT] agent_down_time: 'soon': not a number",
            "n.conf:7: [ml2_type_vlan] network_vlan_ranges: 'a:1:2,b:200:100': 'b:200:100' has its \
             first VLAN id behind the last",
            "n.conf:9: [database] connection: not of the form sqlite:///path, \
             mysql+pymysql://user:password@host/database, mysql://… or postgresql://…",
            "n.conf:10: [database] max_pool_size: '0': not between 1 and 1000",
        ]
    );
    let whole = errors.to_string();
    assert!(whole.starts_with("the configuration has 7 errors:\n  n.conf:2: "), "{whole}");
    assert!(!whole.contains("s3cret"));
    assert_eq!(ConfigErrors::EXIT_CODE, 64);
}

#[test]
fn unknown_names_warn_and_do_not_stop() {
    assert_eq!(
        warnings("[DEFAULT]\nbind_prot = 1\n[mll2]\nx = 1\ny = 2\n[ovs]\nbind_port = 3\n"),
        [
            "n.conf:2: [DEFAULT] bind_prot is unknown; did you mean bind_port?",
            "n.conf:3: group [mll2] is unknown; did you mean [ml2]?",
            "n.conf:7: [ovs] bind_port is unknown; it belongs to [DEFAULT]",
        ]
    );
}

#[test]
fn the_last_value_counts_and_later_files_win() {
    let first = "[DEFAULT]\nbind_port = 1\nbind_port = 2\ndns_domain = one\n";
    let second = "[DEFAULT]\nbind_port = 3\n";
    let both = sources().text("1", first).text("2", second);
    let settings = Settings::load(&both).unwrap().settings;
    assert_eq!(settings.api.bind_port.get(), 3);
    assert_eq!(settings.addressing.dns_domain, "one");
}

#[test]
fn a_bad_value_that_another_overrules_does_no_harm() {
    assert_eq!(settings("[DEFAULT]\nbind_port = x\nbind_port = 2\n").api.bind_port.get(), 2);
}

#[test]
fn present_names_win_over_former_ones_in_a_file_and_later_files_over_both() {
    let both = "[ml2]\nproject_network_types = flat\ntenant_network_types = vlan\n";
    assert_eq!(settings(both).ml2.project_network_types.as_slice(), [NetworkType::Flat]);
    let later = sources().text("1", both).text("2", "[ml2]\ntenant_network_types = local\n");
    let settings = Settings::load(&later).unwrap().settings;
    assert_eq!(settings.ml2.project_network_types.as_slice(), [NetworkType::Local]);
}

#[test]
fn the_environment_wins_over_files() {
    let with = |pairs: &[(&str, &str)]| {
        sources().text("n.conf", "[DEFAULT]\nbind_port = 1\n").environment(variables(pairs))
    };
    let set = with(&[("OS_DEFAULT__BIND_PORT", "2"), ("OS_ML2__TYPE_DRIVERS", "local")]);
    let settings = Settings::load(&set).unwrap().settings;
    assert_eq!(settings.api.bind_port.get(), 2);
    assert_eq!(settings.ml2.type_drivers.as_slice(), [NetworkType::Local]);
    let bad = Settings::load(&with(&[("OS_DEFAULT__BIND_PORT", "x")])).unwrap_err();
    assert_eq!(
        bad.problems[0].to_string(),
        "environment OS_DEFAULT__BIND_PORT: [DEFAULT] bind_port: 'x': not a whole number"
    );
}

#[test]
fn variables_of_others_are_left_alone_and_mistyped_ones_warn() {
    let set = sources().environment(variables(&[
        ("OS_USERNAME", "admin"),
        ("PATH", "/bin"),
        ("OS_DEFAULT__BIND_PROT", "1"),
    ]));
    let warnings = Settings::load(&set).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].to_string(),
        "environment OS_DEFAULT__BIND_PROT: [DEFAULT] bind_prot is unknown; did you mean bind_port?"
    );
    assert!(Settings::load(&set).unwrap().settings.standalone, "variables are no file");
}

#[test]
fn directories_are_read_by_name_and_only_their_conf_files() {
    let directory = tempfile::tempdir().unwrap();
    for (name, port) in [("10-a.conf", 1), ("20-b.conf", 2), ("05-c.conf", 3), ("99-d.txt", 4)] {
        fs::write(directory.path().join(name), format!("[DEFAULT]\nbind_port = {port}\n")).unwrap();
    }
    let settings = Settings::load(&sources().directory(directory.path())).unwrap().settings;
    assert_eq!(settings.api.bind_port.get(), 2);
    assert!(!settings.standalone);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_beside_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let latin = directory.path().join("latin.conf");
    fs::write(&latin, b"[DEFAULT]\nhost = h\xf4te\n").unwrap();
    let set = sources()
        .file("/nonexistent/n.conf")
        .directory("/nonexistent.d")
        .file(&latin)
        .text("n.conf", "[DEFAULT]\nbind_port = 0\n");
    let problems = Settings::load(&set).unwrap_err().problems;
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for part in
        ["/nonexistent/n.conf: cannot be read", "/nonexistent.d: cannot", "not UTF-8", "bind_port"]
    {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:?}");
    }
}

#[test]
fn options_refer_to_each_other() {
    let text = "\
[DEFAULT]
state_path = /srv
log_dir = ${DEFAULT.state_path}/log
dns_domain = ${host}.example
host = node7
[database]
connection = sqlite:///$state_path/db/n.sqlite
[ovs]
tunnel_bridge = ${integration_bridge}-t
[agent]
availability_zone = $ovs.integration_bridge
";
    let settings = settings(text);
    assert_eq!(settings.log_file("server"), Some("/srv/log/server.log".into()));
    assert_eq!(settings.database_url().expose(), "sqlite:///srv/db/n.sqlite");
    assert_eq!(settings.addressing.dns_domain, "node7.example");
    assert_eq!(settings.ovs.tunnel_bridge, "br-int-t");
    assert_eq!(settings.agent.availability_zone, "br-int");
}

#[test]
fn references_that_lead_nowhere_or_in_circles_are_errors() {
    assert_eq!(
        errors("[DEFAULT]\ndns_domain = $nowhere\nhost = $log_file\nlog_file = $host\n"),
        [
            "n.conf:2: [DEFAULT] dns_domain: '$nowhere' names no option; write '$$' for a \
             dollar sign",
            "n.conf:3: [DEFAULT] host: '$log_file' refers to itself",
            "n.conf:4: [DEFAULT] log_file: '$host' refers to itself",
        ]
    );
}

#[test]
fn a_dollar_sign_in_a_password_is_written_twice() {
    let text = "[database]\nconnection = mysql://u:pa$$word@h/n\n";
    assert_eq!(settings(text).database_url().expose(), "mysql://u:pa$word@h/n");
}

#[test]
fn noauth_is_kept_to_loopback() {
    let noauth = "[DEFAULT]\nauth_strategy = noauth\n";
    let Loaded { settings, warnings } = load(noauth).unwrap();
    assert_eq!(settings.api.bind_host.to_string(), "127.0.0.1");
    assert_eq!(
        warnings[0].to_string(),
        "n.conf:2: auth_strategy = noauth: the API listens on 127.0.0.1, not on 0.0.0.0"
    );
    for open in ["0.0.0.0", "::", "10.0.0.1", "controller"] {
        let text = format!("{noauth}bind_host = {open}\n");
        let errors = errors(&text);
        assert!(errors[0].starts_with("n.conf:3: [DEFAULT] bind_host: auth_strategy = noauth"));
        assert!(load(&format!("{text}noauth_allow_remote = true\n")).is_ok(), "{open}");
    }
    for own in ["127.0.0.1", "::1", "localhost"] {
        assert!(load(&format!("{noauth}bind_host = {own}\n")).is_ok(), "{own}");
    }
}

#[test]
fn noauth_without_a_file_is_kept_to_loopback_too() {
    let set = sources().environment(variables(&[("OS_DEFAULT__BIND_HOST", "0.0.0.0")]));
    assert_eq!(Settings::load(&set).unwrap_err().problems.len(), 1);
}

#[test]
fn a_hub_over_tcp_needs_certificates_or_a_word_against_them() {
    let tcp = "[DEFAULT]\ntransport_url = nucleon://10.0.0.1\n";
    assert_eq!(
        errors(&format!("{tcp}[hub]\ncert_file = /c\n")),
        [
            "n.conf:2: [hub] ca_file: is required for the hub over TCP, which speaks TLS",
            "n.conf:2: [hub] key_file: is required for the hub over TCP, which speaks TLS",
        ]
    );
    let text = format!("{tcp}[hub]\nca_file = /a\ncert_file = /c\nkey_file = /k\n");
    assert!(settings(&text).hub.tls);
    assert!(!settings(&format!("{tcp}[hub]\ntls = false\n")).hub.tls);
}

#[test]
fn the_hub_listens_in_several_places() {
    let text =
        "[hub]\ntls = false\nlisten = nucleon+unix:///run/h\nlisten = nucleon://0.0.0.0:7000\n";
    let listen: Vec<_> = settings(text).hub_listen().iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["nucleon+unix:///run/h", "nucleon://0.0.0.0:7000"]);
}

#[test]
fn project_networks_need_their_type_driver() {
    assert_eq!(
        errors("[ml2]\ntype_drivers = flat\nproject_network_types = vlan\n"),
        ["n.conf:3: [ml2] project_network_types: 'vlan' is not among type_drivers"]
    );
}

#[test]
fn times_that_do_not_fit_together_are_noticed() {
    let late = warnings("[DEFAULT]\nagent_down_time = 59\n");
    assert!(late[0].starts_with("n.conf:2: agent_down_time is 59 s: less than twice"), "{late:?}");
    assert_eq!(
        errors("[DEFAULT]\ndhcp_renewal_time = 20\ndhcp_rebinding_time = 20\n"),
        ["n.conf:2: [DEFAULT] dhcp_renewal_time: 20 s is not before dhcp_rebinding_time (20 s)"]
    );
}

#[test]
fn log_files_have_their_places() {
    let file = |text: &str| settings(&format!("[DEFAULT]\n{text}")).log_file("server");
    assert_eq!(file(""), None);
    assert_eq!(file("log_file = /l/x.log"), Some("/l/x.log".into()));
    assert_eq!(file("log_dir = /l"), Some("/l/server.log".into()));
    assert_eq!(file("log_dir = /l\nlog_file = x.log"), Some("/l/x.log".into()));
}

#[test]
fn the_sample_is_a_file_that_changes_nothing() {
    let sample = crate::sample();
    let Loaded { settings, warnings } = load(&sample).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(settings, self::settings(""));
}

#[test]
fn the_sample_s_options_are_the_defaults_when_set() {
    // Every line that holds an option, without its sign of comment; empty ones mean that nothing is
    // set.
    let mut uncommented = String::new();
    for line in crate::sample().lines() {
        let option = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
        match option {
            Some(option) if !option.ends_with("= ") => uncommented += option,
            Some(_) => {}
            None => uncommented += line,
        }
        uncommented.push('\n');
    }
    assert_eq!(settings(&uncommented), settings(""));
}

#[test]
fn every_option_is_in_the_sample_and_in_the_reference_once() {
    let (sample, table) = (crate::sample(), crate::docs_table());
    let mut seen = std::collections::BTreeSet::new();
    for spec in specs() {
        assert!(seen.insert((spec.group, spec.name)), "{} is declared twice", spec.title());
        assert!(
            sample.contains(&format!("\n#{} = {}\n", spec.name, spec.default)),
            "{}",
            spec.name
        );
        assert!(table.contains(&format!("\n| `{}` | ", spec.name)), "{}", spec.name);
        assert!(spec.help.iter().all(|line| !line.trim().is_empty()), "{}", spec.name);
    }
    for (group, name, _) in STANDALONE {
        assert!(seen.contains(&(*group, *name)), "[{group}] {name}");
    }
    assert!(
        table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .all(|line| { line.replace("\\|", "").matches('|').count() == 5 })
    );
}

proptest! {
    #[test]
    fn any_file_loads_or_is_refused(text in "(?s).{0,300}") {
        let _ = load(&text);
    }

    #[test]
    fn any_value_of_any_option_is_read_or_refused(
        index in 0..specs().count(),
        value in "[ -~\u{e9}\u{1f600}]{0,40}",
    ) {
        let spec = specs().nth(index).unwrap();
        let text = format!("[{}]\n{} = {value}\n", spec.group, spec.name);
        if let Err(errors) = load(&text) {
            prop_assert!(errors.to_string().contains("n.conf:2: "), "{errors}");
        }
    }
}

#[test]
fn tls_for_the_api_needs_a_certificate_and_its_key() {
    assert_eq!(
        errors("[DEFAULT]\nuse_ssl = true\n[ssl]\ncert_file = /c.pem\n"),
        ["n.conf:2: [ssl] key_file: is required for use_ssl = true"]
    );
    let settings = settings(
        "[DEFAULT]\nuse_ssl = yes\nssl_cert_file = /c.pem\n[ssl]\nkey_file = /k.pem\nversion = TLSv1_2\n",
    );
    assert_eq!(settings.ssl.cert_file.as_deref(), Some(Path::new("/c.pem")));
    assert_eq!(settings.ssl.version, Some(TlsVersion::Tls12));
    assert_eq!(
        errors("[ssl]\nversion = TLSv1\n"),
        ["n.conf:2: [ssl] version: 'TLSv1': not one of sslv23, tlsv1_2, tlsv1_3"]
    );
}

#[test]
fn headers_of_proxies_count_only_with_the_proxies_names() {
    let warned = warnings("[oslo_middleware]\nenable_proxy_headers_parsing = true\n");
    assert!(
        warned[0].starts_with("n.conf:2: ") && warned[0].contains("trusted_proxies"),
        "{warned:?}"
    );
    let named = "[oslo_middleware]\nenable_proxy_headers_parsing = true\ntrusted_proxies = 10.0.0.1, fd00::/64\n";
    assert_eq!(warnings(named), [""; 0]);
    assert_eq!(settings(named).middleware.trusted_proxies.len(), 2);
}

#[test]
fn identity_has_the_middleware_s_names_and_defaults() {
    let keystone =
        settings("[keystone_authtoken]\nauth_uri = http://k:5000\nauth_type = password\n").keystone;
    assert_eq!(keystone.www_authenticate_uri.as_deref(), Some("http://k:5000"));
    assert_eq!(keystone.auth_type, Some(AuthType::Password));
    assert_eq!(keystone.token_cache_time.0, Some(Duration::from_mins(5)));
    assert_eq!(keystone.service_token_roles, ["service"]);
    assert!(keystone.service_token_roles_required && !keystone.delay_auth_decision);
    assert_eq!(
        errors("[keystone_authtoken]\nauth_type = v3oidcpassword\n"),
        [
            "n.conf:2: [keystone_authtoken] auth_type: 'v3oidcpassword': not one of password, v3password, v3applicationcredential"
        ]
    );
}
