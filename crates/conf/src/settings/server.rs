//! Options of the server, and of every process.

use std::path::PathBuf;
use std::time::Duration;

use crate::option::options;
use crate::value::{
    AuthStrategy, BaseMac, ConntrackHelpers, CorePlugin, DatabaseUrl, Drivers, HostAddress,
    HostName, HubAddress, LeaseTime, Many, PageLimit, Port, QuotaLimit, ServicePlugin, Transport,
};

options! {
    /// What every process needs to know.
    pub struct Process in "DEFAULT" {
        /// The name under which this host's agents report and its ports are bound. The default is
        /// the machine's host name.
        host: HostName = "";
        /// Where state is kept: the database of a single machine, the hub's socket, the agents'
        /// last views. Without a configuration file /var/lib/nucleon for root and the user's state
        /// directory for others.
        state_path: PathBuf = "/var/lib/neutron";
        /// Where server and agents meet: nucleon://host:port for the built-in hub over TCP, or
        /// nucleon+unix:///path for a socket on one machine. The default is a socket in state_path.
        transport_url: Option<Transport> = "";
        /// Log at debug level.
        debug: bool = "false";
        /// Append the log to this file instead of standard error; relative to log_dir where that is
        /// set.
        log_file: Option<PathBuf> = "", former ["logfile"];
        /// Write a log file, named like the program, into this directory.
        log_dir: Option<PathBuf> = "", former ["logdir"];
        /// Write each log line as a JSON object.
        use_json: bool = "false";
    }
}

options! {
    /// The REST API.
    pub struct Api in "DEFAULT" {
        /// The address to listen on. 127.0.0.1 without a configuration file.
        bind_host: HostAddress = "0.0.0.0";
        /// The port to listen on.
        bind_port: Port = "9696";
        /// How callers say who they are. noauth lets everybody in, and listens on loopback only.
        /// Without a configuration file noauth.
        auth_strategy: AuthStrategy = "keystone";
        /// Let noauth listen on an address that other machines reach. Whoever reaches it owns the
        /// cloud.
        noauth_allow_remote: bool = "false", ours true;
        /// Speak TLS, with the certificate of the group ssl.
        use_ssl: bool = "false";
        /// Allow several objects to be created by one request.
        allow_bulk: bool = "true";
        /// The most objects in one answer; -1 for no limit.
        pagination_max_limit: PageLimit = "-1";
        /// Refuse filters on unknown attributes with 400; otherwise they are ignored.
        filter_validation: bool = "true";
        /// What the links in answers start with, in place of the address that the client used.
        network_link_prefix: Option<String> = "";
        /// Advertise extensions that the API accepts but the data plane does not enforce yet.
        api_preview: bool = "false", ours true;
    }
}

options! {
    /// Which parts make up the server.
    pub struct Plugins in "DEFAULT" {
        /// What keeps networks, subnets and ports: ml2.
        core_plugin: CorePlugin = "";
        /// What adds resources to the API.
        service_plugins: Drivers<ServicePlugin> = "";
    }
}

options! {
    /// Addresses, names and limits of what projects make.
    pub struct Addressing in "DEFAULT" {
        /// The first three octets of generated MAC addresses; the fourth too, unless it is zero.
        base_mac: BaseMac = "fa:16:3e:00:00:00";
        /// The most DNS servers of a subnet.
        max_dns_nameservers: u32 = "5";
        /// The most host routes of a subnet.
        max_subnet_host_routes: u32 = "20";
        /// The most allowed address pairs of a port.
        max_allowed_address_pair: u32 = "10";
        /// How long a DHCP lease holds, in seconds; -1 for ever.
        dhcp_lease_duration: LeaseTime = "86400";
        /// The domain of hosts' names.
        dns_domain: String = "openstacklocal";
        /// The MTU of the physical networks, but for those in physical_network_mtus.
        global_physnet_mtu: u32 = "1500", former ["ml2/segment_mtu"], within (68, 65535);
    }
}

