//! The schema, as a numbered list of migrations. `nucleon db upgrade | version | check` call these functions.
//!
//! A migration either **expands** (adds what programs that do not know it can do without) or **contracts** (takes away
//! what no program of the version before uses any more). So a rolling upgrade is: expand, replace the programs,
//! contract; and a program refuses a schema that is newer than it only when something was contracted.
//!
//! DDL is not transactional on MariaDB: every step may be run again where it had been interrupted.

mod m0001_journal;
mod m0002_networking;
mod m0003_sharing;
mod m0004_address_scopes;
mod m0005_routers;
mod m0006_security_groups;
mod m0007_network_sharing;
mod m0008_port_bindings;
mod m0009_project_indexes;
mod m0010_subnetpools;
mod m0011_subnet_services;
mod m0012_network_segment_ranges;
mod m0013_auto_allocation;
mod m0014_trunks;
mod m0015_floating_ips;
mod m0016_port_details;
mod m0017_ndp_proxies;
mod m0018_metering;
mod m0019_flavors;
mod m0020_logs;
mod m0021_local_ips;
mod m0022_qos;
mod m0023_l3_agents;
mod m0024_ha_networks;
mod m0025_rule_fingerprints;
mod run;

use std::fmt;

use sea_query::{
    IndexCreateStatement, IndexDropStatement, InsertStatement, TableAlterStatement,
    TableCreateStatement, TableDropStatement, UpdateStatement,
};

pub use crate::migrate::run::{
    check, check_with, downgrade_one, downgrade_one_with, upgrade, upgrade_with, version,
};
use crate::schema::Schema;

/// All migrations, in order. Add yours at the end: `m0002_network::MIGRATION`, and so on.
pub const MIGRATIONS: &[Migration] = &[
    m0001_journal::MIGRATION,
    m0002_networking::MIGRATION,
    m0003_sharing::MIGRATION,
    m0004_address_scopes::MIGRATION,
    m0005_routers::MIGRATION,
    m0006_security_groups::MIGRATION,
    m0007_network_sharing::MIGRATION,
    m0008_port_bindings::MIGRATION,
    m0009_project_indexes::MIGRATION,
    m0010_subnetpools::MIGRATION,
    m0011_subnet_services::MIGRATION,
    m0012_network_segment_ranges::MIGRATION,
    m0013_auto_allocation::MIGRATION,
    m0014_trunks::MIGRATION,
    m0015_floating_ips::MIGRATION,
    m0016_port_details::MIGRATION,
    m0017_ndp_proxies::MIGRATION,
    m0018_metering::MIGRATION,
    m0019_flavors::MIGRATION,
    m0020_logs::MIGRATION,
    m0021_local_ips::MIGRATION,
    m0022_qos::MIGRATION,
    m0023_l3_agents::MIGRATION,
    m0024_ha_networks::MIGRATION,
    m0025_rule_fingerprints::MIGRATION,
];

/// What a migration does to programs that do not know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Expand,
    Contract,
}

/// One step of the schema.
#[derive(Clone, Copy)]
pub struct Migration {
    pub number: i64,
    pub name: &'static str,
    pub phase: Phase,
    pub up: fn(&Schema) -> Vec<Step>,
    pub down: fn(&Schema) -> Vec<Step>,
}

/// One statement of a migration.
#[derive(Debug, Clone)]
pub enum Step {
    Create(TableCreateStatement),
    Alter(TableAlterStatement),
    Drop(TableDropStatement),
    CreateIndex(IndexCreateStatement),
    DropIndex(IndexDropStatement),
    /// A row that must be there; one that is there already is left alone.
    Insert(InsertStatement),
    Update(UpdateStatement),
}

/// How the schema stands to this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// They fit.
    Current,
    /// These are to be applied before this program can serve.
    Behind { missing: Vec<i64> },
    /// The schema has these expansions that the program does not know, and can do without.
    Ahead { unknown: Vec<i64> },
}

/// Why the schema cannot be used or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "the schema is at {schema}, which this program does not know and cannot do without \
         knowing; it knows {program}: install the newer program"
    )]
    Newer { schema: i64, program: i64 },
    #[error("the schema is at version 0: there is nothing to take back")]
    Empty,
    #[error("migration {number} ({name}) failed at {statement:?}")]
    Step { number: i64, name: &'static str, statement: String, source: sqlx::Error },
    #[error("another program has been changing the schema for too long")]
    Locked,
    #[error(transparent)]
    Store(#[from] crate::Error),
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04} {}", self.number, self.name)
    }
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        let numbers: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.number).collect();
        let last = i64::try_from(MIGRATIONS.len()).unwrap();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    }
}
