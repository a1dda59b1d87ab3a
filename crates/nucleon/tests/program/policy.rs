//! `nucleon policy`: what the rules are, and what they decide.

use std::path::Path;

use serde_json::Value;

use crate::support::{file, run};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn policy(words: &str, config: Option<&str>) -> Said {
    let mut arguments: Vec<&str> = vec!["policy"];
    arguments.extend(words.split(' '));
    arguments.extend(config.into_iter().flat_map(|config| ["--config-file", config]));
    let output = run(&arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A configuration with a policy file beside it.
fn cloud(directory: &Path, rules: &str, options: &str) -> String {
    file(directory, "policy.yaml", rules);
    file(directory, "neutron.conf", &format!("[oslo_policy]\n{options}\n"))
}

#[test]
fn a_member_may_use_their_own_network_and_not_another_s() {
    let ask = |network: &str| {
        policy(
            &format!(
                "check --rule create_port --role member --project-id P --target network:project_id={network} \
                      --target network:shared=false"
            ),
            None,
        )
    };
    let own = ask("P");
    assert_eq!((own.code, own.out.lines().next()), (Some(0), Some("allowed")), "{}", own.err);
    let other = ask("Q");
    assert_eq!((other.code, other.out.lines().next()), (Some(1), Some("denied")));
    let why = "no  project_id:%(network:project_id)s  (caller: P, network:project_id: Q)";
    assert!(other.out.contains(why), "{}", other.out);
}

#[test]
fn what_the_verdict_hangs_on_is_asked_for() {
    let said = policy("check --rule create_port --role member --project-id P", None);
    assert_eq!(said.code, Some(1));
    assert!(
        said.out.starts_with("undecided\n") && said.out.contains("--target network:project_id="),
        "{}",
        said.out
    );
}

#[test]
fn what_cannot_be_asked_ends_with_64() {
    let directory = tempfile::tempdir().unwrap();
    let said = policy("check --rule create_unicorn --role admin", None);
    assert_eq!(
        (said.code, said.err.trim()),
        (Some(64), "nucleon: there is no rule create_unicorn")
    );
    let config = cloud(directory.path(), "create_port: role:admin or\na: role:x\na: role:y\n", "");
    let said = policy("check --rule create_port --role admin", Some(&config));
    assert_eq!(said.code, Some(64));
    for expected in [
        "the policy has 2 errors:",
        "policy.yaml:1: rule create_port: at character 14",
        "policy.yaml:3: rule a:",
    ] {
        assert!(said.err.contains(expected), "{expected} is missing in:\n{}", said.err);
    }
}

#[test]
fn a_file_beside_the_configuration_decides_and_is_listed() {
    let directory = tempfile::tempdir().unwrap();
    let rules = "create_network: role:architect\ncreate_networks_tags: role:tagger\nodd: role:x\n";
    let config = cloud(directory.path(), rules, "");
    let ask =
        |role: &str| policy(&format!("check --rule create_network --role {role}"), Some(&config));
    assert_eq!(ask("architect").code, Some(0));
    assert_eq!(ask("admin").code, Some(1));
    let listed = policy("list --rule create_network", Some(&config));
    assert_eq!(listed.code, Some(0));
    let line = |name: &str| {
        let start = format!("\"{name}\": ");
        listed.out.lines().find(|line| line.starts_with(&start)).unwrap_or_default().to_owned()
    };
    assert!(line("create_network").starts_with("\"create_network\": \"role:architect\"  # "));
    assert!(line("create_network").ends_with("policy.yaml:1"), "{}", line("create_network"));
    assert!(line("create_network:tags").contains("role:tagger"));
    assert!(line("create_network:shared").ends_with("# default"));
    assert!(!listed.out.contains("create_network_segment_range"));
    for warning in [
        "rule odd is not known",
        "rule create_networks_tags is called create_network:tags since 2025.1",
    ] {
        assert!(listed.err.contains(warning), "{warning} is missing in:\n{}", listed.err);
    }
}

#[test]
fn a_list_is_a_policy_file_that_says_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let first = policy("list", None);
    assert_eq!(first.code, Some(0));
    let config = cloud(directory.path(), &first.out, "");
    let second = policy("list", Some(&config));
    assert_eq!(second.code, Some(0), "{}", second.err);
    let rules = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split("  # ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(rules(&second.out), rules(&first.out));
    assert!(first.out.lines().count() > 380);
}

#[test]
fn json_tells_what_a_rule_is_for_and_what_it_said_before() {
    let directory = tempfile::tempdir().unwrap();
    let config = cloud(directory.path(), "", "enforce_new_defaults = false");
    let said = policy("list --rule delete_port --json", Some(&config));
    let rules: Vec<Value> = serde_json::from_str(&said.out).unwrap();
    let rule = rules.iter().find(|rule| rule["name"] == "delete_port").unwrap();
    assert_eq!(rule["from"], "default, or what it said before");
    assert_eq!(rule["operations"][0]["path"], "/ports/{id}");
    assert_eq!(rule["scopes"][0], "project");
    assert_eq!(
        rule["former"]["check"],
        "rule:context_is_advsvc or rule:admin_owner_or_network_owner"
    );
    assert!(rules.iter().any(|rule| rule["name"] == "delete_port:tags"));
}

#[test]
fn a_server_does_not_start_with_a_policy_that_cannot_be_followed() {
    let directory = tempfile::tempdir().unwrap();
    let options = format!(
        "[DEFAULT]\nauth_strategy = noauth\nbind_host = 127.0.0.1\nstate_path = {}",
        directory.path().display()
    );
    let config = cloud(directory.path(), "create_port: rule:nowhere\n", &options);
    let output = run(&["server", "--config-file", &config]);
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("policy.yaml:1: rule create_port: refers to the rule nowhere"), "{said}");
}
