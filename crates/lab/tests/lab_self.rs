//! The lab carries frames, comes in numbers, and goes without a trace.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nucleon_lab::scenario::Scenario;
use nucleon_lab::{FlowWatch, Host, Lab, Plug, Station, Vm, link_name, sweep};

/// `None`, said aloud, where labs cannot be made.
fn lab() -> Option<Arc<Lab>> {
    match Lab::new() {
        Ok(lab) => Some(Arc::new(lab)),
        Err(error) if !nix::unistd::geteuid().is_root() => {
            eprintln!("SKIPPED: {error:#}");
            None
        }
        Err(error) => panic!("{error:#}"),
    }
}

/// The namespaces of the machine whose names bear this lab's id.
fn namespaces_of(id: &str) -> Vec<String> {
    let dir = std::fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let names = dir.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(id)).collect()
}

#[tokio::test]
async fn the_lab_carries_frames_by_itself() {
    let Some(lab) = lab() else { return };
    let scenario = Scenario::named("lab-self").unwrap();
    if let Err(error) = scenario.run(lab).await {
        panic!("{error:#}");
    }
}

#[tokio::test]
async fn two_labs_stand_side_by_side_and_each_goes_alone() {
    let (Some(one), Some(two)) = (lab(), lab()) else { return };
    let (first, second) =
        tokio::try_join!(Host::start(&one, "compute1"), Host::start(&two, "compute1")).unwrap();
    let (dir, id) = (one.dir().to_owned(), one.id().to_string());
    let mut process = first.program("sleep").arg("1000").start(dir.join("sleep.log")).unwrap();
    assert!(process.is_running());
    assert_eq!(namespaces_of(&id).len(), 1);
    drop(one);
    assert!(!process.is_running() && !dir.exists());
    assert_eq!(namespaces_of(&id), Vec::<String>::new());
    second.switch().settle().await.unwrap();
}

