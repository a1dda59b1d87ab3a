//! What an operation says in the outbox.

use std::borrow::Cow;

use nucleon_db::{Change, Operation, Tx};
use nucleon_model::view::Scope;
use nucleon_model::{Network, NetworkId, Port, PortId, Subnet};

use crate::Caller;

/// Scopes that see a port: its host, and whoever serves its network.
fn port_scopes(port: &Port) -> Vec<Scope> {
    let mut scopes = vec![Scope::Ports(port.network_id)];
    if !port.host.is_empty() {
        scopes.push(Scope::Host(port.host.clone()));
    }
    scopes
}

fn emit(
    tx: &mut Tx,
    caller: &Caller,
    kind: &'static str,
    id: String,
    operation: Operation,
    revision: i64,
    scopes: &[Scope],
) {
    tx.emit(Change {
        kind: Cow::Borrowed(kind),
        id,
        operation,
        revision,
        request: Some(caller.request_id().to_owned()),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    });
}

/// A port that came, changed or went; `before` adds the scopes that it leaves.
pub(crate) fn emit_port(
    tx: &mut Tx,
    caller: &Caller,
    operation: Operation,
    before: Option<&Port>,
    port: &Port,
) {
    let mut scopes = port_scopes(port);
    scopes.extend(before.map(port_scopes).unwrap_or_default());
    emit(tx, caller, "port", port.id.to_string(), operation, port.revision_number, &scopes);
}

/// A port whose status alone changed: nothing that agents need to know.
pub(crate) fn emit_port_status(tx: &mut Tx, caller: &Caller, id: PortId, revision: i64) {
    emit(tx, caller, "port", id.to_string(), Operation::Update, revision, &[]);
}

pub(crate) fn emit_network(tx: &mut Tx, caller: &Caller, operation: Operation, network: &Network) {
    let scopes = vec![Scope::Network(network.id)];
    emit(
        tx,
        caller,
        "network",
        network.id.to_string(),
        operation,
        network.revision_number,
        &scopes,
    );
}

/// A network that other agents serve now: the agents on these hosts get, or lose, it as a whole.
pub(crate) fn emit_network_moved(
    tx: &mut Tx,
    caller: &Caller,
    operation: Operation,
    network: NetworkId,
    revision: i64,
    hosts: &[String],
) {
    let mut scopes = vec![Scope::Network(network)];
    scopes.extend(hosts.iter().cloned().map(Scope::Dhcp));
    emit(tx, caller, "network", network.to_string(), operation, revision, &scopes);
}

pub(crate) fn emit_subnet(tx: &mut Tx, caller: &Caller, operation: Operation, subnet: &Subnet) {
    let scopes = vec![Scope::Network(subnet.network_id)];
    emit(tx, caller, "subnet", subnet.id.to_string(), operation, subnet.revision_number, &scopes);
}

/// A subnet of which something changed that agents do not see.
pub(crate) fn emit_subnet_apart(tx: &mut Tx, caller: &Caller, subnet: &Subnet) {
    let id = subnet.id.to_string();
    emit(tx, caller, "subnet", id, Operation::Update, subnet.revision_number, &[]);
}

/// Has the transaction run again when a row that it meant to change is not as it was read: another change came first.
pub(crate) fn again<T>(tx: &mut Tx, outcome: Result<T, nucleon_db::Error>) -> crate::Result<T> {
    match outcome {
        Err(nucleon_db::Error::Stale { kind, id }) => {
            Err(tx.retry(&format!("{kind} {id} was changed meanwhile")).into())
        }
        other => Ok(other?),
    }
}
