//! Floating IP pools: who sees which subnets of networks outside.

use nucleon_model::FloatingIpPool;
use sea_query::{Alias, Cond, Expr, ExprTrait};

use crate::list::{Listing, Visible, among, ids_where, in_subquery};
use crate::network::{on_networks_of, on_networks_open_to};

impl Listing for FloatingIpPool {
    /// IPv4 subnets of networks outside that the viewer sees.
    fn visible_to(project: Option<&str>) -> Visible {
        let external = Expr::col(Alias::new("external")).eq(true);
        let outside = Cond::all()
            .add(Expr::col(Alias::new("ip_version")).eq(4i64))
            .add(in_subquery("network_id", ids_where("networks", external)));
        Visible::Where(match project {
            Some(project) => outside
                .add(among([on_networks_of(TABLE, project), on_networks_open_to(TABLE, project)])),
            None => outside,
        })
    }
}

const TABLE: &str = "subnets";
