//! Recorded exchanges with Neutron, asked again here.
//!
//! Status, error type and message, and the JSON of answers are compared, the latter for the attributes that are served.
//! Identifiers, times, addresses and the like are other ones here: what stood for what is learnt on the way, and carried
//! into later requests. What is passed over is listed with the reason.

mod compare;
mod names;

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde::Deserialize;
use serde_json::{Value, json};

use self::compare::Comparison;
use self::names::Names;
use crate::harness::{Answer, Ask, Cloud, MEMBER};
use crate::reference;

/// One request and its answer, as recorded.
#[derive(Debug, Deserialize)]
struct Exchange {
    method: String,
    path: String,
    project: Option<String>,
    roles: Option<String>,
    status: u16,
    request: Option<Value>,
    response: Option<Value>,
    response_text: Option<String>,
    #[serde(default)]
    response_truncated: bool,
    #[serde(default)]
    extra_headers: std::collections::BTreeMap<String, String>,
}

impl Exchange {
    /// The collection that the path is about; empty for documents.
    fn collection(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        let name = path.strip_prefix("/v2.0/").unwrap_or_default();
        let name = ["metering/", "log/", "qos/"]
            .iter()
            .find_map(|group| name.strip_prefix(group))
            .unwrap_or(name);
        name.split('/').next().unwrap_or_default().trim_end_matches(".json")
    }

    /// Why this exchange cannot be had here, if so.
    fn skipped(&self, number: usize) -> Option<String> {
        if let Some((_, why)) = SKIPPED.iter().find(|(skipped, _)| *skipped == number) {
            return Some((*why).to_owned());
        }
        let collection = self.collection();
        let documents =
            matches!(self.path.as_str(), "/" | "/v2.0" | "/v2.0/" | "/v3" | "/healthcheck");
        if !documents && !SERVED.contains(&collection) {
            return Some(format!("{collection} are not served"));
        }
        // A refusal may be about what is not served; from what was accepted it can be left out.
        let body = match &self.request {
            Some(body) if self.status >= 400 => body.to_string(),
            _ => String::new(),
        };
        let text = format!("{body} {}", self.path);
        ABSENT.iter().find(|name| text.contains(*name)).map(|name| format!("{name} is not served"))
    }

    /// The body to send: without what is not served; and with the subnets of the recorded answer where a port got its
    /// addresses from whichever subnets the server liked, so that later exchanges mean the same here.
    fn body(&self) -> Option<Value> {
        let mut body = self.request.clone()?;
        let name = self.collection().trim_end_matches('s').replace('-', "_");
        if self.status < 400
            && let Some(object) = body.get_mut(&name).and_then(Value::as_object_mut)
        {
            object.retain(|name, _| !ABSENT.contains(&name.as_str()));
            let got = self.response.as_ref().and_then(|body| body["port"]["fixed_ips"].as_array());
            if let (Some(got), false) = (got, object.contains_key("fixed_ips"))
                && self.method == "POST"
                && !got.is_empty()
            {
                let subnets = got.iter().map(|ip| json!({"subnet_id": ip["subnet_id"]}));
                object.insert("fixed_ips".to_owned(), subnets.collect());
            }
        }
        Some(body)
    }
}

/// Collections that can be asked for; `nope` is no resource in Neutron either.
const SERVED: &[&str] = &[
    "networks",
    "subnets",
    "ports",
    "segments",
    "agents",
    "rbac-policies",
    "quotas",
    "routers",
    "floatingips",
    "extensions",
    "security-groups",
    "security-group-rules",
    "default-security-group-rules",
    "address-groups",
    "trunks",
    "service-providers",
    "flavors",
    "local-ips",
    "logs",
    "loggable-resources",
    "metering-labels",
    "metering-label-rules",
    "subnetpools",
    "address-scopes",
    "availability_zones",
    "auto-allocated-topology",
    "network-ip-availabilities",
    "floatingip_pools",
    "floatingip-pools",
    "policies",
    "rule-types",
    "nope",
];

/// Attributes and extensions of features that are not here yet.
const ABSENT: &[&str] = &[];

/// Exchanges that rest on something that is not here yet.
const SKIPPED: &[(usize, &str)] = &[
    (57, "the description of an extension is not for comparison"),
    (75, "the description of an extension is not for comparison"),
];

