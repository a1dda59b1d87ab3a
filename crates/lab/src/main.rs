//! Runs the lab's scenarios by name, and the demo.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use nucleon_lab::demo::{self, Ending};
use nucleon_lab::scenario::{SCENARIOS, Scenario};
use nucleon_lab::{Lab, exit_on_interrupt, sweep};
use nucleon_obs::Clock;

/// A data centre in network namespaces.
#[derive(Debug, Parser)]
#[command(name = "nucleon-lab")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What can be run, and what each checks
    List,
    /// Run a scenario; its failure comes with evidence
    Run {
        name: String,
        /// Keep the lab until Ctrl-C, to look around in it
        #[arg(long)]
        keep: bool,
    },
    /// Bring up a data centre with a cloud on it, show it working, and stay until Ctrl-C
    Demo {
        /// Do not stay: say `demo: ok` and leave, or what failed
        #[arg(long)]
        check: bool,
    },
    /// Take away what labs of dead processes left
    Sweep,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nucleon-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "what a command line tool says")]
async fn run(command: Command) -> Result<()> {
    match command {
        Command::List => {
            for scenario in SCENARIOS {
                println!("{:<16} {}", scenario.name, scenario.checks);
            }
            Ok(())
        }
        Command::Run { name, keep } => {
            let scenario = Scenario::named(&name)
                .with_context(|| format!("no scenario is named '{name}'; see nucleon-lab list"))?;
            let clock = Clock::system();
            let start = clock.mono();
            let lab = Arc::new(Lab::new()?);
            let result = scenario.run(Arc::clone(&lab)).await;
            let took = clock.mono() - start;
            if result.is_ok() {
                println!("{name}: ok ({took:.1?}): {}", scenario.checks);
            }
            if keep {
                if let Err(error) = &result {
                    println!("{name} failed: {error:#}");
                }
                println!("kept in {} as nl-{}-*, until Ctrl-C", lab.dir().display(), lab.id());
                exit_on_interrupt(i32::from(result.is_err()));
                std::future::pending::<()>().await;
            }
            result.with_context(|| format!("{name} failed after {took:.1?}"))
        }
        Command::Demo { check } => {
            demo::run(if check { Ending::Leave } else { Ending::Stay }).await
        }
        Command::Sweep => {
            for lab in sweep()?.labs {
                println!("swept lab {lab}");
            }
            Ok(())
        }
    }
}
