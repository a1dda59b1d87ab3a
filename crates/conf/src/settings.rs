//! The options, declared once each, and the whole of them as typed values.

mod access;
mod agent;
mod policy;
mod server;
mod switch;

use std::path::PathBuf;

use crate::check::check;
use crate::option::OptionSpec;
use crate::problem::{ConfigErrors, Warning};
use crate::reader::Reader;
use crate::sources::{Gathered, Sources};
use crate::value::{DatabaseUrl, HubAddress, Transport};

pub use self::access::{Cors, HttpBasic, KeystoneAuthtoken, OsloMiddleware, Ssl};
pub use self::agent::{Agent, Dhcp};
pub use self::policy::Policy;
pub use self::server::{
    Addressing, Api, Database, Hub, Plugins, Process, Quotas, Routers, Scheduling,
};
pub use self::switch::{Ml2, Ml2Flat, Ml2Geneve, Ml2Gre, Ml2Vlan, Ml2Vxlan, Ovs};

/// The whole configuration of a process, right as far as it can be told without looking around.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// No file was given: one machine on its own.
    pub standalone: bool,
    /// Where files are looked for that the configuration names without a directory, in order.
    pub search_path: Vec<PathBuf>,
    pub process: Process,
    pub api: Api,
    pub keystone: KeystoneAuthtoken,
    pub http_basic: HttpBasic,
    pub middleware: OsloMiddleware,
    pub cors: Cors,
    pub ssl: Ssl,
    pub policy: Policy,
    pub plugins: Plugins,
    pub addressing: Addressing,
    pub scheduling: Scheduling,
    pub routers: Routers,
    pub quotas: Quotas,
    pub database: Database,
    pub hub: Hub,
    pub ml2: Ml2,
    pub flat: Ml2Flat,
    pub vlan: Ml2Vlan,
    pub vxlan: Ml2Vxlan,
    pub gre: Ml2Gre,
    pub geneve: Ml2Geneve,
    pub ovs: Ovs,
    pub agent: Agent,
    pub dhcp: Dhcp,
}

/// Settings, and what is worth a line in the log about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub settings: Settings,
    pub warnings: Vec<Warning>,
}

/// All declarations, in the order of the sample file.
const TABLES: &[&[OptionSpec]] = &[
    Process::OPTIONS,
    Api::OPTIONS,
    KeystoneAuthtoken::OPTIONS,
    HttpBasic::OPTIONS,
    OsloMiddleware::OPTIONS,
    Cors::OPTIONS,
    Ssl::OPTIONS,
    Policy::OPTIONS,
    Plugins::OPTIONS,
    Addressing::OPTIONS,
    Scheduling::OPTIONS,
    Routers::OPTIONS,
    Quotas::OPTIONS,
    Dhcp::OPTIONS,
    Database::OPTIONS,
    Hub::OPTIONS,
    Ml2::OPTIONS,
    Ml2Flat::OPTIONS,
    Ml2Vlan::OPTIONS,
    Ml2Vxlan::OPTIONS,
    Ml2Gre::OPTIONS,
    Ml2Geneve::OPTIONS,
    Ovs::OPTIONS,
    Agent::OPTIONS,
];

/// The defaults that differ where no file is given, so that one machine works at once. `state_path`
/// differs too: it depends on the user.
pub(crate) const STANDALONE: &[(&str, &str, &str)] = &[
    ("DEFAULT", "auth_strategy", "noauth"),
    ("DEFAULT", "bind_host", "127.0.0.1"),
    ("ml2", "mechanism_drivers", "openvswitch"),
    ("ml2", "type_drivers", "flat,vlan,local"),
    ("ovs", "ovsdb_connection", "unix:/run/openvswitch/db.sock"),
];

pub(crate) fn specs() -> impl Iterator<Item = &'static OptionSpec> {
    TABLES.iter().copied().flatten()
}

