//! Which resources are served. A new one is one line.

use axum::Router;
use nucleon_core::{ChildNoun, Noun, Operations, Tagged};
use nucleon_model::{
    self as model, AddressGroup, AddressScope, Agent, Aliased, AvailabilityZone,
    BandwidthLimitRule, ConntrackHelper, DefaultSecurityGroupRule, DscpMarkingRule, Flavor,
    FlavorProfile, FloatingIp, FloatingIpPool, HasAlias, LocalIp, LocalIpAssociation, Log,
    MeteringLabel, MeteringLabelRule, MinimumBandwidthRule, MinimumPacketRateRule, NdpProxy,
    Network, NetworkIpAvailability, NetworkSegmentRange, PacketRateLimitRule, Port, PortBinding,
    PortForwarding, QosPolicy, QosRuleType, RbacPolicy, Resource, ResourceDecl, SecurityGroup,
    SecurityGroupRule, Segment, ServiceProfile, Statefulness, Subnet, SubnetPool, Trunk,
};

use crate::action::{Action, put_draft, put_plain};
use crate::app::Api;
use crate::extensions::Extensions;
use crate::local_ips::ByPort;
use crate::openapi::Special;
use crate::resource::{Door, Top, Under};
use crate::{
    address_groups, auto_allocated_topology, discovery, flavors, loggable_resources, port_bindings,
    quota, resource, scheduler, seam, service_providers, subnetpools, tags, trunks,
};

/// A resource and what can be done with it.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) decl: &'static ResourceDecl,
    pub(crate) operations: Operations,
    /// Of the collection: `/v2.0/routers/{parent}/conntrack_helpers`.
    pub(crate) path: String,
    pub(crate) actions: Vec<Action>,
}

const ADD_INTERFACE: Action =
    Action::put("add_router_interface", "router", "Lead a router to a subnet");
const REMOVE_INTERFACE: Action =
    Action::put("remove_router_interface", "router", "Lead a router no longer to a subnet");
const ADD_ROUTES: Action =
    Action::put("add_extraroutes", "extraroute-atomic", "Add static routes to a router");
const REMOVE_ROUTES: Action =
    Action::put("remove_extraroutes", "extraroute-atomic", "Take static routes from a router");

/// All routes, the resources behind them, and what there is beside resources: of the core API, and of the extensions that
/// are served.
pub(crate) fn all(extensions: &Extensions) -> (Router<Api>, Vec<Served>, Vec<Special>) {
    let resources = Resources::new(extensions)
        .tagged::<Network>()
        .tagged::<Subnet>()
        .tagged::<SubnetPool>()
        .action(subnetpools::ADD, |it| put_plain::<SubnetPool, _, _, _>(it, subnetpools::add))
        .action(subnetpools::REMOVE, |it| put_plain::<SubnetPool, _, _, _>(it, subnetpools::remove))
        .action(subnetpools::ONBOARD, |it| {
            put_plain::<SubnetPool, _, _, _>(it, subnetpools::onboard)
        })
        .tagged::<Port>()
        .own::<PortBinding>("binding-extended", port_bindings::PLACE, port_bindings::routes)
        .action(port_bindings::ACTIVATE, port_bindings::activation)
        .with::<Segment>()
        .with::<Agent>()
        .with::<AvailabilityZone>()
        .with::<AddressScope>()
        .tagged::<NetworkSegmentRange>()
        .known_as::<NetworkSegmentRange>("/v2.0/network_segment_ranges")
        .with::<NetworkIpAvailability>()
        .with::<RbacPolicy>()
        .tagged::<model::Router>()
        .action(ADD_INTERFACE, |action| {
            put_plain::<model::Router, _, _, _>(action, seam::router_interface_add)
        })
        .action(REMOVE_INTERFACE, |action| {
            put_plain::<model::Router, _, _, _>(action, seam::router_interface_remove)
        })
        .action(ADD_ROUTES, |action| put_draft(action, seam::router_routes_add))
        .action(REMOVE_ROUTES, |action| put_draft(action, seam::router_routes_remove))
        .under::<ConntrackHelper>()
        .tagged::<FloatingIp>()
        .under::<PortForwarding>()
        .with::<FloatingIpPool>()
        .also_at::<FloatingIpPool, Top>("/v2.0/floatingip-pools")
        .with::<NdpProxy>()
        .tagged::<SecurityGroup>()
        .with::<SecurityGroupRule>()
        .with::<DefaultSecurityGroupRule>()
        .with::<Statefulness>()
        .with::<AddressGroup>()
        .action(address_groups::ADD, address_groups::add)
        .action(address_groups::REMOVE, address_groups::remove)
        .tagged::<Trunk>()
        .action(trunks::ADD, trunks::add)
        .action(trunks::REMOVE, trunks::remove)
        .action(trunks::GET, trunks::get)
        .with::<MeteringLabel>()
        .with::<MeteringLabelRule>()
        .with::<Flavor>()
        .own::<FlavorProfile>("flavors", flavors::PLACE, flavors::routes)
        .with::<ServiceProfile>()
        .with::<Log>()
        .tagged::<QosPolicy>()
        .tags_at::<QosPolicy>("/v2.0/policies")
        .under::<BandwidthLimitRule>()
        .under::<DscpMarkingRule>()
        .under::<MinimumBandwidthRule>()
        .under::<MinimumPacketRateRule>()
        .also_at::<MinimumPacketRateRule, Under>(
            "/v2.0/qos/policies/{parent}/minimum-packet-rate-rules",
        )
        .under::<PacketRateLimitRule>()
        .aliased::<BandwidthLimitRule>()
        .aliased::<DscpMarkingRule>()
        .aliased::<MinimumBandwidthRule>()
        .aliased::<MinimumPacketRateRule>()
        .with::<QosRuleType>()
        .with::<LocalIp>()
        .also_at::<LocalIp, Top>("/v2.0/local_ips")
        .through::<LocalIpAssociation, ByPort>()
        .also_at::<LocalIpAssociation, ByPort>("/v2.0/local_ips/{parent}/port_associations");
    let mut router = resources.router;
    let mut specials = Vec::new();
    for beside in BESIDE {
        if extensions.find(beside.alias).is_some() {
            router = router.merge((beside.routes)());
            specials.extend_from_slice(beside.described);
        }
    }
    (router, resources.served, specials)
}

