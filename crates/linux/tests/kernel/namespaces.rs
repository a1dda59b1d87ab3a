use std::fs;
use std::path::Path;

use nucleon_linux::{Ensured, Error, Netns, NetnsDir, NetnsName, Offload};

use crate::scratch::{Scratch, link};

#[tokio::test]
async fn a_namespace_is_created_once_and_deleted_once() {
    let Some(mut scratch) = Scratch::new() else { return };
    let name = scratch.fresh_name();
    let dir = scratch.dir().clone();
    assert!(!dir.exists(&name));
    assert_eq!(dir.create(&name).await.unwrap(), Ensured::Changed);
    assert_eq!(dir.create(&name).await.unwrap(), Ensured::Unchanged);
    assert!(dir.list().unwrap().contains(&name));
    assert_eq!(dir.delete(&name).await.unwrap(), Ensured::Changed);
    assert_eq!(dir.delete(&name).await.unwrap(), Ensured::Unchanged);
    assert!(!dir.list().unwrap().contains(&name));
}

#[tokio::test]
async fn many_can_create_the_same_namespace_at_once() {
    let Some(mut scratch) = Scratch::new() else { return };
    let name = scratch.fresh_name();
    let dir = scratch.dir();
    let creations = futures::future::join_all((0..8).map(|_| dir.create(&name))).await;
    let made = creations.into_iter().filter(|made| *made.as_ref().unwrap() == Ensured::Changed);
    assert_eq!(made.count(), 1);
}

#[tokio::test]
async fn a_missing_namespace_is_said_to_be_missing_by_name() {
    let Some(mut scratch) = Scratch::new() else { return };
    let name = scratch.fresh_name();
    let error = scratch.dir().open(&name).await.unwrap_err();
    assert!(error.is_missing(), "{error}");
    assert!(error.to_string().contains(name.as_str()), "{error}");
}

#[tokio::test]
async fn what_an_interrupted_creation_left_is_made_whole() {
    let Some(mut scratch) = Scratch::new() else { return };
    let name = scratch.fresh_name();
    let dir = scratch.dir();
    // The directory exists as a shared mount once any namespace was made.
    let _ = scratch_netns_dir_ready(dir).await;
    fs::write(dir.path_of(&name), "").unwrap();
    assert!(!dir.exists(&name));
    assert!(dir.open(&name).await.unwrap_err().is_missing());
    assert_eq!(dir.create(&name).await.unwrap(), Ensured::Changed);
    assert!(dir.exists(&name));
}

async fn scratch_netns_dir_ready(dir: &NetnsDir) -> Ensured {
    let name = NetnsName::new(format!("nltest-{}-ready", std::process::id())).unwrap();
    let _ = dir.create(&name).await.unwrap();
    dir.delete(&name).await.unwrap()
}

#[tokio::test]
async fn jobs_run_inside_and_the_caller_stays_outside() {
    let Some(mut scratch) = Scratch::new() else { return };
    let own = || fs::read_link("/proc/thread-self/ns/net").unwrap();
    let netns = scratch.netns().await;
    let before = own();
    let inside = netns.run(move |_| own()).await.unwrap();
    assert_ne!(inside, before);
    assert_eq!(own(), before);
    let host = Netns::host().await.unwrap();
    assert_eq!(host.run(move |_| own()).await.unwrap(), before);
}

#[tokio::test]
async fn a_panic_in_a_job_is_an_error_and_the_namespace_lives_on() {
    let Some(mut scratch) = Scratch::new() else { return };
    let netns = scratch.netns().await;
    let error = netns.run(|_| panic!("on purpose")).await.unwrap_err();
    assert!(matches!(error, Error::JobPanicked { .. }), "{error}");
    assert_eq!(netns.run(|_| 7).await.unwrap(), 7);
    assert_eq!(netns.links().list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_thread_ends_with_the_last_handle() {
    let Some(mut scratch) = Scratch::new() else { return };
    let netns = scratch.netns().await;
    let thread = netns.run(|_| fs::read_link("/proc/thread-self").unwrap()).await.unwrap();
    let thread = Path::new("/proc").join(thread);
    let links = netns.links().clone();
    let second = netns.clone();
    drop(netns);
    assert!(thread.exists());
    drop(second);
    while thread.exists() {
        tokio::task::yield_now().await;
    }
    let error = links.list().await.unwrap_err();
    assert!(matches!(error, Error::NamespaceClosed { .. }), "{error}");
}

#[tokio::test]
async fn a_sysctl_belongs_to_its_namespace() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, two) = (scratch.netns().await, scratch.netns().await);
    let key = "net.ipv4.ip_forward";
    let _ = two.ensure_sysctl(key, "0").await.unwrap();
    assert_eq!(one.ensure_sysctl(key, "1").await.unwrap(), Ensured::Changed);
    assert_eq!(one.ensure_sysctl(key, "1").await.unwrap(), Ensured::Unchanged);
    assert_eq!(one.sysctl(key).await.unwrap(), "1");
    assert_eq!(two.sysctl(key).await.unwrap(), "0");
    let error = one.ensure_sysctl("net.ipv4.conf.nosuch.forwarding", "1").await.unwrap_err();
    assert!(error.is_missing(), "{error}");
}

#[tokio::test]
async fn checksum_offload_of_a_veth_can_be_turned_off() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, _two) = scratch.pair().await;
    let eth0 = link("eth0");
    assert_eq!(one.set_tx_checksum(&eth0, Offload::Off).await.unwrap(), Ensured::Changed);
    assert_eq!(one.set_tx_checksum(&eth0, Offload::Off).await.unwrap(), Ensured::Unchanged);
    assert_eq!(one.set_tx_checksum(&eth0, Offload::On).await.unwrap(), Ensured::Changed);
    let error = one.set_tx_checksum(&link("eth9"), Offload::Off).await.unwrap_err();
    assert!(matches!(error, Error::LinkMissing { .. }), "{error}");
}
