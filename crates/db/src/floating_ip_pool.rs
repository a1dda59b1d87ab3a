//! Floating IP pools: who sees which subnets of networks outside.

use nucleon_model::{FloatingIpPool, Resource as _};
use sea_query::{Alias, Cond, Expr, ExprTrait};

use crate::list::{Listing, Visible, ids_where, in_subquery};
use crate::network::{is_on_network_of, is_on_network_open_to};

impl Listing for FloatingIpPool {
    /// IPv4 subnets of networks outside that the viewer sees.
    fn visible_to(project: Option<&str>) -> Visible {
        let external = Expr::col(Alias::new("external")).eq(true);
        let outside = Expr::col(Alias::new("ip_version"))
            .eq(4i64)
            .and(in_subquery("network_id", ids_where("networks", external)));
        let Some(project) = project else { return Visible::Where(Cond::all().add(outside)) };
        let seen = [is_on_network_of(project), is_on_network_open_to(project)];
        Visible::AnyOf {
            table: Self::DECL.table,
            conditions: seen.map(|seen| outside.clone().and(seen)).into(),
        }
    }
}
