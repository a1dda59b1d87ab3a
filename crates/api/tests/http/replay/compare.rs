//! Comparing an answer with a recorded one.

use nucleon_model::{
    AddressGroup, AddressScope, Agent, DefaultSecurityGroupRule, EXTENSIONS, FloatingIp, Network,
    Port, RbacPolicy, Readiness, Resource as _, ResourceDecl, Router, SecurityGroup,
    SecurityGroupRule, Segment, Subnet, SubnetPool, Trunk,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::names::{Names, alike};
use super::{Exchange, SERVED};

/// Attributes whose values are each cloud's own; only their types must agree.
const OWN: &[&str] = &[
    "created_at",
    "updated_at",
    "mtu",
    "revision_number",
    "segmentation_id",
    "provider:segmentation_id",
    "description",
    "updated",
    // Of a port's addresses, which are drawn.
    "hostname",
    "fqdn",
];

/// Attributes of a plug-in that the recorded cloud went without.
const WITHOUT: &[&str] = &["pvlan", "pvlan_type", "pvlan_community"];

/// Rules within their group, and only there, show what Neutron's database knows of them, and not whether the group is
/// the default one.
const LEAKED: &[&str] = &["standard_attr_id", "tags", "belongs_to_default_sg"];
const RULES: &str = "security_group_rules";

/// One comparison, with what it found.
pub(super) struct Comparison<'a> {
    names: &'a mut Names,
    decl: Option<&'static ResourceDecl>,
    truncated: bool,
    /// Whether an order was asked for.
    ordered: bool,
    pub(super) differences: Vec<String>,
}

/// Whether a resource has the attribute, and its extension is here yet. Attributes of the core API have none in the list.
fn serves(decl: &ResourceDecl, name: &str) -> bool {
    let Some((_, attribute)) = decl.find(name) else { return false };
    let known = EXTENSIONS.iter().find(|extension| extension.alias == attribute.alias);
    known.is_none_or(|extension| extension.readiness != Readiness::NotYet)
}

impl<'a> Comparison<'a> {
    pub(super) fn new(names: &'a mut Names, exchange: &Exchange) -> Self {
        let decls = [
            Network::DECL,
            Subnet::DECL,
            Port::DECL,
            Segment::DECL,
            Agent::DECL,
            Router::DECL,
            SecurityGroup::DECL,
            SecurityGroupRule::DECL,
            DefaultSecurityGroupRule::DECL,
            AddressGroup::DECL,
            AddressScope::DECL,
            RbacPolicy::DECL,
            SubnetPool::DECL,
            FloatingIp::DECL,
            Trunk::DECL,
        ];
        let decl = decls.into_iter().find(|decl| decl.path == exchange.collection());
        let ordered = exchange.path.contains("sort_key=");
        Self {
            names,
            decl,
            truncated: exchange.response_truncated,
            ordered,
            differences: Vec::new(),
        }
    }

    /// Compares whole answers.
    pub(super) fn answers(&mut self, expected: &Value, actual: &Value) {
        let (Some(expected), Some(found)) = (expected.as_object(), actual.as_object()) else {
            return self.differ("", "an object", actual);
        };
        let actual = found;
        self.same_keys("", expected, actual, |_| true);
        let paged = expected.keys().any(|key| key.ends_with("_links"));
        for (key, value) in expected {
            let Some(found) = actual.get(key) else { continue };
            match (value, found) {
                (Value::Array(value), Value::Array(found)) if !key.ends_with("_links") => {
                    self.list(key, value, found, paged);
                }
                (Value::Object(value), Value::Object(found)) => self.object(key, value, found),
                _ => self.value(key, key, value, found),
            }
        }
    }

    fn list(&mut self, place: &str, expected: &[Value], actual: &[Value], paged: bool) {
        if self.truncated {
            // Only what was kept can be compared, and only its form.
            if let (Some(expected), Some(actual)) = (expected.first(), actual.first()) {
                self.form(place, expected, actual);
            }
            return;
        }
        let (mut expected, mut actual) =
            (expected.iter().collect::<Vec<_>>(), actual.iter().collect::<Vec<_>>());
        expected.retain(|item| {
            item["collection"].as_str().is_none_or(|collection| SERVED.contains(&collection))
        });
        let known = |item: &Value| item["id"].as_str().is_none_or(|id| self.names.knows(id));
        if expected.len() > actual.len() {
            // What something that is not served had made is not here.
            expected.retain(|item| known(item));
        }
        if !paged {
            // Without an order asked for there is none: what is known goes by its identifier, the rest by its looks.
            let ids: Vec<String> = expected
                .iter()
                .filter(|item| known(item))
                .filter_map(|item| Some(self.names.translate(item["id"].as_str()?)))
                .collect();
            let rank = |item: &Value, id: Option<String>| match id {
                Some(id) if ids.contains(&id) => (0, id),
                _ => (1, looks(item)),
            };
            expected.sort_by_cached_key(|item| {
                let (class, text) =
                    rank(item, item["id"].as_str().map(|id| self.names.translate(id)));
                (class, self.names.translate(&text))
            });
            actual.sort_by_cached_key(|item| rank(item, item["id"].as_str().map(str::to_owned)));
        }
        if expected.len() != actual.len() {
            let text = format!("{} items", expected.len());
            return self.differ(place, &text, &Value::from(actual.len()));
        }
        for (index, (expected, actual)) in expected.into_iter().zip(actual).enumerate() {
            let place = format!("{place}[{index}]");
            match (expected, actual) {
                (Value::Object(expected), Value::Object(actual)) => {
                    if paged {
                        self.relearn(expected, actual);
                    }
                    self.object(&place, expected, actual);
                }
                _ => self.value(&place, "", expected, actual),
            }
        }
    }