/// Addresses that no declared resource stands behind.
struct Beside {
    /// The extension that brings them.
    alias: &'static str,
    routes: fn() -> Router<Api>,
    described: &'static [Special],
}

impl Beside {
    const fn new(
        alias: &'static str,
        routes: fn() -> Router<Api>,
        described: &'static [Special],
    ) -> Self {
        Self { alias, routes, described }
    }
}

const BESIDE: &[Beside] = &[
    Beside::new("dhcp_agent_scheduler", scheduler::dhcp_routes, scheduler::DHCP),
    Beside::new("l3_agent_scheduler", scheduler::l3_routes, scheduler::L3),
    Beside::new("quotas", quota::routes, quota::OPERATIONS),
    Beside::new("flavors", flavors::next_routes, flavors::NEXT),
    Beside::new("logging", loggable_resources::routes, loggable_resources::OPERATIONS),
    Beside::new("service-type", service_providers::routes, service_providers::OPERATIONS),
    Beside::new(
        "auto-allocated-topology",
        auto_allocated_topology::routes,
        auto_allocated_topology::OPERATIONS,
    ),
];

struct Resources<'e> {
    extensions: &'e Extensions,
    router: Router<Api>,
    served: Vec<Served>,
    /// Whether the resource that came last is served.
    open: bool,
}

impl<'e> Resources<'e> {
    fn new(extensions: &'e Extensions) -> Self {
        Self { extensions, router: discovery::routes(), served: Vec::new(), open: false }
    }

    fn with<T: Noun>(self) -> Self {
        self.through::<T, Top>()
    }

    fn tagged<T: Tagged>(self) -> Self {
        let mut resources = self.with::<T>();
        if resources.open {
            resources.router = resources.router.merge(tags::routes::<T>());
        }
        resources
    }

    /// Another address of the same collection, as there are clients that use it.
    fn known_as<T: Tagged>(mut self, path: &str) -> Self {
        self.router = self
            .router
            .merge(resource::routes_at::<T, Top>(path))
            .merge(tags::routes_at::<T>(path));
        self
    }

    /// Another address of the tags of the resource that came last.
    fn tags_at<T: Tagged>(mut self, path: &str) -> Self {
        if self.open {
            self.router = self.router.merge(tags::routes_at::<T>(path));
        }
        self
    }

    /// The rules of a kind at addresses of their own, in both spellings.
    fn aliased<T: HasAlias>(self) -> Self
    where
        Aliased<T>: Noun,
    {
        let spelt = format!("/v2.0/{}", T::ALIAS.path.replace('-', "_"));
        self.with::<Aliased<T>>().also_at::<Aliased<T>, Top>(&spelt)
    }

    /// As [`Self::known_as`], of the resource that came last and has no tags.
    fn also_at<T: Noun, D: Door<T>>(mut self, path: &str) -> Self {
        if self.open {
            self.router = self.router.merge(resource::routes_at::<T, D>(path));
        }
        self
    }

    /// A resource whose handlers are its own.
    fn own<T: Resource>(
        mut self,
        alias: &'static str,
        (path, operations): (&str, Operations),
        routes: fn() -> Router<Api>,
    ) -> Self {
        self.open = self.extensions.find(alias).is_some();
        if self.open {
            self.router = self.router.merge(routes());
            let (path, actions) = (path.to_owned(), Vec::new());
            self.served.push(Served { decl: T::DECL, operations, path, actions });
        }
        self
    }

    /// A resource that lives under another one.
    fn under<T: ChildNoun>(self) -> Self {
        self.through::<T, Under>()
    }

    /// An operation of its own on the resource that came last.
    fn action(mut self, action: Action, routes: impl FnOnce(&Action) -> Router<Api>) -> Self {
        if !self.open || self.extensions.find(action.alias).is_none() {
            return self;
        }
        self.router = self.router.merge(routes(&action));
        if let Some(served) = self.served.last_mut() {
            served.actions.push(action);
        }
        self
    }

    fn through<T: Noun, D: Door<T>>(mut self) -> Self {
        self.open = self.extensions.serve(T::DECL);
        if !self.open {
            return self;
        }
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
    use crate::extensions::Preview;

    /// Operations of their own that go by the rule about changes of their object.
    const CHANGES: &[&str] = &["add_addresses", "remove_addresses"];
    /// Who makes bindings changes them: the defaults have no rule of its own about that.
    const AS_CREATE: &[&str] = &["update_port_binding"];

    #[test]
    fn every_operation_has_a_rule() {
        let policy = Policy::defaults(Options::default());
        let mut missing = Vec::new();
        let extensions = Extensions::new(Preview::Shown);
        for Served { decl, operations, actions, .. } in all(&extensions).1 {
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
                .map(|(_, verb)| format!("{verb}_{}", decl.ruled));
            let own = actions.iter().filter(|action| !CHANGES.contains(&action.name));
            let own = own.map(|action| action.name.to_owned());
            let ruled = |name: &str| policy.rule(name).is_some() || AS_CREATE.contains(&name);
            missing.extend(common.chain(own).filter(|name| !ruled(name)));
        }
        assert!(missing.is_empty(), "no rule decides who may: {missing:?}");
    }
}
