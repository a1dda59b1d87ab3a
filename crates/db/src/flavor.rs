//! Flavors in the store, and the service profiles that they are bound to.

use std::collections::BTreeMap;

use nucleon_model::{Flavor, FlavorId, FlavorProfile, Resource, ServiceProfile, ServiceProfileId};
use sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

impl Listing for Flavor {
    fn visible_to(_: Option<&str>) -> Visible {
        // Nobody owns flavors; who may see them, core asks policy about.
        Visible::Everything
    }
}

impl Listing for ServiceProfile {
    fn visible_to(_: Option<&str>) -> Visible {
        // As for flavors.
        Visible::Everything
    }
}

fn is_flavor(flavor: FlavorId) -> SimpleExpr {
    Expr::col(Alias::new("flavor_id")).eq(flavor.to_string())
}

fn is_profile(profile: ServiceProfileId) -> SimpleExpr {
    Expr::col(Alias::new("service_profile_id")).eq(profile.to_string())
}

/// The profiles of flavors, each flavor's in the order of their identifiers.
pub async fn flavor_profiles(
    tx: &mut Tx,
    flavors: &[FlavorId],
) -> Result<BTreeMap<FlavorId, Vec<ServiceProfileId>>> {
    let ids = flavors.iter().map(ToString::to_string).collect();
    let mut found: BTreeMap<FlavorId, Vec<ServiceProfileId>> = BTreeMap::new();
    for bound in resource::by_chunks::<FlavorProfile>(tx, "flavor_id", ids).await? {
        found.entry(bound.flavor_id).or_default().push(bound.id);
    }
    for profiles in found.values_mut() {
        profiles.sort_unstable();
    }
    Ok(found)
}

/// Whether a flavor is bound to a profile.
pub async fn flavor_has_profile(
    tx: &mut Tx,
    flavor: FlavorId,
    profile: ServiceProfileId,
) -> Result<bool> {
    let mut query = resource::select::<FlavorProfile>(tx);
    query.and_where(is_flavor(flavor)).and_where(is_profile(profile));
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Takes a profile from a flavor; tells whether it was bound to it.
pub async fn flavor_profile_unbind(
    tx: &mut Tx,
    flavor: FlavorId,
    profile: ServiceProfileId,
) -> Result<bool> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new(FlavorProfile::DECL.table))
        .and_where(is_flavor(flavor))
        .and_where(is_profile(profile));
    Ok(tx.execute(&delete).await? > 0)
}

/// Whether any flavor is bound to a profile.
pub async fn service_profile_is_bound(tx: &mut Tx, profile: ServiceProfileId) -> Result<bool> {
    let mut query = resource::select::<FlavorProfile>(tx);
    query.and_where(is_profile(profile)).limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}
