//! Address scopes in the store.

use nucleon_model::{AddressScope, Attribute, Cell};
use sea_query::SimpleExpr;

use crate::list::{Listing, Visible};
use crate::rbac::is_shared_as;

/// `rbac_policies.object_type` of address scopes.
pub const OBJECT_TYPE: &str = "address_scope";

impl Listing for AddressScope {
    fn special(attribute: &Attribute, values: &[Cell], viewer: Option<&str>) -> Option<SimpleExpr> {
        (attribute.name == "shared").then(|| is_shared_as(values, viewer, OBJECT_TYPE))
    }

    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and_shared::<Self>(project, OBJECT_TYPE)
    }
}
