//! The log of a whole process, so one test program and one test.

use std::fs;

use nucleon_obs::{LogError, LogFormat, LogOptions, Logging};
use serde_json::Value;

#[test]
fn a_json_log_holds_events_and_panics_changes_level_and_follows_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.log");
    let options =
        LogOptions { format: LogFormat::Json, file: Some(path.clone()), ..LogOptions::default() };
    let logging = Logging::init(&options).unwrap();
    assert!(matches!(Logging::init(&options), Err(LogError::Twice(_))));

    tracing::info!(port.id = "p1", "port is up");
    tracing::debug!("not said");
    let joined = std::thread::Builder::new()
        .name("worker".to_owned())
        .spawn(|| panic!("out of {}", "paper"))
        .unwrap()
        .join();
    assert!(joined.is_err());

    let rotated = directory.path().join("server.log.1");
    fs::rename(&path, &rotated).unwrap();
    logging.reload(true).unwrap();
    tracing::debug!("said now");

    let lines = |path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let old = lines(&rotated);
    assert_eq!(old.len(), 2, "{old:?}");
    assert_eq!((&old[0]["message"], &old[0]["port.id"]), (&"port is up".into(), &"p1".into()));
    assert_eq!((&old[1]["level"], &old[1]["thread"]), (&"ERROR".into(), &"worker".into()));
    let message = old[1]["message"].as_str().unwrap();
    assert!(message.starts_with("panic at ") && message.ends_with(": out of paper"), "{message}");
    assert!(message.contains("tests/log.rs:"), "{message}");
    let new = lines(&path);
    assert_eq!((new.len(), &new[0]["message"]), (1, &"said now".into()));
}

#[test]
fn a_filter_that_is_none_is_refused_with_its_text() {
    let filter = Some("nucleon=loud=quiet".to_owned());
    let error = Logging::init(&LogOptions { filter, ..LogOptions::default() }).unwrap_err();
    assert!(error.to_string().starts_with("log filter 'nucleon=loud=quiet'"), "{error}");
}
