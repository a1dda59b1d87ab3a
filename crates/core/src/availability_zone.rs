//! Availability zones: what the API shows of them, and what requests may hint at.

use nucleon_db::{Tx, availability_zone as store};
use nucleon_model::{AgentType, AvailabilityZone, Cell, Filter, ListQuery, Page, Resource};

use crate::page::cut;
use crate::{Caller, Core, Error, Noun, Operations, Result};

impl Noun for AvailabilityZone {
    const OPERATIONS: Operations = Operations::LIST;

    /// The same name may be of a zone for networks and of one for routers.
    fn key(&self) -> String {
        format!("{}/{}", self.name, self.resource)
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        let found = core.store().read(|tx| {
            Box::pin(async move { Ok::<_, Error>(store::availability_zone_list(tx).await?) })
        });
        let mut zones = found.await?;
        for zone in &mut zones {
            caller.project_id().clone_into(&mut zone.project_id);
        }
        let viewing = core.viewing::<Self>(caller);
        zones.retain(|zone| {
            viewing.sees(zone) && query.filters.iter().all(|filter| passes(zone, filter))
        });
        Ok(match &query.page {
            Some(page) => paged(zones, page),
            None => zones,
        })
    }
}

fn missing(name: impl std::fmt::Display) -> Error {
    Error::not_found(AvailabilityZone::DECL, name)
}

/// Whether a filter lets a zone through.
fn passes(zone: &AvailabilityZone, filter: &Filter) -> bool {
    let Filter::Attribute { index, values } = filter else { return false };
    let attribute = AvailabilityZone::DECL.attributes.get(*index);
    let value = match attribute.map(|attribute| attribute.name) {
        Some("name") => &zone.name,
        Some("resource") => &zone.resource,
        Some("state") => &zone.state,
        _ => return false,
    };
    values.iter().any(|wanted| matches!(wanted, Cell::Text(text) if text == value))
}

/// A page of zones, which are in the order of their keys.
fn paged(zones: Vec<AvailabilityZone>, page: &Page) -> Vec<AvailabilityZone> {
    let marker = page.marker.as_deref().map(|marker| {
        let (name, resource) = marker.rsplit_once('/').unwrap_or((marker, ""));
        (name.to_owned(), resource.to_owned())
    });
    cut(zones, page, marker, |zone| (zone.name.clone(), zone.resource.clone()))
}

/// Refuses hints at zones in which no agent of a type is, dead or alive.
pub(crate) async fn check_hints(tx: &mut Tx, carrier: AgentType, hints: &[String]) -> Result<()> {
    let known = store::availability_zones_known(tx, carrier, hints).await?;
    match hints.iter().find(|hint| !known.contains(*hint)) {
        Some(unknown) => Err(missing(unknown)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(marker: Option<&str>, limit: u64, reverse: bool) -> Vec<String> {
        let made = |kind, name| AvailabilityZone::made_by(kind, name, true);
        let zones = [made("DHCP agent", "a"), made("L3 agent", "a"), made("DHCP agent", "a/b")];
        let page = Page { limit, marker: marker.map(str::to_owned), reverse };
        paged(zones.into_iter().flatten().collect(), &page).iter().map(Noun::key).collect()
    }

    #[test]
    fn pages_of_zones_follow_one_another_and_end() {
        assert_eq!(keys(None, 2, false), ["a/network", "a/router"]);
        assert_eq!(keys(Some("a/router"), 2, false), ["a/b/network"]);
        assert!(keys(Some("a/b/network"), 2, false).is_empty());
        assert_eq!(keys(Some("a/b/network"), 1, true), ["a/router"]);
    }
}
