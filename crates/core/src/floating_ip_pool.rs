//! Floating IP pools: lists of the subnets that floating IPs can come from.

use nucleon_db::Listed;
use nucleon_model::{FloatingIpPool, ListQuery, Resource};

use crate::{Caller, Core, Error, Noun, Operations, Result};

impl Noun for FloatingIpPool {
    const OPERATIONS: Operations = Operations::LIST;

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        let listed = core.store().read(|tx| {
            let (query, viewer) = (query.clone(), Core::viewer(caller).map(str::to_owned));
            Box::pin(async move {
                Ok::<_, Error>(nucleon_db::list::<Self>(tx, viewer.as_deref(), &query).await?)
            })
        });
        match listed.await? {
            Listed::Records(mut pools) => {
                let viewing = core.viewing::<Self>(caller);
                for pool in &mut pools {
                    caller.project_id().clone_into(&mut pool.project_id);
                }
                pools.retain(|pool| viewing.sees(pool));
                Ok(pools)
            }
            Listed::NoMarker(id) => Err(Error::not_found(Self::DECL, id)),
        }
    }
}
