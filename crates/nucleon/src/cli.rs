//! The command line. A program called by one of Neutron's names takes that role.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use nucleon_model::view::Role;

use crate::policy::{CheckArgs, ListArgs};

/// OpenStack Networking in one program.
#[derive(Debug, Parser)]
#[command(name = "nucleon", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The REST API, the control plane and the hub that agents connect to
    Server(SourceArgs),
    /// The plugin agent of a compute node: wires ports on Open vSwitch
    OvsAgent(SourceArgs),
    /// The DHCP agent: leases for all networks of a host from one process
    DhcpAgent(SourceArgs),
    /// Server and agents in one process, on this machine's own Open vSwitch
    AllInOne(SourceArgs),
    /// What the agents of this host are doing
    Status {
        #[command(flatten)]
        sources: SourceArgs,
        /// Everything, as JSON
        #[arg(long)]
        json: bool,
    },
    /// What an agent waits for
    #[command(subcommand)]
    Agent(AgentCommand),
    /// The schema of the database
    Db {
        #[command(flatten)]
        sources: SourceArgs,
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Configuration files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Who may do what
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// Where the configuration comes from, as every OpenStack service has it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SourceArgs {
    /// A configuration file; later ones win
    #[arg(long = "config-file", value_name = "PATH", global = true)]
    pub files: Vec<PathBuf>,
    /// A directory whose *.conf files are read in order
    #[arg(long = "config-dir", value_name = "DIR", global = true)]
    pub directories: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring the schema to this program's version
    Upgrade,
    /// Take back the last step
    Downgrade,
    /// Print the version of the schema
    Version,
    /// Say whether schema and program fit
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Let an agent carry out a change that it has held back, such as the loss of many ports at once
    Accept {
        #[command(flatten)]
        sources: SourceArgs,
        #[arg(value_enum)]
        role: AgentRole,
    },
}

/// The agents of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AgentRole {
    OvsAgent,
    DhcpAgent,
}

impl From<AgentRole> for Role {
    fn from(role: AgentRole) -> Self {
        match role {
            AgentRole::OvsAgent => Self::OvsAgent,
            AgentRole::DhcpAgent => Self::DhcpAgent,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a file with every option, its default and its meaning
    Sample,
    /// Say all that is wrong with a configuration
    Check {
        #[command(flatten)]
        sources: SourceArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the rules in force, in the form of a policy file
    List(ListArgs),
    /// Say whether somebody may do something, and why: ends with 0 for allowed, 1 for denied
    Check(CheckArgs),
}

/// Neutron's names of programs, and the roles that they stand for.
const NEUTRON_NAMES: &[(&str, &str)] = &[
    ("neutron-server", "server"),
    ("neutron-api", "server"),
    ("neutron-openvswitch-agent", "ovs-agent"),
    ("neutron-dhcp-agent", "dhcp-agent"),
];

/// Reads the command line; prints help or what is wrong with it, and ends the program, where that is asked for.
pub(crate) fn command(arguments: impl IntoIterator<Item = OsString>) -> Command {
    Cli::parse_from(with_role(arguments.into_iter().collect())).command
}

/// Puts the role that the program's name stands for in front of its arguments.
fn with_role(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let name = arguments.first().map(Path::new).and_then(Path::file_name).and_then(OsStr::to_str);
    let role = NEUTRON_NAMES.iter().find(|(known, _)| Some(*known) == name);
    if let Some((_, role)) = role {
        arguments.insert(1, OsString::from(role));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_neutron_name_stands_for_a_role() {
        let called = ["/usr/bin/neutron-server", "--config-file", "/etc/neutron/neutron.conf"];
        let arguments = with_role(called.map(OsString::from).to_vec());
        let Command::Server(sources) = Cli::parse_from(arguments).command else { panic!() };
        assert_eq!(sources.files, [PathBuf::from("/etc/neutron/neutron.conf")]);
    }
}
