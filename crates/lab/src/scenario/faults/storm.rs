//! Clients that write all the time, as clients do: what was not answered they look up or leave.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Result, bail};
use futures::future::try_join_all;
use nucleon_obs::CancellationToken;
use serde_json::json;

use super::ledger::Ledger;
use crate::api::ApiError;
use crate::instance::{Instance, Request};
use crate::stage::{Network, Stage};
use crate::vm::Isolation;

/// How many write at once, and how many ports each keeps.
const WRITERS: usize = 4;
const KEPT: usize = 12;
/// Machines that are booted in one storm.
const BOOTS: usize = 4;
/// The pause of a client whose request failed, and between two that did not.
const AGAIN: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(10);

/// Creates and deletes ports until it is over.
pub(super) async fn writers(
    stage: &Stage,
    network: &Network,
    ledger: &Ledger,
    over: &CancellationToken,
    label: &str,
) -> Result<()> {
    let writers =
        (0..WRITERS).map(|writer| write(stage, network, ledger, over, format!("{label}{writer}")));
    try_join_all(writers).await.map(drop)
}

async fn write(
    stage: &Stage,
    network: &Network,
    ledger: &Ledger,
    over: &CancellationToken,
    label: String,
) -> Result<()> {
    let mut mine = VecDeque::new();
    for number in 0.. {
        if over.is_cancelled() {
            break;
        }
        let name = format!("storm-{label}-{number}");
        let host = if number % 2 == 0 { "compute1" } else { "compute2" };
        let body = json!({
            "name": name,
            "network_id": network.id,
            "binding:host_id": host,
            "device_owner": "compute:nova",
        });
        match stage.api().create("ports", body).await {
            Ok(port) => mine.push_back(ledger.made(port)?),
            Err(error) => {
                tolerable(&error)?;
                if error.is_open() {
                    ledger.open(&name);
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
        if mine.len() > KEPT
            && let Some(id) = mine.pop_front()
        {
            delete(stage, ledger, &id).await?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Deletes until an answer says that it is gone.
async fn delete(stage: &Stage, ledger: &Ledger, id: &str) -> Result<()> {
    ledger.deleting(id);
    loop {
        match stage.api().delete("ports", id).await {
            Ok(()) => break,
            Err(error) if error.status() == Some(404) => break,
            Err(error) => tolerable(&error)?,
        }
        tokio::time::sleep(AGAIN).await;
    }
    ledger.deleted(id);
    Ok(())
}

/// What a client has to expect of a server that is killed: silence, or 503. Never a fault of its
/// own (500), nor a refusal of what is right.
fn tolerable(error: &ApiError) -> Result<()> {
    match error.status() {
        None | Some(503) => Ok(()),
        Some(_) => bail!("during the storm: {error}"),
    }
}

/// Boots machines: their ports are made, and they are plugged at once, whatever runs just then.
pub(super) async fn boots(
    stage: &Stage,
    network: &Network,
    over: &CancellationToken,
    label: &str,
) -> Result<Vec<Instance>> {
    let mut booted = Vec::new();
    while booted.len() < BOOTS && !over.is_cancelled() {
        let number = booted.len();
        let host = stage.centre.compute(1 + number % 2)?;
        let name = format!("boot-{label}{number}");
        let isolation = if number / 2 == 0 { Isolation::Off } else { Isolation::On };
        let request = Request::new(&name, &network.id, host).isolation(isolation);
        // Else it was not answered, or not bound since the host's agent is dead for the server.
        if let Ok(instance) = Instance::create(&stage.lab, stage.api(), request).await {
            plug(&instance).await?;
            booted.push(instance);
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    Ok(booted)
}

/// os-vif's transaction, again until the switch has taken it: Nova's compute service retries, too.
async fn plug(instance: &Instance) -> Result<()> {
    for _ in 0..40 {
        if instance.vm.plug().await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    instance.vm.plug().await
}
