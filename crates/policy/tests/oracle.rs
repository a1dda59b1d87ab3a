//! oslo.policy decides the same questions: all declared rules, by who asks and what about; rules from files; texts made at
//! random.
//!
//! `scripts/venv policy` installs it. Each test asks all that it has to ask at once, for a process takes long to start.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::disallowed_methods, reason = "starts the program that it compares with")]

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use nucleon_policy::{
    Credentials, Lookup, Options, Policy, RuleId, Target, Verdict, declared, language, read_rules,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Who asks, by what makes them differ.
const CALLERS: &[(&str, &str, &[&str])] = &[
    ("admin", "P", &["admin", "manager", "member", "reader"]),
    ("manager", "P", &["manager", "member", "reader"]),
    ("member", "P", &["Member", "READER"]),
    ("reader", "P", &["reader"]),
    ("service", "S", &["service"]),
    ("foreign", "Q", &["manager", "member", "reader"]),
    ("advanced service", "S", &["advsvc"]),
    ("integrator", "P", &["data_plane_integrator"]),
    ("without a role", "P", &[]),
];

fn callers() -> Vec<Credentials> {
    let of = |project: &str, roles: &[&str]| Credentials {
        user_id: "U".to_owned(),
        project_id: project.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Credentials::default()
    };
    let mut callers: Vec<Credentials> =
        CALLERS.iter().map(|(_, project, roles)| of(project, roles)).collect();
    let admin = of("", &["admin"]);
    callers.push(Credentials { system_scope: "all".to_owned(), ..admin.clone() });
    callers.push(Credentials { domain_id: "D".to_owned(), ..admin });
    callers
}

/// oslo.context's policy values.
fn values(who: &Credentials) -> Value {
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    json!({
        "user_id": text(&who.user_id),
        "user_domain_id": text(&who.user_domain_id),
        "project_id": text(&who.project_id),
        "project_domain_id": text(&who.project_domain_id),
        "domain_id": text(&who.domain_id),
        "system_scope": text(&who.system_scope),
        "roles": who.roles,
        "service_roles": who.service_roles,
        "is_admin": who.is_admin,
        "is_admin_project": who.is_admin_project,
        "has_global_access": who.has_global_access,
        "can_set_project_id": who.can_set_project_id,
    })
}

/// A target as the oracle gets it; `loaded` says whether what it belongs to has been fetched.
struct Object<'a> {
    json: &'a Value,
    loaded: bool,
}

impl Target for Object<'_> {
    fn value(&self, name: &str) -> Lookup<'_> {
        if let Some(value) = self.json["values"].get(name) {
            return lookup(value);
        }
        let Some((parent, field)) = name.split_once(':') else { return Lookup::Missing };
        match self.json["parents"].get(parent) {
            Some(_) if !self.loaded => Lookup::NotLoaded,
            Some(parent) => parent.get(field).map_or(Lookup::Missing, lookup),
            None => Lookup::Missing,
        }
    }
}

fn lookup(value: &Value) -> Lookup<'_> {
    match value {
        Value::String(text) => Lookup::Text(Cow::Borrowed(text)),
        Value::Bool(flag) => Lookup::Bool(*flag),
        Value::Number(number) => Lookup::Int(number.as_i64().unwrap_or_default()),
        Value::Null => Lookup::Null,
        other => panic!("{other}"),
    }
}

/// A target of a project, on a network of a project, under an object of a project, with more values of its own.
fn target(project: &str, network: &str, enclosing: &str, more: Value) -> Value {
    let mut target = json!({
        "values": {
            "project_id": project, "network_id": "N", "security_group_id": "G", "mtu": 1500,
            "device_owner": "compute:nova", "name": "True", "qos_policy_id": null,
            "target_project": "X", "target_tenant": "X",
        },
        "parents": {
            "network": {"project_id": network, "shared": false},
            "security_group": {"project_id": enclosing},
            "ext_parent": {"project_id": enclosing},
        },
    });
    let Value::Object(more) = more else { panic!("{more}") };
    for (name, value) in more {
        match name.as_str() {
            "network:shared" => target["parents"]["network"]["shared"] = value,
            _ => target["values"][name] = value,
        }
    }
    target
}

