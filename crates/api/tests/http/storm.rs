//! Requests drawn at random from the declarations: whatever is sent, an answer comes, and a refusal is one that clients
//! can read.

use std::time::Duration;

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use nucleon_model::{Agent, Network, Port, Resource as _, ResourceDecl, Segment, Subnet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Number, Value, json};

use crate::harness::{ADMIN, Ask, Cloud, MEMBER};

const DECLS: [&ResourceDecl; 5] =
    [Network::DECL, Subnet::DECL, Port::DECL, Segment::DECL, Agent::DECL];

/// Far more than any request takes here.
const HANG: Duration = Duration::from_secs(20);

/// Texts that mean something somewhere, beside any text.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "", "0", "-1", "true", "None", "4", "6", "10.0.0.0/24", "10.0.0.5", "fd00::/64", "fd00::1",
            "::ffff:10.0.0.1", "0.0.0.0/0", "fa:16:3e:00:00:01", "00:00:00:00:00:00", "slaac", "vlan",
            "flat", "local", "physnet1", "normal", "network:dhcp", "compute:nova", "p1", "\u{0}",
            "\u{202e}\u{1f468}\u{200d}\u{1f469}", "e\u{301}\u{301}\u{301}", "\u{fffe}", "\r\nx: y",
            "ip_address=", "%", "a,b,,", "18446744073709551616", "1e999",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ]).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => "[0-9a-f.:/%_=-]{0,60}",
        1 => "\\PC{200,400}",
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-5i64..5000).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
    ]
}

/// Names of attributes and of the members of their values, and others.
fn key() -> impl Strategy<Value = String> {
    let mut names: Vec<String> = DECLS
        .iter()
        .flat_map(|decl| decl.attributes)
        .map(|attribute| attribute.name.to_owned())
        .collect();
    for member in [
        "ip_address",
        "subnet_id",
        "mac_address",
        "start",
        "end",
        "destination",
        "nexthop",
        "opt_name",
        "opt_value",
        "ip_version",
    ] {
        names.push(member.to_owned());
    }
    prop_oneof![5 => prop::sample::select(names), 1 => any::<String>()]
}

/// Any JSON, nested and long.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => number(),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((key(), inner), 0..8)
                .prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// Where a value is likely to get past the first look: an object with some attributes of the resource.
fn object(decl: &'static ResourceDecl) -> impl Strategy<Value = Value> {
    let names: Vec<&str> = decl.attributes.iter().map(|attribute| attribute.name).collect();
    vec((prop::sample::select(names), json_value()), 0..3).prop_map(|entries| {
        let entries = entries.into_iter().map(|(name, value)| (name.to_owned(), value));
        entries.collect::<Map<_, _>>().into()
    })
}

/// One request, in the terms of a cloud whose identifiers are not known yet.
#[derive(Debug, Clone)]
struct Blow {
    method: &'static str,
    decl: usize,
    member: bool,
    admin: bool,
    /// Sets subnets apart.
    seat: u16,
    /// Attributes laid over an object that could be made.
    object: Value,
    /// A body in place of `{"port": object}`.
    body: Option<Value>,
    query: Vec<(String, String)>,
}

fn blow() -> impl Strategy<Value = Blow> {
    (0..DECLS.len()).prop_flat_map(|decl| {
        let names: Vec<String> = DECLS[decl]
            .attributes
            .iter()
            .map(|attribute| attribute.name)
            .chain(["fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"])
            .chain(["tags", "tags-any", "not-tags", "not-tags-any"])
            .map(str::to_owned)
            .collect();
        let name = prop_oneof![8 => prop::sample::select(names), 1 => any::<String>()];
        (
            prop::sample::select(vec!["POST", "PUT", "GET"]),
            any::<(bool, bool, u16)>(),
            object(DECLS[decl]),
            prop::option::weighted(0.2, json_value()),
            vec((name, text()), 0..3),
        )
            .prop_map(move |(method, (member, admin, seat), object, body, query)| Blow {
                method,
                decl,
                member,
                admin,
                seat,
                object,
                body,
                query,
            })
    })
}

/// A cloud with one object of each kind that can be made.
struct Target {
    cloud: Cloud,
    network: String,
    members: [String; DECLS.len()],
}