    /// Objects that are equal but for their identifiers come in the order of these, which is another one here.
    fn relearn(&mut self, expected: &Map<String, Value>, actual: &Map<String, Value>) {
        let same =
            expected.iter().all(|(key, value)| key == "id" || actual.get(key) == Some(value));
        if let (true, Some(Value::String(recorded)), Some(Value::String(here))) =
            (same, expected.get("id"), actual.get("id"))
        {
            self.names.learn(recorded, here);
        }
    }

    fn object(&mut self, place: &str, expected: &Map<String, Value>, actual: &Map<String, Value>) {
        let decl = if place.contains('.') { None } else { self.decl };
        let leaked =
            |key: &str| place.contains(RULES) && place.contains('.') && LEAKED.contains(&key);
        self.same_keys(place, expected, actual, |key| {
            decl.is_none_or(|decl| serves(decl, key)) && !leaked(key)
        });
        for (key, value) in expected.iter().filter(|(key, _)| !leaked(key)) {
            if let Some(found) = actual.get(key) {
                self.value(&format!("{place}.{key}"), key, value, found);
            }
        }
    }

    fn value(&mut self, place: &str, key: &str, expected: &Value, actual: &Value) {
        if OWN.contains(&key) {
            if std::mem::discriminant(expected) != std::mem::discriminant(actual)
                && !(expected.is_null() || actual.is_null())
            {
                self.differ(place, &format!("something like {expected}"), actual);
            }
            return;
        }
        match (expected, actual) {
            (Value::String(expected), Value::String(found)) if key == "message" => {
                let expected = sorted(&self.names.translate(expected));
                if expected != sorted(found) {
                    self.differ(place, &expected, actual);
                }
            }
            (Value::String(expected), Value::String(found))
                if key == "href" && !self.ordered && expected.contains("marker=") =>
            {
                // Which object is first is another one here.
                let (expected, found) = (without_marker(expected), without_marker(found));
                if expected != found {
                    self.differ(place, &expected, actual);
                }
            }
            (Value::String(expected), Value::String(found)) => {
                if self.names.translate(expected) == *found {
                    return;
                }
                if alike(expected, found) && !self.names.knows(expected) {
                    return self.names.learn(expected, found);
                }
                let expected = self.names.translate(expected);
                self.differ(place, &expected, actual);
            }
            (Value::Object(expected), Value::Object(actual)) => {
                self.object(place, expected, actual);
            }
            (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
                let (expected, actual) = (in_order(key, expected), in_order(key, actual));
                for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                    self.value(&format!("{place}.{index}"), key, expected, actual);
                }
            }
            _ if expected == actual => {}
            _ => self.differ(place, &expected.to_string(), actual),
        }
    }

    /// The same keys, each with a value of the same type.
    fn form(&mut self, place: &str, expected: &Value, actual: &Value) {
        if let (Some(expected), Some(actual)) = (expected.as_object(), actual.as_object()) {
            let decl = self.decl;
            self.same_keys(place, expected, actual, |key| {
                decl.is_none_or(|decl| serves(decl, key))
            });
        }
    }

    fn same_keys(
        &mut self,
        place: &str,
        expected: &Map<String, Value>,
        actual: &Map<String, Value>,
        served: impl Fn(&str) -> bool,
    ) {
        for key in expected.keys().filter(|key| served(key) && !actual.contains_key(*key)) {
            self.differences.push(format!("{place}: no {key}"));
        }
        let known = |key: &&String| expected.contains_key(*key) || WITHOUT.contains(&key.as_str());
        for key in actual.keys().filter(|key| !known(key)) {
            self.differences.push(format!("{place}: {key} is too much"));
        }
    }

    fn differ(&mut self, place: &str, expected: &str, actual: &Value) {
        self.differences.push(format!("{place}: {actual} instead of {expected}"));
    }
}

/// An object but for what is each cloud's own.
fn looks(item: &Value) -> String {
    let mut item = item.clone();
    if let Some(object) = item.as_object_mut() {
        object.retain(|key, _| key != "id" && !OWN.contains(&key.as_str()));
    }
    item.to_string()
}

/// The rules of a group, which come in any order, by what they let pass.
fn in_order<'v>(key: &str, items: &'v [Value]) -> Vec<&'v Value> {
    let mut items: Vec<&Value> = items.iter().collect();
    if key == RULES {
        items.sort_by_cached_key(|rule| format!("{} {}", rule["direction"], rule["ethertype"]));
    }
    items
}

fn without_marker(href: &str) -> String {
    let kept: Vec<&str> = href.split('&').filter(|pair| !pair.starts_with("marker=")).collect();
    kept.join("&")
}

/// A message with its list of identifiers, where it has one, in an order of their own.
fn sorted(message: &str) -> String {
    let mut ids: Vec<&str> = message
        .split(|c: char| !c.is_ascii_hexdigit() && c != '-')
        .filter(|word| Uuid::try_parse(word).is_ok())
        .collect();
    let &[_, second, _, ..] = ids.as_slice() else { return message.to_owned() };
    let head = message.split(second).next().unwrap_or_default().to_owned();
    ids.sort_unstable();
    format!("{head}{}", ids.join(","))
}