#[tokio::test]
async fn a_panic_leaves_nothing() {
    let Some(lab) = lab() else { return };
    let (dir, id) = (lab.dir().to_owned(), lab.id().to_string());
    let task = tokio::task::spawn_blocking(move || {
        let _lab = lab;
        panic!("as a failing test does");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(!dir.exists() && namespaces_of(&id).is_empty());
}

#[tokio::test]
async fn a_host_that_is_switched_off_answers_no_more() {
    let Some(lab) = lab() else { return };
    let host = Host::start(&lab, "compute1").await.unwrap();
    let mut process = host.program("sleep").arg("1000").start(lab.dir().join("sleep.log")).unwrap();
    host.power_off().await.unwrap();
    assert!(host.switch().vsctl(&["--timeout=1", "show"]).await.is_err());
    assert!(!process.is_running());
}

/// Starts `nucleon-lab run lab-self --keep` and returns it once its lab stands, with the lab's id.
#[expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "the program under test")]
fn kept() -> (std::process::Child, String) {
    use std::io::{BufRead, BufReader};
    let mut child = Command::new(env!("CARGO_BIN_EXE_nucleon-lab"))
        .args(["run", "lab-self", "--keep"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let kept = lines.map(Result::unwrap).find(|line| line.starts_with("kept in ")).unwrap();
    let dir = kept.split(' ').nth(2).unwrap();
    (child, dir.rsplit('/').next().unwrap().to_owned())
}

#[tokio::test]
async fn an_interrupt_takes_the_lab_away() {
    if lab().is_none() {
        return;
    }
    let (mut child, id) = kept();
    assert!(!namespaces_of(&id).is_empty());
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(namespaces_of(&id), Vec::<String>::new());
    assert!(!Path::new("/var/lib/nucleon-lab").join(&id).exists());
}

#[tokio::test]
async fn what_a_killed_lab_left_is_swept_and_a_living_one_is_not() {
    let Some(living) = lab() else { return };
    let (mut child, id) = kept();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!namespaces_of(&id).is_empty());
    // Another test may have swept it already.
    let _ = sweep().unwrap();
    assert_eq!(namespaces_of(&id), Vec::<String>::new());
    assert!(living.dir().exists());
}

#[tokio::test]
async fn a_target_that_is_not_there_is_not_reached() {
    let Some(lab) = lab() else { return };
    let segment = nucleon_lab::Segment::start(&lab, "flat").await.unwrap();
    let metal = nucleon_lab::BareMetal::on_segment(&lab, "metal", &segment).await.unwrap();
    let station: &Station = &metal;
    station.set_address("10.0.9.1/24".parse().unwrap()).await.unwrap();
    let target = "10.0.9.2".parse().unwrap();
    let patience = Duration::from_millis(300);
    assert!(!station.reaches(target, patience).await.unwrap());
    assert_eq!(station.arp(target, patience).await.unwrap(), None);
    let capture = station.capture().await.unwrap();
    let error = capture.wait_for("anything", patience, |_| false).await.unwrap_err();
    assert!(error.to_string().contains("not seen within 300ms: anything"), "{error}");
}

#[tokio::test]
async fn a_flow_watch_sees_each_change_and_nothing_else() {
    let Some(lab) = lab() else { return };
    let host = Host::start(&lab, "compute1").await.unwrap();
    let switch = host.switch();
    switch.add_bridge("br-int").await.unwrap();
    switch.ofctl(&["add-flow", "br-int", "priority=7,actions=drop"]).await.unwrap();
    let mut watch = FlowWatch::start(&host, "br-int").await.unwrap();
    switch.dump_flows("br-int").await.unwrap();
    assert_eq!(watch.changes().unwrap(), Vec::<String>::new());
    // The same flow again, a changed one, a deletion: each is a flow-mod.
    for (done, change) in [
        ["add-flow", "br-int", "priority=7,actions=drop"],
        ["mod-flows", "br-int", "priority=7,actions=normal"],
        ["--strict", "del-flows", "br-int"],
    ]
    .iter()
    .enumerate()
    {
        let mut words = change.to_vec();
        if done == 2 {
            words.push("priority=7");
        }
        switch.ofctl(&words).await.unwrap();
        let patience = Duration::from_secs(5);
        let seen = nucleon_lab::wait_until(patience, async || Ok(watch.changes()?.len() > done));
        seen.await.unwrap_or_else(|error| panic!("{words:?}: {error:#}"));
    }
}

#[tokio::test]
async fn a_host_comes_back_with_its_bridges_and_a_fresh_run() {
    let Some(lab) = lab() else { return };
    let host = Host::start(&lab, "compute1").await.unwrap();
    host.switch().add_bridge("br-ex").await.unwrap();
    host.program("ip").args(["netns", "add", "qdhcp-1"]).run().await.unwrap();
    let inner = host.inner_netns("qdhcp-1");
    assert!(inner.exists() && !Path::new("/run/netns/qdhcp-1").exists());
    assert_eq!(host.program("hostname").run().await.unwrap(), "compute1\n");
    host.power_off().await.unwrap();
    host.power_on().await.unwrap();
    assert_eq!(host.switch().bridges().await.unwrap(), ["br-ex"]);
    assert!(!host.inner_netns("qdhcp-1").exists());
}

#[tokio::test]
async fn a_guest_does_not_reach_its_host_past_the_switch() {
    let Some(lab) = lab() else { return };
    let host = Arc::new(Host::start(&lab, "compute1").await.unwrap());
    host.switch().add_bridge("br-int").await.unwrap();
    let mac = "fa:16:3e:00:00:01".parse().unwrap();
    let vm = Vm::create(&lab, "vm1", &host, Plug::new("0123456789ab", mac)).await.unwrap();
    let host_address = "10.0.9.1/24".parse().unwrap();
    host.netns().links().add_address(vm.tap(), host_address).await.unwrap();
    vm.set_address("10.0.9.2/24".parse().unwrap()).await.unwrap();
    let (target, patience) = ("10.0.9.1".parse().unwrap(), Duration::from_millis(500));
    assert_eq!(vm.arp(target, patience).await.unwrap(), None);
    // It is the rules that keep it away: the switch takes a copy only.
    host.program("nft").args(["flush", "ruleset"]).run().await.unwrap();
    assert!(vm.arp(target, Duration::from_secs(5)).await.unwrap().is_some());
}

#[tokio::test]
async fn daemons_of_a_switch_are_killed_and_come_back() {
    use nucleon_lab::Daemon;
    let Some(lab) = lab() else { return };
    let host = Host::start(&lab, "compute1").await.unwrap();
    let switch = host.switch();
    switch.add_bridge("br-int").await.unwrap();
    switch.ofctl(&["add-flow", "br-int", "priority=7,actions=drop"]).await.unwrap();
    for daemon in [Daemon::Database, Daemon::Vswitchd] {
        switch.kill(daemon).await.unwrap();
        switch.start_again(daemon).await.unwrap();
        switch.restart(daemon).await.unwrap();
        assert!(switch.resident(daemon).await.unwrap() > 1000);
    }
    // A switch that was started anew has lost its flows, as on any host.
    assert!(!switch.dump_flows("br-int").await.unwrap().contains("priority=7"));
    assert!(host.netns().links().link(&link_name("br-int").unwrap()).await.unwrap().is_some());
}
