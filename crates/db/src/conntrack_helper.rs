//! Conntrack helpers in the store.

use nucleon_model::{ConntrackHelper, RouterId};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

/// Name of the unique key over router, protocol, port and helper.
pub const HELPER_KEY: &str = "conntrack_helpers_router_uq";

impl Listing for ConntrackHelper {
    fn visible_to(_: Option<&str>) -> Visible {
        // They are listed under their router, which the viewer has been found to see.
        Visible::Everything
    }
}

/// The helpers of routers.
pub async fn conntrack_helper_list_of(
    tx: &mut Tx,
    routers: &[RouterId],
) -> Result<Vec<ConntrackHelper>> {
    let ids = routers.iter().map(ToString::to_string).collect();
    resource::by_chunks(tx, "router_id", ids).await
}
