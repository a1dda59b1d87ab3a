//! What an operation says in the outbox.

use std::borrow::Cow;

use nucleon_db::{Change, Operation, Tx};
use nucleon_model::view::Scope;
use nucleon_model::{Network, NetworkId, Port, PortId, Resource, Standard, Subnet};

use crate::{Caller, quota};

/// Scopes that see a port: its host, whoever serves its network, and those who follow its security groups.
fn port_scopes(port: &Port) -> Vec<Scope> {
    let mut scopes = vec![Scope::Ports(port.network_id)];
    scopes.extend(group_scopes(port));
    if !port.host.is_empty() {
        scopes.push(Scope::Host(port.host.clone()));
    }
    scopes
}

fn group_scopes(port: &Port) -> impl Iterator<Item = Scope> {
    port.security_groups.iter().copied().map(Scope::SecurityGroup)
}

/// Says that an object came, changed or went, and counts it. `scopes` are those of the agents that are told.
pub(crate) fn emit<R: Standard>(
    tx: &mut Tx,
    caller: &Caller,
    operation: Operation,
    object: &R,
    scopes: &[Scope],
) {
    emit_id(tx, caller, R::DECL.name, &object.id(), operation, object.revision(), scopes);
    match operation {
        Operation::Create => quota::charge::<R>(tx, object.project_id(), 1),
        Operation::Update => {}
        Operation::Delete => quota::charge::<R>(tx, object.project_id(), -1),
    }
}

fn emit_id(
    tx: &mut Tx,
    caller: &Caller,
    kind: &'static str,
    id: &dyn std::fmt::Display,
    operation: Operation,
    revision: i64,
    scopes: &[Scope],
) {
    tx.emit(Change {
        kind: Cow::Borrowed(kind),
        id: id.to_string(),
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
    emit(tx, caller, operation, port, &scopes);
}

/// A port of which only those see a difference who follow its security groups.
pub(crate) fn emit_port_in_groups(tx: &mut Tx, caller: &Caller, before: &Port, after: &Port) {
    let scopes: Vec<Scope> = group_scopes(before).chain(group_scopes(after)).collect();
    emit(tx, caller, Operation::Update, after, &scopes);
}

/// A port whose status alone changed: nothing that agents need to know.
pub(crate) fn emit_port_status(tx: &mut Tx, caller: &Caller, id: PortId, revision: i64) {
    emit_id(tx, caller, Port::DECL.name, &id, Operation::Update, revision, &[]);
}

pub(crate) fn emit_network(tx: &mut Tx, caller: &Caller, operation: Operation, network: &Network) {
    emit(tx, caller, operation, network, &[Scope::Network(network.id)]);
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
    emit_id(tx, caller, Network::DECL.name, &network, operation, revision, &scopes);
}

pub(crate) fn emit_subnet(tx: &mut Tx, caller: &Caller, operation: Operation, subnet: &Subnet) {
    emit(tx, caller, operation, subnet, &[Scope::Network(subnet.network_id)]);
}

/// A subnet of which something changed that agents do not see.
pub(crate) fn emit_subnet_apart(tx: &mut Tx, caller: &Caller, subnet: &Subnet) {
    emit(tx, caller, Operation::Update, subnet, &[]);
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
