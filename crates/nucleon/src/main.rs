//! OpenStack Networking in one program: the server, its agents, and the tools around them, as subcommands.

mod agents;
mod all_in_one;
mod cli;
mod config;
mod control;
mod database;
mod door;
mod gauges;
mod identity;
mod policy;
mod program;
mod server;
mod wiring;

use std::process::ExitCode;

use crate::cli::{AgentCommand, Command, ConfigCommand, PolicyCommand};

fn main() -> ExitCode {
    match cli::command(std::env::args_os()) {
        Command::Server(sources) => program::run("nucleon-server", &sources, server::run),
        Command::OvsAgent(sources) => program::run("nucleon-ovs-agent", &sources, agents::run_ovs),
        Command::DhcpAgent(sources) => {
            program::run("nucleon-dhcp-agent", &sources, agents::run_dhcp)
        }
        Command::AllInOne(sources) => program::run("nucleon", &sources, all_in_one::run),
        Command::Agent(AgentCommand::Accept { sources, role }) => {
            program::once(&sources, |settings| control::accept(role, settings))
        }
        Command::Status { sources, json } => {
            program::once(&sources, |settings| control::status(json, settings))
        }
        Command::Db { sources, command } => {
            program::once(&sources, |settings| database::run(command, settings))
        }
        Command::Config(ConfigCommand::Sample) => config::sample(),
        Command::Config(ConfigCommand::Check { sources }) => config::check(&sources),
        Command::Policy(PolicyCommand::List(arguments)) => policy::list(&arguments),
        Command::Policy(PolicyCommand::Check(arguments)) => policy::check(&arguments),
    }
}
