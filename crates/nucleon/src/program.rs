//! What every role has in common: configuration, log, runtime, signals, exit codes.

use std::collections::BTreeMap;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use nucleon_conf::{ConfigErrors, Loaded, Machine, Settings, Sources};
use nucleon_obs::{
    Clock, LogFormat, LogOptions, Logging, Metrics, Notify, Random, Signal, Signals, Tasks,
};
use nucleon_policy::Unusable;

use crate::cli::SourceArgs;

/// What a role is given to work with.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub settings: Arc<Settings>,
    pub tasks: Arc<Tasks>,
    pub clock: Clock,
    pub random: Random,
    pub metrics: Metrics,
}

/// Runs a role until a signal ends it. `start` returns once the role serves.
pub(crate) fn run<F>(name: &str, arguments: &SourceArgs, start: impl FnOnce(Start) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let Loaded { settings, warnings } = match Settings::load(&sources(arguments)) {
        Ok(loaded) => loaded,
        Err(errors) => return refuse(&errors),
    };
    let logging = match Logging::init(&log_options(name, &settings)) {
        Ok(logging) => logging,
        Err(error) => return complain(&anyhow::Error::from(error)),
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&anyhow::Error::from(error)),
    };
    let outcome = runtime.block_on(serve(settings, &logging, start));
    // Threads that a library left busy do not hold up the exit.
    runtime.shutdown_timeout(Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            match error.downcast_ref() {
                Some(Unusable(_)) => ExitCode::from(ConfigErrors::EXIT_CODE),
                None => ExitCode::FAILURE,
            }
        }
    }
}

async fn serve<F>(
    settings: Settings,
    logging: &Logging,
    start: impl FnOnce(Start) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let mut signals = Signals::listen().context("signals cannot be taken")?;
    let debug = settings.process.debug;
    let context = Start {
        settings: Arc::new(settings),
        tasks: Arc::new(Tasks::new()),
        clock: Clock::system(),
        random: Random::system(),
        metrics: Metrics::new(),
    };
    let tasks = context.tasks.clone();
    let watchdog = tasks.group("watchdog", Duration::from_secs(1));
    tokio::select! {
        started = start(context) => started?,
        signal = signals.next() => {
            tracing::info!(?signal, "ended before it served");
            tasks.shutdown().await;
            return Ok(());
        }
    }
    Notify.ready("serving");
    Notify.spawn_watchdog(&watchdog);
    let failure = loop {
        tokio::select! {
            failure = tasks.failed() => break Some(failure),
            signal = signals.next() => match signal {
                Signal::Reload => {
                    Notify.reloading();
                    logging.reload(debug).context("the log cannot be reopened")?;
                    Notify.ready("serving");
                }
                Signal::Drain | Signal::Interrupt => break None,
            },
        }
    };
    Notify.stopping("finishing what was begun");
    tracing::info!("finishing what was begun");
    let report = tasks.shutdown().await;
    for straggler in report.stragglers {
        tracing::warn!("{straggler} did not end in time");
    }
    match failure {
        None => Ok(()),
        Some(failure) => Err(anyhow::anyhow!("{failure}")),
    }
}

/// Runs a task that ends by itself and prints to the terminal.
pub(crate) fn once<F>(arguments: &SourceArgs, task: impl FnOnce(Settings) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let settings = match Settings::load(&sources(arguments)) {
        Ok(loaded) => loaded.settings,
        Err(errors) => return refuse(&errors),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&anyhow::Error::from(error)),
    };
    match runtime.block_on(task(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

/// The configuration's sources: what the command line names, and `OS_GROUP__OPTION` in the environment.
pub(crate) fn sources(arguments: &SourceArgs) -> Sources {
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let mut sources = Sources::new(Machine::detect(&environment)).environment(environment);
    for file in &arguments.files {
        sources = sources.file(file);
    }
    for directory in &arguments.directories {
        sources = sources.directory(directory);
    }
    sources
}

fn log_options(name: &str, settings: &Settings) -> LogOptions {
    LogOptions {
        debug: settings.process.debug,
        format: if settings.process.use_json { LogFormat::Json } else { LogFormat::Human },
        file: settings.log_file(name),
        filter: std::env::var("NUCLEON_LOG").ok(),
    }
}

/// All that is wrong with the configuration, at once.
pub(crate) fn refuse(errors: &ConfigErrors) -> ExitCode {
    eprintln!("{errors}");
    ExitCode::from(ConfigErrors::EXIT_CODE)
}

fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("nucleon: {error:#}");
    ExitCode::FAILURE
}
