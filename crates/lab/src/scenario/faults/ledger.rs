//! What the API acknowledged, and what it left open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::instance::text;

/// Every write of a storm and its answer.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// Ports whose creation was acknowledged and whose deletion was not asked for, as answered.
    made: BTreeMap<String, Value>,
    /// Ids whose deletion was acknowledged.
    deleted: BTreeSet<String>,
    /// Names whose creation, and ids whose deletion, was asked for and never answered.
    open: BTreeSet<String>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn made(&self, port: Value) -> Result<String> {
        let id = text(&port, "id")?.to_owned();
        self.entries().made.insert(id.clone(), port);
        Ok(id)
    }

    /// The deletion is about to be asked for: from here on either is right until it is answered.
    pub(super) fn deleting(&self, id: &str) {
        let mut entries = self.entries();
        entries.made.remove(id);
        entries.open.insert(id.to_owned());
    }

    pub(super) fn deleted(&self, id: &str) {
        let mut entries = self.entries();
        entries.open.remove(id);
        entries.deleted.insert(id.to_owned());
    }

    /// A creation that was not answered.
    pub(super) fn open(&self, name: &str) {
        self.entries().open.insert(name.to_owned());
    }

    /// Holds the API's list against what was acknowledged.
    pub(super) fn check(&self, ports: &[Value]) -> Result<()> {
        let entries = self.entries();
        let mut listed = BTreeMap::new();
        for port in ports {
            listed.insert(text(port, "id")?, port);
        }
        ensure!(entries.made.len() > 20, "only {} ports were made", entries.made.len());
        ensure!(entries.deleted.len() > 5, "only {} ports were deleted", entries.deleted.len());
        for (id, made) in &entries.made {
            let Some(port) = listed.get(id.as_str()) else {
                anyhow::bail!("port {id} was acknowledged and is lost: {made}");
            };
            for attribute in ["name", "mac_address", "fixed_ips", "binding:host_id"] {
                let (then, now) = (&made[attribute], &port[attribute]);
                ensure!(then == now, "{attribute} of port {id} was {then} and is {now}");
            }
        }
        for id in &entries.deleted {
            ensure!(!listed.contains_key(id.as_str()), "port {id} was deleted and is back");
        }
        for port in ports {
            let (id, name) = (text(port, "id")?, text(port, "name")?);
            let ours = name.starts_with("storm-");
            let known = entries.made.contains_key(id)
                || entries.open.contains(id)
                || entries.open.contains(name);
            ensure!(!ours || known, "port {id} ({name}) is there and nobody asked for it");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn port(number: usize) -> Value {
        json!({
            "id": format!("id{number}"),
            "name": format!("storm-{number}"),
            "mac_address": format!("fa:16:3e:00:00:{number:02x}"),
            "fixed_ips": [{ "ip_address": format!("10.0.0.{number}") }],
            "binding:host_id": "compute1",
        })
    }

    /// Ports 0 to 29 made, 30 to 39 made and deleted.
    fn ledger() -> (Ledger, Vec<Value>) {
        let ledger = Ledger::default();
        for number in 0..40 {
            let id = ledger.made(port(number)).unwrap();
            if number >= 30 {
                ledger.deleting(&id);
                ledger.deleted(&id);
            }
        }
        (ledger, (0..30).map(port).collect())
    }

    #[test]
    fn what_was_acknowledged_must_be_so() {
        let (ledger, mut ports) = ledger();
        ledger.check(&ports).unwrap();
        let lost = ports.remove(3);
        assert!(ledger.check(&ports).unwrap_err().to_string().contains("is lost"));
        ports.push(lost);
        ports.push(port(35));
        assert!(ledger.check(&ports).unwrap_err().to_string().contains("is back"));
        ports.pop();
        ports.push(port(99));
        assert!(ledger.check(&ports).unwrap_err().to_string().contains("nobody asked"));
    }

    #[test]
    fn an_address_must_stay_what_was_answered() {
        let (ledger, mut ports) = ledger();
        ports[4]["fixed_ips"][0]["ip_address"] = json!("10.0.0.200");
        assert!(ledger.check(&ports).unwrap_err().to_string().contains("fixed_ips of port id4"));
    }

    #[test]
    fn what_was_never_answered_may_be_either_way() {
        let (ledger, mut ports) = ledger();
        ledger.open("storm-77");
        ledger.deleting("id2");
        ledger.check(&ports).unwrap();
        ports.push(port(77));
        ports.remove(2);
        ledger.check(&ports).unwrap();
    }
}
