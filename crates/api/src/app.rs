//! All that handlers share.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use nucleon_core::Core;
use nucleon_model::{AttrSet, ResourceDecl};
use nucleon_obs::{Clock, Metrics, Random};

use crate::edge;
use crate::extensions::{Extensions, Preview};
use crate::identity::Authenticator;
use crate::metrics::ApiMetrics;
use crate::openapi;
use crate::options::ApiOptions;
use crate::resources::{self, Served};

/// The API over one control plane; clones are handles to the same.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// What the API is put together from.
#[derive(Clone)]
pub struct ApiParts {
    pub core: Core,
    pub authenticator: Arc<dyn Authenticator>,
    pub clock: Clock,
    pub random: Random,
    pub metrics: Metrics,
}

struct Shared {
    parts: ApiParts,
    options: ApiOptions,
    extensions: Extensions,
    served: Vec<Served>,
    collections: Vec<&'static str>,
    metrics: ApiMetrics,
    openapi: Bytes,
}

impl Api {
    /// The service, from the request's head to the last byte of its answer. Registers metrics: once in a process.
    pub fn router(parts: ApiParts, options: ApiOptions) -> Router {
        let (api, routes) = Self::new(parts, options);
        edge::wrap(api, routes)
    }

    pub(crate) fn new(parts: ApiParts, options: ApiOptions) -> (Self, Router) {
        let extensions = Extensions::new(Preview::of(parts.core.settings()));
        let (routes, served, specials) = resources::all(&extensions);
        let api = Self(Arc::new(Shared {
            metrics: ApiMetrics::new(&parts.metrics),
            openapi: openapi::document(&served, &specials, &extensions),
            collections: served.iter().map(|served| served.decl.collection).collect(),
            parts,
            options,
            extensions,
            served,
        }));
        let routes = routes.with_state(api.clone());
        (api, routes)
    }

    pub(crate) fn core(&self) -> &Core {
        &self.0.parts.core
    }

    pub(crate) fn authenticator(&self) -> &dyn Authenticator {
        &*self.0.parts.authenticator
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    pub(crate) fn random(&self) -> &Random {
        &self.0.parts.random
    }

    pub(crate) fn registry(&self) -> &Metrics {
        &self.0.parts.metrics
    }

    pub(crate) fn options(&self) -> &ApiOptions {
        &self.0.options
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    pub(crate) fn served(&self) -> &[Served] {
        &self.0.served
    }

    pub(crate) fn collections(&self) -> &[&'static str] {
        &self.0.collections
    }

    pub(crate) fn metrics(&self) -> &ApiMetrics {
        &self.0.metrics
    }

    pub(crate) fn openapi(&self) -> Bytes {
        self.0.openapi.clone()
    }

    /// The attributes of a resource that this server knows.
    pub(crate) fn enabled(&self, decl: &ResourceDecl) -> AttrSet {
        self.extensions().attributes(decl)
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiParts")
            .field("authenticator", &self.authenticator)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