options! {
    /// Agents, as the server sees them.
    pub struct Scheduling in "DEFAULT" {
        /// An agent that was silent for longer is taken for dead; at least twice report_interval.
        agent_down_time: Duration = "75", within (1, 86400);
        /// How many DHCP agents serve a network.
        dhcp_agents_per_network: u32 = "1", within (1, 64);
        /// Give networks without a DHCP agent to agents that come up.
        network_auto_schedule: bool = "true";
        /// Move networks away from dead DHCP agents.
        allow_automatic_dhcp_failover: bool = "true";
        /// How many L3 agents carry a highly available router.
        max_l3_agents_per_router: u32 = "3", within (1, 64);
        /// Give routers that no L3 agent carries to agents that come up.
        router_auto_schedule: bool = "true";
        /// Move routers away from dead L3 agents.
        allow_automatic_l3agent_failover: bool = "false";
        /// Let agents whose admin_state_up is false go on serving what they serve.
        enable_services_on_agents_with_admin_state_down: bool = "false";
    }
}

options! {
    /// Routers, where a request does not say.
    pub struct Routers in "DEFAULT" {
        /// Hide what is behind a router from the network outside, by source NAT.
        enable_snat_by_default: bool = "true";
        /// Make routers that work on every host.
        router_distributed: bool = "false";
        /// Make routers that stand on several hosts.
        l3_ha: bool = "false";
        /// The conntrack helpers that routers may have, each with its protocol.
        allowed_conntrack_helpers: ConntrackHelpers =
            "amanda:tcp,ftp:tcp,h323:udp,h323:tcp,irc:tcp,netbios-ns:udp,pptp:tcp,sane:tcp,\
             sip:udp,sip:tcp,snmp:udp,tftp:udp";
    }
}

options! {
    /// How much a project may have; below zero without limit. Single projects get other limits through the API.
    pub struct Quotas in "quotas" {
        /// The limit of whatever has no option of its own.
        default_quota: QuotaLimit = "-1";
        /// Networks.
        quota_network: QuotaLimit = "100";
        /// Subnets.
        quota_subnet: QuotaLimit = "100";
        /// Ports.
        quota_port: QuotaLimit = "500";
        /// Routers.
        quota_router: QuotaLimit = "10";
        /// Static routes of routers.
        quota_router_route: QuotaLimit = "30";
        /// Floating IPs.
        quota_floatingip: QuotaLimit = "50";
        /// Security groups.
        quota_security_group: QuotaLimit = "10";
        /// Rules of security groups.
        quota_security_group_rule: QuotaLimit = "100";
        /// RBAC policies.
        quota_rbac_policy: QuotaLimit = "10";
    }
}

options! {
    /// The database.
    pub struct Database in "database" {
        /// sqlite:///path, mysql+pymysql://user:password@host/database or
        /// postgresql://user:password@host/database. The default is an SQLite file in state_path.
        connection: Option<DatabaseUrl> = "", former ["DEFAULT/sql_connection"];
        /// The connections kept open.
        max_pool_size: u32 = "5", within (1, 1000);
        /// How many more may be opened when all are busy.
        max_overflow: u32 = "50", within (0, 1000);
    }
}

options! {
    /// The built-in hub.
    pub struct Hub in "hub" {
        /// Where the server listens for agents, in transport_url's forms; may be repeated.
        /// The default is transport_url itself.
        listen: Many<HubAddress> = "", ours true;
        /// Speak TLS over TCP, with certificates on both sides: an agent is bound to the host that
        /// its certificate names. Without it whoever reaches the port may speak for any host.
        tls: bool = "true", ours true;
        /// The authority that signs the certificates of server and agents, as PEM.
        ca_file: Option<PathBuf> = "", ours true;
        /// This process's certificate chain, as PEM.
        cert_file: Option<PathBuf> = "", ours true;
        /// This process's private key, as PEM.
        key_file: Option<PathBuf> = "", ours true;
    }
}
