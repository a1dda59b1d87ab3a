//! `nucleon status`, `nucleon agent accept`: talking to the agents of this host.

use anyhow::{Context, bail};
use nucleon_agent::control::{self, ControlError, control_path};
use nucleon_agent::{ServerStatus, Status, Withheld};
use nucleon_conf::Settings;
use nucleon_model::view::Role;

use crate::cli::AgentRole;

pub(crate) async fn accept(role: AgentRole, settings: Settings) -> anyhow::Result<()> {
    let path = control_path(&settings.process.state_path, role.into());
    match control::accept(&path).await.context("consent could not be given")? {
        Some(withheld) => say(&format!("accepted: {}", held_back(&withheld))),
        None => say("the agent waits for nothing"),
    }
    Ok(())
}

pub(crate) async fn status(json: bool, settings: Settings) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for role in [Role::OvsAgent, Role::DhcpAgent] {
        match control::status(&control_path(&settings.process.state_path, role)).await {
            Ok(status) => found.push(status),
            Err(ControlError::Away(..)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if json {
        say(&serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    if found.is_empty() {
        bail!("no agent runs with state_path = {}", settings.process.state_path.display());
    }
    for status in &found {
        say(&line(status));
        for failure in &status.failures {
            say(&format!("  tried again: {}", failure.why));
        }
        if let Some(withheld) = &status.view.withheld {
            say(&format!(
                "  held back: {}; to let it happen: nucleon agent accept {}",
                held_back(withheld),
                status.role
            ));
        }
    }
    Ok(())
}

fn line(status: &Status) -> String {
    let server = match &status.server {
        ServerStatus::Connecting => "connecting to a server".to_owned(),
        ServerStatus::Connected { server, address } => format!("connected to {server} ({address})"),
        ServerStatus::Failed { address, why } => format!("no server at {address}: {why}"),
    };
    format!(
        "{} on {}: {} ports on {} networks; {server}",
        status.role, status.host, status.view.ports, status.view.networks
    )
}

fn held_back(withheld: &Withheld) -> String {
    let why =
        if withheld.new_epoch { " (the database was restored, or is another one)" } else { "" };
    format!("the loss of {} of {} ports{why}", withheld.lost, withheld.of)
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn say(text: &str) {
    println!("{text}");
}
