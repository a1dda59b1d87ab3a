//! What changes on a host, by the API, by hand or by a restart, is put right; what is not ours is
//! left alone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{Running, Scenario};
use crate::cloud::{Role, wait_until};
use crate::data_centre::PLAN_101;
use crate::dhcp_client::Kind;
use crate::host::Host;
use crate::instance::{Instance, Request, wait_status};
use crate::lab::Lab;
use crate::stage::Stage;
use crate::switch::Daemon;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "upkeep",
    checks: "ports go down and come back by admin_state_up, by unplugging and by deletion; flows, \
             tags and patches that somebody broke by hand are repaired; a restarted switch is \
             wired anew; foreign bridges, ports and flows are left alone",
    run,
};

const PATIENCE: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_millis(700);

fn run(lab: Arc<Lab>) -> Running {
    Box::pin(async move { check(lab).await })
}

async fn check(lab: Arc<Lab>) -> Result<()> {
    let stage = Stage::set(lab).await?;
    let (one, two) = (stage.centre.compute(1)?, stage.centre.compute(2)?);
    let network = stage.network("net101", PLAN_101).await?;
    let vm1 = stage.boot(Request::new("vm1", &network.id, one), Kind::Udhcpc).await?;
    let vm2 = stage.boot(Request::new("vm2", &network.id, one), Kind::Dhclient).await?;
    let vm3 = stage.boot(Request::new("vm3", &network.id, two), Kind::Udhcpc).await?;
    make_foreign(one).await?;

    let steps = async {
        by_the_api(&stage, &vm1, &vm3).await.context("by the API")?;
        by_hand(&stage, &vm1, &vm3).await.context("by hand")?;
        foreign_flows_are_there(one).await?;
        by_a_restart(&vm1, &vm3).await.context("by a restart of the switch")?;
        vm1.ping(vm2.address()?, PATIENCE).await?;
        gone(&stage, vm2, &vm1).await
    };
    let steps = steps.await;
    stage.explain("the host is put right", &[one], &[], steps).await?;
    foreign_is_there(one).await.context("what is not ours")
}

async fn by_the_api(stage: &Stage, vm: &Instance, other: &Instance) -> Result<()> {
    let (api, id, target) = (stage.api(), vm.id()?, other.address()?);
    api.update("ports", id, json!({ "admin_state_up": false })).await?;
    wait_status(api, id, "DOWN").await?;
    unreachable_soon(vm, other).await.context("admin_state_up = false")?;
    api.update("ports", id, json!({ "admin_state_up": true })).await?;
    wait_status(api, id, "ACTIVE").await?;
    vm.ping(target, PATIENCE).await?;

    vm.unplug().await?;
    wait_status(api, id, "DOWN").await.context("unplugged")?;
    vm.vm.plug().await?;
    wait_status(api, id, "ACTIVE").await.context("plugged again")?;
    vm.ping(target, PATIENCE).await.map(drop)
}

/// A port that is deleted while its device is still plugged.
async fn gone(stage: &Stage, vm: Instance, other: &Instance) -> Result<()> {
    stage.api().delete("ports", vm.id()?).await?;
    unreachable_soon(&vm, other).await.context("its port was deleted")?;
    vm.vm.destroy().await
}

async fn unreachable_soon(vm: &Instance, other: &Instance) -> Result<()> {
    let target = other.address()?;
    let cut = wait_until(PATIENCE, async || Ok(!vm.reaches(target, SILENCE).await?));
    cut.await.with_context(|| format!("{} still reaches {target}", vm.name()))?;
    let (own, mac) = (vm.address()?, vm.mac().await?);
    let listener = other.capture().await?;
    ensure!(!vm.reaches(target, SILENCE).await?, "{} reaches {target} again", vm.name());
    ensure!(!other.reaches(own, SILENCE).await?, "{} is reached", vm.name());
    let heard = listener.matching(|seen| seen.source() == Some(mac));
    ensure!(heard.is_empty(), "frames of {}: {}", vm.name(), listener.text(10));
    Ok(())
}

/// What somebody did on the host, one thing after another.
async fn by_hand(stage: &Stage, vm: &Instance, other: &Instance) -> Result<()> {
    let switch = vm.host().switch();
    let tap = vm.tap().as_str();
    let target = other.address()?;
    switch.vsctl(&["set", "port", tap, "tag=99"]).await?;
    let tagged = wait_until(PATIENCE, async || Ok(vm.tag().await? != Some(99)));
    tagged.await.context("a changed tag stays")?;
    switch.vsctl(&["del-port", "br-int", "int-br-ex"]).await?;
    vm.ping(target, PATIENCE).await.context("after a patch port was deleted")?;
    // Flows tell nobody that they were deleted. The agent looks once a minute; and when it starts.
    switch.ofctl(&["del-flows", "br-ex", "in_port=phy-br-ex"]).await?;
    stage.cloud.kill(vm.host(), Role::OvsAgent).await?;
    stage.cloud.start_role(vm.host(), Role::OvsAgent).await?;
    vm.ping(target, PATIENCE).await.context("after flows of br-ex were deleted").map(drop)
}

async fn by_a_restart(vm: &Instance, other: &Instance) -> Result<()> {
    let target = other.address()?;
    let switch = vm.host().switch();
    switch.restart(Daemon::Vswitchd).await?;
    vm.ping(target, PATIENCE).await.context("after ovs-vswitchd was restarted")?;
    switch.restart(Daemon::Database).await?;
    vm.ping(target, PATIENCE).await.context("after ovsdb-server was restarted").map(drop)
}

const FOREIGN_FLOW: &str = "cookie=0xf0e1,table=0,priority=1,in_port=foreign0,actions=drop";

async fn make_foreign(host: &Host) -> Result<()> {
    let switch = host.switch();
    switch.add_bridge("br-foreign").await?;
    switch.ofctl(&["add-flow", "br-foreign", "priority=9,actions=drop"]).await?;
    let port = "add-port br-int foreign0 tag=77 -- set interface foreign0 type=internal";
    switch.vsctl(&port.split(' ').collect::<Vec<_>>()).await?;
    switch.ofctl(&["add-flow", "br-int", FOREIGN_FLOW]).await.map(drop)
}

async fn foreign_flows_are_there(host: &Host) -> Result<()> {
    let ours = host.switch().dump_flows("br-int").await?;
    ensure!(ours.contains("cookie=0xf0e1"), "a foreign flow of br-int is gone:\n{ours}");
    let theirs = host.switch().dump_flows("br-foreign").await?;
    ensure!(theirs.contains("priority=9"), "a flow of br-foreign is gone:\n{theirs}");
    Ok(())
}

/// Flows do not outlive the switch's restart, but bridges and ports do.
async fn foreign_is_there(host: &Host) -> Result<()> {
    let switch = host.switch();
    let bridges = switch.bridges().await?;
    ensure!(bridges.iter().any(|bridge| bridge == "br-foreign"), "bridges: {bridges:?}");
    ensure!(switch.tag_of("foreign0").await? == Some(77), "foreign0 has another tag or is gone");
    Ok(())
}
