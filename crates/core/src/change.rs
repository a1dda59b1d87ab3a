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

pub(crate) fn emit(
    tx: &mut Tx,
    caller: &Caller,
    kind: &'static str,
    id: String,
    operation: Operation,
    revision: i64,
    scopes: Vec<Scope>,
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
    emit(tx, caller, "port", port.id.to_string(), operation, port.revision_number, scopes);
}

/// A port whose status alone changed: nothing that agents need to know.
pub(crate) fn emit_port_status(tx: &mut Tx, caller: &Caller, id: PortId, revision: i64) {
    emit(tx, caller, "port", id.to_string(), Operation::Update, revision, Vec::new());
}

pub(crate) fn emit_network(tx: &mut Tx, caller: &Caller, operation: Operation, network: &Network) {
    let scopes = vec![Scope::Network(network.id)];
    emit(tx, caller, "network", network.id.to_string(), operation, network.revision_number, scopes);
}

/// A network of which something that is embedded in its body changed.
pub(crate) fn emit_network_part(
    tx: &mut Tx,
    caller: &Caller,
    network: NetworkId,
    revision: i64,
    also: Vec<Scope>,
) {
    let mut scopes = vec![Scope::Network(network)];
    scopes.extend(also);
    emit(tx, caller, "network", network.to_string(), Operation::Update, revision, scopes);
}

pub(crate) fn emit_subnet(tx: &mut Tx, caller: &Caller, operation: Operation, subnet: &Subnet) {
    let scopes = vec![Scope::Network(subnet.network_id)];
    emit(tx, caller, "subnet", subnet.id.to_string(), operation, subnet.revision_number, scopes);
}
