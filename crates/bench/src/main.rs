//! `make bench`: measures, prints a table, writes JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Error, Result};
use clap::{Parser, ValueEnum};
use nucleon_bench::program::Binary;
use nucleon_bench::report::{Machine, Report};
use nucleon_bench::suite::compare::Endpoint;
use nucleon_bench::suite::{self, Effort};
use nucleon_obs::Clock;
use nucleon_testkit::Kind;

/// Measures Nucleon, with the limits of this machine beside every figure.
#[derive(Debug, Parser)]
#[command(name = "nucleon-bench")]
struct Arguments {
    /// Measure only this; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<Suite>,
    /// Fewer rounds: to see that it runs
    #[arg(long)]
    quick: bool,
    /// Exit with 1 when a figure misses its target
    #[arg(long)]
    check: bool,
    /// Measure two servers that run already, in turn; to be given twice
    #[arg(long, value_name = "NAME=ADDRESS:PORT", requires = "database", conflicts_with = "only")]
    compare: Vec<Endpoint>,
    /// The MariaDB that both of them keep their rows in, and a database there for bare commits
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Where the figures are written
    #[arg(long, default_value = "target/bench/latest.json")]
    json: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The server on SQLite
    Sqlite,
    /// The server on MariaDB
    Mariadb,
    /// The server on PostgreSQL
    Postgresql,
    /// What it costs to ask policy about each object of a list
    Policy,
    /// What a token costs that is known already
    Identity,
    /// From the API to flows and pings, and the restart of the agent, in a lab (root)
    Wiring,
    /// DHCP exchanges with the agent, in a lab (root)
    Dhcp,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let measured = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(&arguments)));
    match measured {
        Ok(report) if arguments.check && report.misses() => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nucleon-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
async fn run(arguments: &Arguments) -> Result<Report> {
    let effort = if arguments.quick { Effort::Quick } else { Effort::Full };
    let clock = Clock::system();
    let start = clock.mono();
    let machine = Machine {
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        kernel: read("/proc/sys/kernel/osrelease"),
        load: vec![load()],
    };
    let started_at = clock.now().to_string();
    let mut report = Report { started_at, machine, ..Report::default() };
    let failed = match &arguments.database {
        Some(database) => {
            suite::compare::measure(&arguments.compare, database, effort, &mut report).await.err()
        }
        None => measure(&arguments.only, effort, &mut report).await?,
    };
    report.seconds = (clock.mono() - start).as_secs_f64();
    report.machine.load.push(load());
    println!("{}", report.table());
    report.write_json(&arguments.json)?;
    println!("written to {}", arguments.json.display());
    failed.map_or(Ok(report), Err)
}

/// Measures `only` these, or all; the first failure.
async fn measure(only: &[Suite], effort: Effort, report: &mut Report) -> Result<Option<Error>> {
    let binary = Binary::find()?;
    let mut failed = None;
    for suite in Suite::value_variants() {
        if !only.is_empty() && !only.contains(suite) {
            continue;
        }
        eprintln!("measuring {} ...", suite.name());
        // One that fails does not take the figures of the others with it.
        if let Err(error) = suite.measure(&binary, effort, report).await {
            report.skip(suite.name(), format!("failed: {error:#}"));
            failed.get_or_insert(error);
        }
    }
    Ok(failed)
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Mariadb => "mariadb",
            Self::Postgresql => "postgresql",
            Self::Policy => "policy",
            Self::Identity => "identity",
            Self::Wiring => "wiring",
            Self::Dhcp => "dhcp",
        }
    }

    async fn measure(self, binary: &Binary, effort: Effort, report: &mut Report) -> Result<()> {
        let name = self.name();
        match self {
            Self::Sqlite => suite::api::measure(name, Kind::Sqlite, binary, effort, report).await,
            Self::Mariadb => suite::api::measure(name, Kind::MariaDb, binary, effort, report).await,
            Self::Postgresql => {
                suite::api::measure(name, Kind::Postgres, binary, effort, report).await
            }
            Self::Policy => suite::policy::measure(name, effort, report),
            Self::Identity => suite::identity::measure(name, binary, effort, report).await,
            Self::Wiring | Self::Dhcp if !nix::unistd::geteuid().is_root() => {
                report.skip(name, "a lab makes network namespaces: run as root");
                Ok(())
            }
            Self::Wiring => suite::wiring::measure(name, binary, effort, report).await,
            Self::Dhcp => suite::dhcp::measure(name, binary, effort, report).await,
        }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The load averages of 1, 5 and 15 minutes.
fn load() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}
