//! Service providers: the drivers that carry routers, under the names that clients know.

use crate::{Caller, Core, Error, Result};

/// A driver of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceProvider {
    pub service_type: &'static str,
    pub name: &'static str,
    /// As service profiles name it.
    pub driver: &'static str,
    /// Whether it is taken where nobody names one.
    pub default: bool,
    /// What routers it carries: on each host.
    pub distributed: bool,
    /// And on several hosts that stand in for one another.
    pub ha: bool,
}

macro_rules! provider {
    ($name:literal, $driver:literal, $distributed:literal, $ha:literal) => {
        ServiceProvider {
            service_type: "L3_ROUTER_NAT",
            name: $name,
            driver: concat!("neutron.services.l3_router.service_providers.", $driver),
            default: false,
            distributed: $distributed,
            ha: $ha,
        }
    };
}

/// Drivers go by the names that they have in Neutron: scripts of operators make service profiles with them.
const PROVIDERS: &[ServiceProvider] = &[
    provider!("dvrha", "dvrha.DvrHaDriver", true, true),
    provider!("dvr", "dvr.DvrDriver", true, false),
    provider!("ha", "ha.HaDriver", false, true),
    provider!("single_node", "single_node.SingleNodeDriver", false, false),
];

impl Core {
    /// All of them, or none for whom policy shows none.
    pub fn service_providers(&self, caller: &Caller) -> &'static [ServiceProvider] {
        self.permit(caller, "get_service_provider").map_or(&[], |()| PROVIDERS)
    }
}

impl ServiceProvider {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }

    /// # Errors
    /// That nobody provides such a driver.
    pub(crate) fn of_driver(driver: &str) -> Result<&'static Self> {
        PROVIDERS.iter().find(|provider| provider.driver == driver).ok_or_else(|| {
            Error::new(
                crate::Kind::NotFound,
                "ServiceProfileDriverNotFound",
                format!("Service Profile driver {driver} could not be found."),
            )
        })
    }

    /// The first thing asked of a router that this provider does not carry, and how it was asked.
    pub(crate) fn lacks(
        &self,
        distributed: Option<bool>,
        ha: Option<bool>,
    ) -> Option<(&'static str, bool)> {
        let asked = [("distributed", distributed, self.distributed), ("ha", ha, self.ha)];
        asked.into_iter().find_map(|(name, asked, carried)| {
            asked.filter(|asked| *asked != carried).map(|asked| (name, asked))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_carries_one_kind_of_router() {
        let dvr = ServiceProvider::named("dvr").unwrap();
        assert_eq!(dvr.lacks(None, None), None);
        assert_eq!(dvr.lacks(Some(true), Some(false)), None);
        assert_eq!(dvr.lacks(Some(false), Some(true)), Some(("distributed", false)));
        assert_eq!(dvr.lacks(None, Some(true)), Some(("ha", true)));
        assert_eq!(ServiceProvider::of_driver(dvr.driver).unwrap(), dvr);
        assert!(ServiceProvider::of_driver("").is_err());
    }
}
