//! Which connection hears of which scope.

use std::collections::{BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use nucleon_model::view::Scope;
use nucleon_wire::Version;
use tokio::sync::mpsc;

use crate::source::Peer;

pub(super) type ConnectionId = u64;

/// The subscriptions of all connections.
#[derive(Debug, Default)]
pub(super) struct Routes {
    next: ConnectionId,
    connections: HashMap<ConnectionId, Subscriber>,
    by_scope: HashMap<Scope, HashSet<ConnectionId>>,
}

#[derive(Debug)]
struct Subscriber {
    peer: Peer,
    scopes: BTreeSet<Scope>,
    outlet: Outlet,
}

/// Where a connection's hints go in. A full queue drops the hint: the agent notices by the next one's `previous` or its poll.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    pub(super) version: Version,
    pub(super) frames: mpsc::Sender<Bytes>,
}

impl Routes {
    pub(super) fn add(&mut self, peer: Peer, frames: mpsc::Sender<Bytes>) -> ConnectionId {
        let id = self.next;
        self.next += 1;
        let outlet = Outlet { version: peer.version, frames };
        self.connections.insert(id, Subscriber { peer, scopes: BTreeSet::new(), outlet });
        id
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        if let Some(subscriber) = self.connections.remove(&id) {
            for scope in &subscriber.scopes {
                leave(&mut self.by_scope, scope, id);
            }
        }
    }

    /// Makes `scopes` all that the connection hears of.
    pub(super) fn subscribe(&mut self, id: ConnectionId, scopes: BTreeSet<Scope>) {
        let Some(subscriber) = self.connections.get_mut(&id) else {
            return;
        };
        for scope in subscriber.scopes.difference(&scopes) {
            leave(&mut self.by_scope, scope, id);
        }
        for scope in scopes.difference(&subscriber.scopes) {
            self.by_scope.entry(scope.clone()).or_default().insert(id);
        }
        subscriber.scopes = scopes;
    }

    pub(super) fn is_followed(&self, scope: &Scope) -> bool {
        // `leave` takes a scope out with the last who heard of it.
        self.by_scope.contains_key(scope)
    }

    /// The outlets of all who hear of `scope`.
    pub(super) fn outlets(&self, scope: &Scope) -> Vec<Outlet> {
        let ids = self.by_scope.get(scope).into_iter().flatten();
        ids.filter_map(|id| self.connections.get(id)).map(|known| known.outlet.clone()).collect()
    }

    pub(super) fn peers(&self) -> Vec<Peer> {
        self.connections.values().map(|known| known.peer.clone()).collect()
    }
}

fn leave(by_scope: &mut HashMap<Scope, HashSet<ConnectionId>>, scope: &Scope, id: ConnectionId) {
    if let Some(ids) = by_scope.get_mut(scope) {
        ids.remove(&id);
        if ids.is_empty() {
            by_scope.remove(scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::view::Role;

    use super::*;
    use crate::source::Identity;

    fn scope(name: &str) -> Scope {
        Scope::Host(name.to_owned())
    }

    fn join(routes: &mut Routes, scopes: &[&str]) -> (ConnectionId, mpsc::Receiver<Bytes>) {
        let (frames, queue) = mpsc::channel(1);
        let peer = Peer {
            role: Role::OvsAgent,
            host: "h1".into(),
            identity: Identity::Local,
            version: Version::CURRENT,
            program: String::new(),
        };
        let id = routes.add(peer, frames);
        routes.subscribe(id, scopes.iter().map(|name| scope(name)).collect());
        (id, queue)
    }

    #[test]
    fn a_subscription_replaces_the_one_before() {
        let mut routes = Routes::default();
        let (id, _queue) = join(&mut routes, &["a", "b"]);
        routes.subscribe(id, [scope("b"), scope("c")].into());
        let heard = |name: &str| routes.outlets(&scope(name)).len();
        assert_eq!([heard("a"), heard("b"), heard("c")], [0, 1, 1]);
        let followed = |name: &str| routes.is_followed(&scope(name));
        assert_eq!([followed("a"), followed("b"), followed("c")], [false, true, true]);
    }

    #[test]
    fn nothing_is_left_of_a_connection_that_went() {
        let mut routes = Routes::default();
        let (first, _queue) = join(&mut routes, &["a", "b"]);
        let (second, _other) = join(&mut routes, &["b"]);
        routes.remove(first);
        assert_eq!(routes.outlets(&scope("b")).len(), 1);
        routes.remove(second);
        assert!(routes.by_scope.is_empty() && routes.peers().is_empty());
        routes.subscribe(second, [scope("b")].into());
        assert!(routes.by_scope.is_empty());
    }
}