impl Target {
    async fn new() -> Self {
        let settings = Settings { api_preview: true, ..Settings::default() };
        let cloud = Cloud::with(ApiOptions::default(), settings).await;
        let id = |made: Value| made["id"].as_str().unwrap().to_owned();
        let network = id(cloud.make("networks", "network", &json!({})).await);
        let subnet = json!({"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/24"});
        let subnet = id(cloud.make("subnets", "subnet", &subnet).await);
        let port = id(cloud.make("ports", "port", &json!({"network_id": network})).await);
        let segments = cloud.send(Ask::new("GET", "/v2.0/segments").by("adm", ADMIN)).await;
        let segment = id(segments.json()["segments"][0].clone());
        let members = [network.clone(), subnet, port, segment, "none".to_owned()];
        Self { cloud, network, members }
    }

    fn ask(&self, blow: &Blow) -> (String, Ask) {
        let decl = DECLS[blow.decl];
        let mut path = format!("/v2.0/{}", decl.collection);
        let member = blow.method == "PUT" || (blow.method == "GET" && blow.member);
        if member {
            path = format!("{path}/{}", self.members[blow.decl]);
        }
        for (index, (name, value)) in blow.query.iter().enumerate() {
            let sign = if index == 0 { '?' } else { '&' };
            path = format!("{path}{sign}{}={}", quoted(name), quoted(value));
        }
        let (project, roles) = if blow.admin { ("adm", ADMIN) } else { ("p1", MEMBER) };
        let mut ask = Ask::new(blow.method, &path).by(project, roles);
        if blow.method != "GET" {
            let mut object = match (blow.method, decl.name) {
                ("POST", "subnet") => {
                    json!({"network_id": self.network, "ip_version": 6,
                           "cidr": format!("fd00:{:x}::/64", blow.seat)})
                }
                ("POST", "port") => json!({"network_id": self.network}),
                _ => json!({}),
            };
            for (name, value) in blow.object.as_object().into_iter().flatten() {
                object[name] = value.clone();
            }
            let body = blow.body.clone().unwrap_or_else(|| json!({decl.name: object}));
            ask = ask.json(&body);
        }
        (path, ask)
    }

    async fn stands(&self, blow: &Blow) -> Result<u16, TestCaseError> {
        let (path, ask) = self.ask(blow);
        let answer = tokio::time::timeout(HANG, self.cloud.send(ask)).await;
        let answer = answer.map_err(|_| TestCaseError::fail(format!("{path} hangs")))?;
        let status = answer.status;
        // 503 is for want of resources in the cloud, not a fault.
        prop_assert!(status < 500 || status == 503, "{path}: {status} {}", answer.text);
        let body: Value = serde_json::from_str(&answer.text)
            .map_err(|error| TestCaseError::fail(format!("{path}: {error}: {}", answer.text)))?;
        if status >= 400 {
            let error = body["NeutronError"].as_object();
            let texts = ["type", "message", "detail"].iter().all(|key| {
                error.is_some_and(|error| error.get(*key).is_some_and(Value::is_string))
            });
            prop_assert!(texts, "{path}: {status} {body}");
        }
        Ok(status)
    }
}

/// A text as it goes into an address.
fn quoted(text: &str) -> String {
    text.bytes().fold(String::new(), |quoted, byte| format!("{quoted}%{byte:02X}"))
}

#[test]
fn whatever_is_sent_is_answered_and_refusals_can_be_read() {
    const CASES: u32 = 2000;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let target = runtime.block_on(Target::new());
    let config = ProptestConfig {
        cases: CASES,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    // Drawn anew on every run: what fails is shown, and small.
    let mut runner = TestRunner::new(config);
    let statuses = std::cell::RefCell::new(std::collections::BTreeMap::<u16, u32>::new());
    let outcome = runner.run(&blow(), |blow| {
        let status = runtime.block_on(target.stands(&blow))?;
        *statuses.borrow_mut().entry(status).or_default() += 1;
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let statuses = statuses.into_inner();
    eprintln!("answers by status: {statuses:?}");
    // A storm that only ever hits the door proves nothing.
    for status in [200, 201, 400] {
        let count = statuses.get(&status).copied().unwrap_or_default();
        assert!(count >= 10, "only {count} answers with {status}: {statuses:?}");
    }
}
