//! The service manager's side of the notifications: a socket, and a child with the environment that
//! systemd would give it.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use nucleon_obs::{Notify, Tasks};

const TEST: &str = "the_service_manager_hears_ready_signs_of_life_and_stopping";
const CHILD: &str = "NUCLEON_TEST_IS_CHILD";

#[test]
fn the_service_manager_hears_ready_signs_of_life_and_stopping() {
    if std::env::var_os(CHILD).is_some() {
        child();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the environment belongs to a process")]
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST])
        .env(CHILD, "1")
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "20000")
        .env_remove("WATCHDOG_PID")
        .spawn()
        .unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while !heard.iter().any(|message: &String| message.contains("STOPPING=1")) {
        let length = socket.recv(&mut buffer).unwrap();
        heard.push(String::from_utf8_lossy(&buffer[..length]).trim().to_owned());
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(heard[0], "READY=1\nSTATUS=serving");
    assert!(heard.iter().filter(|message| *message == "WATCHDOG=1").count() >= 3, "{heard:?}");
    assert_eq!(heard.last().unwrap(), "STOPPING=1\nSTATUS=draining");
}

#[tokio::main(flavor = "current_thread")]
async fn child() {
    assert_eq!(Notify.watchdog_period(), Some(Duration::from_millis(20)));
    let tasks = Tasks::new();
    let group = tasks.group("process", Duration::from_secs(1));
    Notify.ready("serving");
    Notify.spawn_watchdog(&group);
    tokio::time::sleep(Duration::from_millis(100)).await;
    tasks.shutdown().await;
    Notify.stopping("draining");
}
