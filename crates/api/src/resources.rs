//! Which resources are served. A new one is one line.

use axum::Router;
use nucleon_core::{ChildNoun, Noun, Operations, Tagged};
use nucleon_model::{AddressScope, Agent, Network, Port, ResourceDecl, Segment, Subnet};

use crate::action::Action;
use crate::app::Api;
use crate::resource::{Door, Top, Under};
use crate::{discovery, resource, scheduler, tags};

/// A resource and what can be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) decl: &'static ResourceDecl,
    pub(crate) operations: Operations,
    /// Of the collection: `/v2.0/routers/{parent}/conntrack_helpers`.
    pub(crate) path: String,
    pub(crate) actions: Vec<Action>,
}

/// All routes, and the resources behind them.
pub(crate) fn all() -> (Router<Api>, Vec<Served>) {
    let resources = Resources { router: discovery::routes(), served: Vec::new() }
        .tagged::<Network>()
        .tagged::<Subnet>()
        .tagged::<Port>()
        .with::<Segment>()
        .with::<Agent>()
        .with::<AddressScope>();
    (resources.router.merge(scheduler::routes()), resources.served)
}

struct Resources {
    router: Router<Api>,
    served: Vec<Served>,
}

impl Resources {
    fn with<T: Noun>(self) -> Self {
        self.through::<T, Top>()
    }

    fn tagged<T: Tagged>(mut self) -> Self {
        self.router = self.router.merge(tags::routes::<T>());
        self.with::<T>()
    }

    /// A resource that lives under another one.
    #[expect(dead_code, reason = "children come with routers")]
    fn under<T: ChildNoun>(self) -> Self {
        self.through::<T, Under>()
    }

    /// An operation of its own on the resource that came last.
    #[expect(dead_code, reason = "actions come with routers")]
    fn action(mut self, action: Action, routes: impl FnOnce(&Action) -> Router<Api>) -> Self {
        self.router = self.router.merge(routes(&action));
        if let Some(served) = self.served.last_mut() {
            served.actions.push(action);
        }
        self
    }

    fn through<T: Noun, D: Door<T>>(mut self) -> Self {
        self.router = self.router.merge(resource::routes::<T, D>());
        self.served.push(Served {
            decl: T::DECL,
            operations: T::OPERATIONS,
            path: D::path(),
            actions: Vec::new(),
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use nucleon_policy::{Options, Policy};

    use super::*;

    #[test]
    fn every_operation_has_a_rule() {
        let policy = Policy::defaults(Options::default());
        let mut missing = Vec::new();
        for Served { decl, operations, actions, .. } in all().1 {
            let verbs = [
                (Operations::LIST, "get"),
                (Operations::SHOW, "get"),
                (Operations::CREATE, "create"),
                (Operations::UPDATE, "update"),
                (Operations::DELETE, "delete"),
            ];
            let common = verbs
                .into_iter()
                .filter(|(operation, _)| operations.contains(*operation))
                .map(|(_, verb)| format!("{verb}_{}", decl.name));
            let own = actions.iter().map(|action| action.name.to_owned());
            missing.extend(common.chain(own).filter(|name| policy.rule(name).is_none()));
        }
        assert!(missing.is_empty(), "no rule decides who may: {missing:?}");
    }
}
