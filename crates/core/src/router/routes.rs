//! The static routes of a router.

use nucleon_db::Tx;
use nucleon_model::{HostRoute, PyText, Router, RouterDraft, WantedGateway};

use super::attached::{Attached, Reach};
use crate::entity::{self, Entity as _};
use crate::quota::ROUTER_ROUTE;
use crate::{Caller, Core, Error, Result};

/// Gives a router these routes, if its project may have so many.
pub(super) async fn replace(
    core: &Core,
    tx: &mut Tx,
    router: &mut Router,
    routes: Vec<HostRoute>,
) -> Result<()> {
    if !routes.is_empty() {
        let attached = Attached::load(tx, router.id).await?;
        check(&routes, &attached.reach(|_| true))?;
        core.check_quota(tx, &router.project_id, ROUTER_ROUTE, routes.len()).await?;
    }
    router.routes = routes;
    Ok(())
}

/// Refuses a change of the gateway that would leave routes behind. What the new gateway's network reaches counts.
pub(super) fn check_beside_gateway(
    router: &Router,
    attached: &Attached,
    wanted: Option<&WantedGateway>,
) -> Result<()> {
    if router.routes.is_empty() {
        return Ok(());
    }
    let mut reach = attached.reach(|port| Some(port.id) != router.gw_port_id);
    let outside = wanted.map(|wanted| attached.on(wanted.network_id)).unwrap_or_default();
    reach.prefixes.extend(outside.iter().filter_map(|subnet| subnet.cidr));
    if reach.prefixes.is_empty() {
        // As Neutron has it: with nothing else to go by, what there is now is good enough.
        reach = attached.reach(|_| true);
    }
    check(&router.routes, &reach)
}

/// Refuses routes whose next hop the router does not reach, or is itself.
fn check(routes: &[HostRoute], reach: &Reach) -> Result<()> {
    for route in routes {
        if !reach.prefixes.iter().any(|prefix| prefix.contains(&route.nexthop)) {
            return Err(invalid(routes, "the nexthop is not connected with router"));
        }
        if reach.addresses.contains(&route.nexthop) {
            return Err(invalid(routes, "the nexthop is used by router"));
        }
    }
    Ok(())
}

fn invalid(routes: &[HostRoute], reason: &str) -> Error {
    let routes = serde_json::to_value(routes).unwrap_or_default();
    Error::invalid(
        "InvalidRoutes",
        format!("Invalid format for routes: {}, {reason}", PyText(&routes)),
    )
}

/// Routes that are there already are there once.
fn with(mut routes: Vec<HostRoute>, more: &[HostRoute]) -> Vec<HostRoute> {
    for route in more {
        if !routes.contains(route) {
            routes.push(*route);
        }
    }
    routes
}

/// Routes that are not there are gone already.
fn without(mut routes: Vec<HostRoute>, gone: &[HostRoute]) -> Vec<HostRoute> {
    routes.retain(|route| !gone.contains(route));
    routes
}

/// What becomes of routes by a request that names some.
type Edit = fn(Vec<HostRoute>, &[HostRoute]) -> Vec<HostRoute>;

impl Core {
    /// Adds routes to those of a router.
    pub async fn router_routes_add(
        &self,
        caller: &Caller,
        id: &str,
        draft: RouterDraft,
    ) -> Result<Router> {
        self.router_routes_edit(caller, id, ("add_extraroutes", with), draft).await
    }

    /// Takes routes away from those of a router.
    pub async fn router_routes_remove(
        &self,
        caller: &Caller,
        id: &str,
        draft: RouterDraft,
    ) -> Result<Router> {
        self.router_routes_edit(caller, id, ("remove_extraroutes", without), draft).await
    }

    async fn router_routes_edit(
        &self,
        caller: &Caller,
        id: &str,
        (action, edit): (&'static str, Edit),
        draft: RouterDraft,
    ) -> Result<Router> {
        let routes = draft.routes.value().unwrap_or_default();
        let input = (caller.clone(), entity::parse::<Router>(id)?, routes, self.now());
        self.write(action, input, move |core, tx, (caller, key, routes, now)| {
            Box::pin(async move {
                let before: Router = entity::load_for(&core, tx, &caller, key, action).await?;
                let mut after = before.clone();
                let routes = edit(before.routes.clone(), &routes);
                replace(&core, tx, &mut after, routes).await?;
                entity::store_changed(&core, tx, &caller, &before, &mut after, now).await?;
                Router::complete(&core, tx, &caller, std::slice::from_mut(&mut after)).await?;
                Ok(after)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(destination: &str, nexthop: &str) -> HostRoute {
        HostRoute { destination: destination.parse().unwrap(), nexthop: nexthop.parse().unwrap() }
    }

    #[test]
    fn routes_are_added_once_and_removed_where_they_are() {
        let (a, b) = (route("10.1.0.0/24", "10.0.0.2"), route("10.2.0.0/24", "10.0.0.2"));
        assert_eq!(with(vec![a], &[a, b]), [a, b]);
        assert_eq!(without(vec![a, b], &[b, route("10.3.0.0/24", "10.0.0.2")]), [a]);
    }

    #[test]
    fn the_next_hop_is_within_reach_and_somebody_else() {
        let reach = Reach {
            prefixes: vec!["10.0.0.0/24".parse().unwrap()],
            addresses: vec!["10.0.0.1".parse().unwrap()],
        };
        assert!(check(&[route("8.8.8.0/24", "10.0.0.2")], &reach).is_ok());
        let far = check(&[route("8.8.8.0/24", "10.9.0.2")], &reach).unwrap_err();
        assert_eq!(
            far.message(),
            "Invalid format for routes: [{'destination': '8.8.8.0/24', 'nexthop': '10.9.0.2'}], \
             the nexthop is not connected with router"
        );
        let own = check(&[route("8.8.8.0/24", "10.0.0.1")], &reach).unwrap_err();
        assert!(own.message().ends_with("the nexthop is used by router"));
    }
}