impl Settings {
    /// Reads everything and reports all that is wrong at once.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let Gathered { values, mut problems, mut warnings, .. } = sources.gather();
        let mut reader = Reader::new(&values);
        let settings = Self::read(sources, &mut reader);
        let settings = settings.map(|settings| check(settings, &mut reader));
        problems.append(&mut reader.problems);
        warnings.append(&mut reader.warnings);
        problems.sort();
        warnings.sort();
        warnings.dedup();
        match settings {
            Some(settings) if problems.is_empty() => Ok(Loaded { settings, warnings }),
            _ => Err(ConfigErrors { problems, warnings }),
        }
    }

    fn read(sources: &Sources, reader: &mut Reader<'_>) -> Option<Self> {
        // All are read before any is missed, so that every error is found.
        let process = Process::read(reader);
        let api = Api::read(reader);
        let keystone = KeystoneAuthtoken::read(reader);
        let http_basic = HttpBasic::read(reader);
        let middleware = OsloMiddleware::read(reader);
        let cors = Cors::read(reader);
        let ssl = Ssl::read(reader);
        let policy = Policy::read(reader);
        let plugins = Plugins::read(reader);
        let addressing = Addressing::read(reader);
        let scheduling = Scheduling::read(reader);
        let routers = Routers::read(reader);
        let quotas = Quotas::read(reader);
        let database = Database::read(reader);
        let hub = Hub::read(reader);
        let ml2 = Ml2::read(reader);
        let flat = Ml2Flat::read(reader);
        let vlan = Ml2Vlan::read(reader);
        let vxlan = Ml2Vxlan::read(reader);
        let gre = Ml2Gre::read(reader);
        let geneve = Ml2Geneve::read(reader);
        let ovs = Ovs::read(reader);
        let agent = Agent::read(reader);
        let dhcp = Dhcp::read(reader);
        Some(Self {
            standalone: sources.is_standalone(),
            search_path: sources.search_path(),
            process: process?,
            api: api?,
            keystone: keystone?,
            http_basic: http_basic?,
            middleware: middleware?,
            cors: cors?,
            ssl: ssl?,
            policy: policy?,
            plugins: plugins?,
            addressing: addressing?,
            scheduling: scheduling?,
            routers: routers?,
            quotas: quotas?,
            database: database?,
            hub: hub?,
            ml2: ml2?,
            flat: flat?,
            vlan: vlan?,
            vxlan: vxlan?,
            gre: gre?,
            geneve: geneve?,
            ovs: ovs?,
            agent: agent?,
            dhcp: dhcp?,
        })
    }

    /// The database, SQLite in `state_path` where none is named.
    pub fn database_url(&self) -> DatabaseUrl {
        let state_path = &self.process.state_path;
        match &self.database.connection {
            Some(url) => url.clone().placed_in(state_path),
            None => DatabaseUrl::Sqlite(state_path.join("nucleon.sqlite")),
        }
    }

    /// Where agents find the hub: a socket in `state_path` where none is named.
    pub fn hub_address(&self) -> HubAddress {
        match &self.process.transport_url {
            Some(Transport::Hub(address)) => address.clone(),
            Some(Transport::NotBuilt(_)) | None => {
                HubAddress::Unix(self.process.state_path.join("hub.sock"))
            }
        }
    }

    /// Where the server's hub listens: `[hub] listen`, else where the agents look for it.
    pub fn hub_listen(&self) -> Vec<HubAddress> {
        match self.hub.listen.0.as_slice() {
            [] => vec![self.hub_address()],
            addresses => addresses.to_vec(),
        }
    }

    /// The log file of `program`, if the log goes to one.
    pub fn log_file(&self, program: &str) -> Option<PathBuf> {
        let Process { log_file, log_dir, .. } = &self.process;
        match (log_dir, log_file) {
            (Some(directory), Some(file)) => Some(directory.join(file)),
            (None, Some(file)) => Some(file.clone()),
            (Some(directory), None) => Some(directory.join(format!("{program}.log"))),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests;
