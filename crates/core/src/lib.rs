//! What the API's operations mean: validation, allocation, binding, scheduling, and the seams for drivers.
//!
//! One file per noun, the same noun as in `model`, `db` and `api`. What nearly all have in common is in `entity.rs` (and
//! `child.rs`, for what lives under another noun): a noun says by hooks what is special about it. Nothing here knows of HTTP; nothing here does I/O but
//! through the store. An operation is one transaction: authorise, validate, allocate, bind, write, and say in the
//! outbox what changed for whom.
//!
//! ```text
//!   api ──► Noun::create ──► authorise ► validate ► allocate ► bind ► rows + outbox ──► 201
//!                                                              │
//!                         type, mechanism, IPAM drivers ◄──────┘        (pure, inside the transaction)
//!
//!   agents ◄── hints ◄── journal batches;   agents ──► watch: watch.rs,  report: report.rs
//! ```

mod address_group;
mod address_scope;
mod agent;
mod authorise;
mod auto_allocated_topology;
mod availability_zone;
mod body;
mod caller;
mod change;
mod child;
mod conntrack_helper;
mod default_security_group_rule;
mod dhcp;
pub mod driver;
mod entity;
mod error;
mod flavor;
mod floating_ip;
mod floating_ip_pool;
mod gather;
mod hint;
mod l3;
mod local_ip;
mod log;
mod maintain;
mod metering_label;
mod metering_label_rule;
mod ndp_proxy;
mod network;
mod network_ip_availability;
mod network_segment_range;
mod noun;
mod page;
mod policy;
mod port;
mod port_forwarding;
mod qos_policy;
mod qos_rule;
mod qos_rule_type;
mod quota;
mod rbac_policy;
mod report;
mod router;
mod security_group;
mod security_group_rule;
mod segment;
mod service_profile;
mod service_provider;
mod settings;
mod sharing;
mod statefulness;
mod subnet;
mod subnetpool;
mod tag;
mod trunk;
mod watch;

use std::sync::Arc;

use nucleon_db::{BoxFuture, Store, Tx};
use nucleon_model::{Port, PortId, Timestamp};
use nucleon_obs::{Clock, Random};
use nucleon_policy::Policy;
use uuid::Uuid;

pub use crate::caller::Caller;
pub use crate::child::ChildNoun;
pub use crate::driver::Drivers;
pub use crate::error::{Error, Kind};
pub use crate::noun::{Noun, Operations, Precondition};
pub use crate::policy::{Action, Viewing};
pub use crate::quota::{QuotaLimits, Usage};
pub use crate::service_provider::ServiceProvider;
pub use crate::settings::Settings;
pub use crate::subnetpool::Onboarded;
pub use crate::tag::Tagged;

/// How often an operation starts over when another took its address in the meantime. Of those who meet, one gets through.
const TRIES: usize = 40;

use crate::gather::Gather;
use crate::policy::Rules;

pub type Result<T> = std::result::Result<T, Error>;

/// The control plane: a cheap handle to everything that an operation needs.
#[derive(Debug, Clone)]
pub struct Core(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    settings: Settings,
    drivers: Drivers,
    rules: Rules,
    clock: Clock,
    random: Random,
    heard: report::Heard,
    default_groups: security_group::DefaultGroups,
    ports_shown: Gather<PortId, Port>,
}

impl Core {
    pub fn new(
        store: Store,
        settings: Settings,
        drivers: Drivers,
        policy: Policy,
        clock: Clock,
        random: Random,
    ) -> Self {
        let heard = report::Heard::default();
        let rules = Rules::new(policy);
        let default_groups = security_group::DefaultGroups::default();
        Self(Arc::new(Inner {
            store,
            settings,
            drivers,
            rules,
            clock,
            random,
            heard,
            default_groups,
            ports_shown: Gather::default(),
        }))
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn drivers(&self) -> &Drivers {
        &self.0.drivers
    }

    fn rules(&self) -> &Rules {
        &self.0.rules
    }

    /// The rules in force.
    pub fn policy(&self) -> Policy {
        self.rules().get().policy.clone()
    }

    /// Puts other rules in force.
    pub fn replace_policy(&self, policy: Policy) {
        self.rules().replace(policy);
    }

    /// Finds out what a caller is by the rules about callers: an administrator, a service.
    #[must_use]
    pub fn recognised(&self, caller: &Caller) -> Caller {
        let credentials = self.rules().get().policy.identify(caller.credentials().clone());
        Caller::of(credentials, caller.request_id().to_owned())
    }

    pub fn random(&self) -> &Random {
        &self.0.random
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.clock.now().as_micros())
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn heard(&self) -> &report::Heard {
        &self.0.heard
    }

    fn ports_shown(&self) -> &Gather<PortId, Port> {
        &self.0.ports_shown
    }

    fn default_groups(&self) -> &security_group::DefaultGroups {
        &self.0.default_groups
    }

    pub(crate) fn new_uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.random().bytes()).into_uuid()
    }

    /// One operation in one transaction; `work` may run several times, each time with a copy of `input`: where the
    /// database asks for that, and where another took what this one had chosen ([`Error::collided`]).
    pub(crate) async fn write<I, T, W>(&self, label: &'static str, input: I, work: W) -> Result<T>
    where
        I: Clone + Send + Sync + 'static,
        T: Send + 'static,
        W: for<'t> Fn(Self, &'t mut Tx, I) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let work = Arc::new(work);
        let mut last = Error::collided();
        for _ in 0..TRIES {
            let (core, work, input) = (self.clone(), work.clone(), input.clone());
            let done = self.store().write(label, move |tx| {
                let (core, work, input) = (core.clone(), work.clone(), input.clone());
                Box::pin(async move {
                    let done = work(core.clone(), &mut *tx, input).await?;
                    tx.write_changes()?;
                    core.settle_quotas(tx).await?;
                    tx.together().await?;
                    Ok::<_, Error>(done)
                })
            });
            match done.await {
                Err(error) if error.is_collided() => {
                    tracing::debug!(label, reason = ?error, "collided");
                    last = error;
                    // It may have been with the deletion of a group that was taken for a project's default.
                    self.default_groups().forget_all();
                }
                outcome => return outcome,
            }
        }
        Err(Error::unavailable(last))
    }
}