/// Exchanges that come out differently, and how.
const DIFFERENT: &[(usize, &str)] = &[
    (0, STOCK),
    (1, STOCK),
    (2, STOCK),
    (3, STOCK),
    (74, "what a caller is not shown finds nothing as a filter (docs/decisions/0013)"),
    (78, STOCK),
    (79, "a default group does not begin with a rule twice"),
    (80, STOCK),
    (81, "a default group does not begin with a rule twice"),
    (173, "the refusal names an address that was drawn"),
    (178, "no more is shown to whom than by any other request"),
    (228, "Neutron names the callback that refused, and its process, in the details"),
    (245, "a second driver of the recording's cloud narrowed what all carry out"),
    (246, "the recording's cloud had a second driver"),
    (248, SHARED),
    (264, SHARED),
    (281, "a new subnet of a routed network is shown with the routes that it gets"),
];

const STOCK: &str = "the recording began without the rules that the schema comes with";

const SHARED: &str = "an address group shows `shared` here no more than when it is made or listed";

/// Networks that the recording shows without showing how they were made: before which exchange, whose, and their id.
const UNRECORDED: &[(usize, &str, &str)] = &[(41, "p1", "1f010df0-94c7-4aba-a837-90431af550d2")];

fn ask(exchange: &Exchange, names: &Names) -> Ask {
    let mut ask = Ask::new(&exchange.method, &names.translate(&exchange.path))
        .header("host", "127.0.0.1:19696");
    ask = match (&exchange.project, &exchange.roles) {
        (Some(project), Some(roles)) => ask.by(project, roles),
        _ => ask.by_nobody(),
    };
    for (name, value) in &exchange.extra_headers {
        if name == "If-Match" {
            ask = ask.header("if-match", value);
        }
    }
    match exchange.body() {
        Some(body) => ask.body(names.translate(&body.to_string())),
        None => ask,
    }
}

/// How the answer differs from the recorded one; what can be learnt from it is learnt.
fn differences(exchange: &Exchange, answer: &Answer, names: &mut Names) -> Vec<String> {
    if answer.status != exchange.status {
        return vec![format!(
            "status {} instead of {}: {}",
            answer.status, exchange.status, answer.text
        )];
    }
    if let Some(text) = &exchange.response_text {
        // Long texts were cut when they were recorded.
        return if answer.text.starts_with(text.as_str()) {
            Vec::new()
        } else {
            vec![format!("{:?} instead of {text:?}", answer.text)]
        };
    }
    let Some(expected) = &exchange.response else {
        return if answer.text.is_empty() {
            Vec::new()
        } else {
            vec![format!("{:?} instead of nothing", answer.text)]
        };
    };
    let mut comparison = Comparison::new(names, exchange);
    comparison.answers(expected, &answer.json());
    comparison.differences
}

#[tokio::test]
async fn recorded_exchanges_come_out_the_same() {
    let Some(recording) = reference::load("observed-api.json") else { return };
    let exchanges: Vec<Exchange> =
        serde_json::from_value(recording["exchanges"].clone()).expect("exchanges");
    let dns_domain = "example.org".to_owned();
    let settings = Settings { api_preview: true, dns_domain, ..Settings::default() };
    let cloud = Cloud::with(ApiOptions::default(), settings).await;
    let mut names = Names::default();
    let (mut same, mut skipped, mut wrong) = (0, 0, Vec::new());
    for (number, exchange) in exchanges.iter().enumerate() {
        let line = format!("{number} {} {}", exchange.method, exchange.path);
        if let Some(why) = exchange.skipped(number) {
            eprintln!("SKIPPED: {line}: {why}");
            skipped += 1;
            continue;
        }
        for (_, project, id) in UNRECORDED.iter().filter(|(before, ..)| *before == number) {
            let ask = Ask::new("POST", "/v2.0/networks").by(project, MEMBER);
            let made = cloud.send(ask.json(&json!({"network": {}}))).await.json();
            names.learn(id, made["network"]["id"].as_str().expect("an id"));
        }
        let answer = cloud.send(ask(exchange, &names)).await;
        let differences = differences(exchange, &answer, &mut names);
        let known = DIFFERENT.iter().find(|(different, _)| *different == number);
        if differences.is_empty() {
            same += 1;
        } else if let Some((_, how)) = known {
            eprintln!("DIFFERENT: {line}: {how}");
        } else {
            wrong.push(format!("{line}\n    {}", differences.join("\n    ")));
        }
    }
    eprintln!("{same} exchanges alike, {skipped} skipped, {} different", wrong.len());
    assert!(wrong.is_empty(), "{} exchanges differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same > 100, "only {same} exchanges were compared");
}