fn targets() -> Vec<Value> {
    let plain = |project, network, enclosing| target(project, network, enclosing, json!({}));
    vec![
        plain("P", "P", "P"),
        plain("P", "Q", "Q"),
        plain("Q", "P", "Q"),
        plain("Q", "Q", "P"),
        plain("Q", "Q", "Q"),
        target("Q", "Q", "Q", json!({"network:shared": true})),
        target("Q", "Q", "Q", json!({"shared": true, "router:external": false})),
        target("Q", "Q", "Q", json!({"shared": false, "router:external": true})),
        target("P", "Q", "Q", json!({"device_owner": "network:dhcp"})),
        target("P", "P", "P", json!({"target_project": "*", "target_tenant": "X"})),
        target("P", "P", "P", json!({"target_project": "X", "target_tenant": "*"})),
        target("Q", "Q", "Q", json!({"belongs_to_default_sg": true, "shared": null})),
        // Something that belongs to nothing.
        json!({"values": {"project_id": "P"}, "parents": {}}),
        json!({"values": {}, "parents": {}}),
    ]
}

/// The oracle's answer to a job, `None` where it is not installed.
fn ask(job: &Value) -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("../../target/venv-policy/bin/python3");
    if !python.exists() {
        eprintln!("SKIPPED: the comparison with oslo.policy; `scripts/venv policy` installs it");
        return None;
    }
    let mut oracle = Command::new(python)
        .arg(root.join("tests/oracle/oracle.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    oracle.stdin.take().unwrap().write_all(job.to_string().as_bytes()).unwrap();
    let output = oracle.wait_with_output().unwrap();
    assert!(output.status.success(), "the oracle failed");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn job(worlds: &[World], texts: &[String]) -> Value {
    let rules: Vec<Value> = declared()
        .map(|rule| {
            let scopes: Vec<&str> = rule.scopes.iter().map(|scope| scope.as_str()).collect();
            let former =
                rule.former.map(|former| json!({"name": former.name, "check": former.check}));
            json!({"name": rule.name, "check": rule.check, "scopes": scopes, "former": former})
        })
        .collect();
    let worlds: Vec<Value> = worlds
        .iter()
        .map(|world| json!({"new_defaults": world.new_defaults, "file": world.file, "ask": world.ask}))
        .collect();
    json!({
        "rules": rules,
        "callers": callers().iter().map(values).collect::<Vec<_>>(),
        "targets": targets(),
        "worlds": worlds,
        "texts": texts,
    })
}

/// A policy, and what to ask it.
struct World {
    new_defaults: bool,
    file: Option<String>,
    ask: Vec<String>,
}

impl World {
    fn options(&self) -> Options {
        Options { enforce_new_defaults: self.new_defaults, ..Options::default() }
    }

    fn policy(&self) -> Option<Policy> {
        let (overrides, problems) = read_rules("policy.yaml", self.file.as_deref().unwrap_or(""));
        let outcome = Policy::compile(self.options(), &overrides);
        (problems.is_empty() && outcome.problems.is_empty()).then_some(outcome.policy)
    }
}

/// What the policy says once all is loaded. What it says before must be the same, or that it has to be loaded.
fn decides(policy: &Policy, rule: RuleId, who: &Credentials, target: &Value) -> bool {
    let ask = |loaded| policy.check(rule, who, &Object { json: target, loaded });
    let before = ask(false);
    let after = ask(true);
    assert_ne!(after, Verdict::NeedsParent);
    if before == Verdict::NeedsParent {
        assert!(!policy.parents(rule).is_empty(), "{} waits", policy.name(rule));
    } else {
        assert_eq!(before, after, "{} for {who:?} on {target}", policy.name(rule));
    }
    after == Verdict::Allowed
}

fn signs(policy: &Policy, rule: RuleId, callers: &[Credentials], targets: &[Value]) -> String {
    let pairs = callers.iter().flat_map(|who| targets.iter().map(move |target| (who, target)));
    pairs.map(|(who, target)| if decides(policy, rule, who, target) { '1' } else { '0' }).collect()
}

/// Where two strings of verdicts differ, in words. Where a request would fail there, this policy denies, but for what
/// holds whatever comes of the check that cannot be made.
fn differences(name: &str, ours: &str, theirs: &str) -> Vec<String> {
    let (callers, targets) = (callers(), targets());
    assert_eq!((ours.len(), theirs.len()), (callers.len() * targets.len(), ours.len()));
    let agree = |ours, theirs| match theirs {
        'x' => ours == '0',
        '?' => true,
        theirs => ours == theirs,
    };
    let both = ours.chars().zip(theirs.chars()).enumerate();
    let differing = both.filter(|(_, (ours, theirs))| !agree(*ours, *theirs));
    differing
        .map(|(index, (ours, theirs))| {
            let (caller, target) = (index / targets.len(), index % targets.len());
            let who = CALLERS.get(caller).map_or("not for a project", |(who, ..)| who);
            format!("{name}: {who} on {}: {ours} here, {theirs} there", targets[target])
        })
        .collect()
}

fn compare(world: &World, theirs: &Value) -> Vec<String> {
    let Some(policy) = world.policy() else { panic!("{:?} has problems", world.file) };
    assert_eq!(theirs.get("error"), None, "{:?}", world.file);
    let callers: Vec<Credentials> = callers().into_iter().map(|who| policy.identify(who)).collect();
    let told: Vec<Value> = callers
        .iter()
        .map(|who| json!([who.is_admin, who.has_global_access, who.can_set_project_id]))
        .collect();
    assert_eq!(Value::from(told), theirs["callers"]);
    let targets = targets();
    let asked = world.ask.iter().zip(theirs["verdicts"].as_array().unwrap());
    asked
        .flat_map(|(name, theirs)| {
            let rule = policy.rule(name).unwrap();
            differences(name, &signs(&policy, rule, &callers, &targets), theirs.as_str().unwrap())
        })
        .collect()
}

fn compare_all(worlds: &[World]) {
    let Some(answer) = ask(&job(worlds, &[])) else { return };
    let answers = answer["worlds"].as_array().unwrap();
    assert_eq!(answers.len(), worlds.len());
    let found: Vec<String> =
        worlds.iter().zip(answers).flat_map(|(world, theirs)| compare(world, theirs)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_declared_rule_decides_as_under_oslo_policy() {
    let all = || declared().map(|rule| rule.name.to_owned()).collect();
    compare_all(&[true, false].map(|new_defaults| World { new_defaults, file: None, ask: all() }));
}

/// Files, and the rules to ask for beside those that they name.
const FILES: &[(&str, &[&str])] = &[
    ("", &["create_port"]),
    ("# nothing\n", &["create_port"]),
    ("{\"create_port\": \"!\", \"get_port\": \"@\"}", &["delete_port"]),
    ("create_port: ''\nget_port: \"\"\n", &[]),
    (
        "create_port: [[\"role:reader\", \"role:member\"], [\"role:service\"]]\nget_port: []\nupdate_port: [[]]\n",
        &[],
    ),
    ("create_port: [\"role:service\", \"role:member\"]\n", &[]),
    ("create_ports_tags: role:service\n", &["create_port:tags"]),
    ("create_ports_tags: role:service\ncreate_port:tags: role:reader\n", &[]),
    ("create_ports_tags: rule:create_port:tags\n", &["create_port:tags"]),
    (
        "create_routers_tags: (rule:admin_only) or (role:manager and project_id:%(project_id)s)\n",
        &["create_router:tags"],
    ),
    ("create_routers_tags: role:service\n", &["create_router:tags"]),
    (
        "context_is_admin: role:manager or user_id:nobody\n",
        &["create_network:shared", "get_agent", "create_network"],
    ),
    (
        "context_with_global_access: role:reader\ncontext_can_set_project_id: role:member\n",
        &["get_network"],
    ),
    (
        "admin_or_owner: role:reader\nshared: '!'\n",
        &["create_port", "get_network", "update_network"],
    ),
    (
        "mine: rule:owner and not rule:theirs\ntheirs: user_id:V or role:service\ncreate_port: rule:mine\n",
        &[],
    ),
];

#[test]
fn rules_from_files_decide_as_under_oslo_policy() {
    let mut worlds = Vec::new();
    for (file, also) in FILES {
        let (named, problems) = read_rules("policy.yaml", file);
        assert_eq!(problems, [], "{file}");
        let named = named.into_iter().map(|rule| rule.name);
        let ask: Vec<String> = named.chain(also.iter().map(|name| (*name).to_owned())).collect();
        for new_defaults in [true, false] {
            worlds.push(World { new_defaults, file: Some((*file).to_owned()), ask: ask.clone() });
        }
    }
    compare_all(&worlds);
}

/// Checks of all kinds.
const CHECKS: &[&str] = &[
    "@",
    "!",
    "role:member",
    "role:MANAGER",
    "role:%(name)s",
    "role:rea%(absent)s",
    "rule:admin_only",
    "rule:shared",
    "rule:network_owner",
    "rule:sg_owner",
    "rule:ext_parent_owner",
    "rule:network_device",
    "project_id:%(project_id)s",
    "project_id:%(network:project_id)s",
    "user_id:U",
    "user_id:%(user_id)s",
    "user_id:%(name)s%(name)s",
    "is_admin:False",
    "is_admin_project:%(shared)s",
    "roles:reader",
    "roles:Member",
    "system_scope:all",
    "domain_id:D",
    "'P':%(project_id)s",
    "\"Q\":%(project_id)s",
    "True:%(shared)s",
    "None:%(qos_policy_id)s",
    "1500:%(mtu)s",
    "150:%(mtu)s",
    "'1500x':%(mtu)sx",
    "'a%b':a%%b",
    "field:networks:shared=True",
    "field:networks:shared=0",
    "field:port:name=True",
    "field:port:mtu=1500x",
    "field:port:device_owner=~^network:",
    "field:port:device_owner=~etwork",
    "field:port:device_owner=~(net|compute).*a$",
    "field:networks:router:external=true",
];

/// Texts that mean something.
fn sentence() -> impl Strategy<Value = String> {
    let check = prop::sample::select(CHECKS).prop_map(str::to_owned);
    check.prop_recursive(4, 24, 3, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            some.clone().prop_map(|all| all.join(" and ")),
            some.clone().prop_map(|any| any.join(" or ")),
            some.prop_map(|any| format!("({})", any.join(" OR "))),
            inner.clone().prop_map(|one| format!("not {one}")),
            inner.prop_map(|one| format!("not ( {one} )")),
        ]
    })
}

/// Texts of the same words that mostly mean nothing.
fn babble() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => prop::sample::select(CHECKS).prop_map(str::to_owned),
        5 => prop::sample::select(vec!["and", "or", "not", "AND", "(", ")", "((", "))", " ", "\t"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(CHECKS).prop_map(|check| format!("({check}")),
        2 => prop::sample::select(CHECKS).prop_map(|check| format!("{check})")),
        1 => Just("'a':'b'".to_owned()),
    ];
    prop::collection::vec(word, 0..9).prop_map(|words| words.join(" "))
}

fn texts(count: usize) -> Vec<String> {
    // The same each time: what the oracle says of a text is not looked for again.
    let mut runner = TestRunner::deterministic();
    let mut draw =
        |strategy: &BoxedStrategy<String>| strategy.new_tree(&mut runner).unwrap().current();
    let (sentence, babble) = (sentence().boxed(), babble().boxed());
    (0..count).map(|index| draw(if index % 2 == 0 { &sentence } else { &babble })).collect()
}

#[test]
fn texts_made_at_random_mean_the_same_under_oslo_policy() {
    let texts = texts(if std::env::var_os("NUCLEON_LONG").is_some() { 6000 } else { 400 });
    let Some(answer) = ask(&job(&[], &texts)) else { return };
    let (callers, targets) = (callers(), targets());
    let (mut taken, mut found) = (0, Vec::new());
    for (text, theirs) in texts.iter().zip(answer["texts"].as_array().unwrap()) {
        let Some(theirs) = theirs.as_str() else {
            assert!(language::parse(text).is_err(), "{text:?} is taken only here");
            continue;
        };
        taken += 1;
        let file = format!("it: {}", json!(text));
        let world = World { new_defaults: true, file: Some(file), ask: Vec::new() };
        let policy = world.policy().unwrap_or_else(|| panic!("{text:?} is taken only there"));
        let ours = signs(&policy, policy.rule("it").unwrap(), &callers, &targets);
        found.extend(differences(text, &ours, theirs));
    }
    assert!(taken > texts.len() / 2, "only {taken} of the texts mean something");
    assert!(taken < texts.len(), "all texts mean something");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
