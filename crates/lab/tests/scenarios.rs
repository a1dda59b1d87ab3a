//! Each scenario holds; they need the program itself, built beside these tests or at `NUCLEON_BIN`.

use std::sync::Arc;

use nucleon_lab::scenario::Scenario;
use nucleon_lab::{Lab, cloud};
use nucleon_testkit::Kind;

async fn run(name: &str) {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: needs root to make a lab");
        return;
    }
    if let Err(error) = cloud::binary() {
        eprintln!("SKIPPED: {error:#}");
        return;
    }
    let scenario = Scenario::named(name).unwrap_or_else(|| panic!("no scenario {name}"));
    let lab = Lab::new().unwrap_or_else(|error| panic!("{error:#}"));
    if let Err(error) = scenario.run(Arc::new(lab)).await {
        panic!("{name}: {error:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vlan_provider_networks_carry_frames() {
    run("provider-vlan").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flat_provider_networks_carry_frames() {
    run("provider-flat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_get_their_leases() {
    run("dhcp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_not_wired_is_silent() {
    run("plug-isolation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_lose_nothing() {
    run("restart-hitless").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_put_right_and_what_is_foreign_left_alone() {
    run("upkeep").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_right_after_faults() {
    run("faults").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_comes_right_after_faults_of_the_database_server() {
    if Kind::MariaDb.is_installed() {
        run("faults-database").await;
    }
}
