//! Floating IP pools: who sees which subnets of networks outside.

use nucleon_model::FloatingIpPool;
use sea_query::{Alias, Cond, Expr, ExprTrait, Query, SimpleExpr};

use crate::list::{Listing, Visible};
use crate::network::{way_of_network, way_of_opening};

impl Listing for FloatingIpPool {
    /// IPv4 subnets of networks outside that the viewer sees.
    fn visible_to(project: Option<&str>) -> Visible {
        let of = Cond::all().add(Expr::col((Alias::new(TABLE), Alias::new("ip_version"))).eq(4i64));
        let Some(project) = project else {
            return Visible::Where(of.add(of_network_outside((TABLE, "network_id"))));
        };
        // Outside is asked of the networks that are seen: beside them, a list would be made of everybody's.
        let own = way_of_network(project).and(is_outside());
        let open = way_of_opening("network_id", project)
            .and(of_network_outside(("rbac_policies", "object_id")));
        Visible::AnyOf { table: TABLE, ways: vec![own, open], of }
    }
}

const TABLE: &str = "subnets";

fn is_outside() -> SimpleExpr {
    Expr::col((Alias::new("networks"), Alias::new("external"))).eq(true)
}

/// Whether the network that a column names is outside.
fn of_network_outside(column: (&'static str, &'static str)) -> SimpleExpr {
    let id = (Alias::new("networks"), Alias::new("id"));
    let mut outside = Query::select();
    outside
        .column(id.clone())
        .from(Alias::new("networks"))
        .and_where(Expr::col(id).equals(column))
        .and_where(is_outside());
    Expr::exists(outside)
}
