//! Which resources are served. A new one is one line.

use axum::Router;
use nucleon_core::{Noun, Operations};
use nucleon_model::{Agent, Network, Port, ResourceDecl, Segment, Subnet};

use crate::app::Api;
use crate::{discovery, resource, scheduler, tags};

/// A resource and what can be done with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) decl: &'static ResourceDecl,
    pub(crate) operations: Operations,
}

/// All routes, and the resources behind them.
pub(crate) fn all() -> (Router<Api>, Vec<Served>) {
    let resources = Resources { router: discovery::routes(), served: Vec::new() }
        .with::<Network>()
        .with::<Subnet>()
        .with::<Port>()
        .with::<Segment>()
        .with::<Agent>();
    (resources.router.merge(scheduler::routes()), resources.served)
}

struct Resources {
    router: Router<Api>,
    served: Vec<Served>,
}

impl Resources {
    fn with<T: Noun>(mut self) -> Self {
        self.router = self.router.merge(resource::routes::<T>());
        if T::OPERATIONS.contains(Operations::TAGS) {
            self.router = self.router.merge(tags::routes::<T>());
        }
        self.served.push(Served { decl: T::DECL, operations: T::OPERATIONS });
        self
    }
}
