//! Configuration files, good and bad.

use crate::support::{file, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(
        directory.path(),
        "bad.conf",
        "[DEFAULT]\nbind_port = many\nbase_mac = zz\n[ml2_type_vlan]\nnetwork_vlan_ranges = p:5:1\n",
    );
    let output = run(&["server", "--config-file", &config]);
    assert_eq!(output.status.code(), Some(64));
    let said = text(&output.stderr);
    for expected in ["bind_port", "base_mac", "network_vlan_ranges", "bad.conf:2", "bad.conf:5"] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
}

#[test]
fn an_unknown_option_is_a_warning_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let config =
        file(directory.path(), "odd.conf", "[DEFAULT]\nauth_strategy = noauth\nbind_prot = 1\n");
    let output = run(&["config", "check", "--config-file", &config]);
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stderr);
    assert!(said.contains("bind_prot") && said.contains("odd.conf:3"), "{said}");
}

#[test]
fn a_cloud_is_not_opened_to_the_network_without_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(
        directory.path(),
        "open.conf",
        "[DEFAULT]\nauth_strategy = noauth\nbind_host = 192.0.2.1\n",
    );
    let output = run(&["config", "check", "--config-file", &config]);
    assert_eq!(output.status.code(), Some(64), "{}", text(&output.stderr));
}

#[test]
fn a_file_without_a_word_on_identity_does_not_serve_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().display();
    let config =
        file(directory.path(), "plain.conf", &format!("[DEFAULT]\nstate_path = {state}\n"));
    let output = run(&["server", "--config-file", &config]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("auth_strategy = keystone") && said.contains("auth_url is needed"),
        "{said}"
    );
}

#[test]
fn the_sample_is_a_valid_file() {
    let directory = tempfile::tempdir().unwrap();
    let sample = run(&["config", "sample"]);
    assert!(sample.status.success());
    let config = file(directory.path(), "sample.conf", &text(&sample.stdout));
    let output = run(&["config", "check", "--config-file", &config]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_missing_file_and_a_wrong_command_are_refused() {
    assert_eq!(run(&["server", "--config-file", "/nonexistent/n.conf"]).status.code(), Some(64));
    assert_eq!(run(&["serve"]).status.code(), Some(2));
}
