//! Address groups in the store.

use nucleon_model::{AddressGroup, AddressGroupId};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

/// `rbac_policies.object_type` of address groups.
pub const OBJECT_TYPE: &str = "address_group";

impl Listing for AddressGroup {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and_shared::<Self>(project, OBJECT_TYPE)
    }
}

/// The groups among these that are there.
pub async fn address_group_get_all(
    tx: &mut Tx,
    ids: &[AddressGroupId],
) -> Result<Vec<AddressGroup>> {
    resource::get_all(tx, ids.iter().map(ToString::to_string).collect()).await
}
