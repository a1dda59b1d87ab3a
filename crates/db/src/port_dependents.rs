//! What rests on a port, and has a say or a part when it goes.

use bitflags::bitflags;
use nucleon_model::PortId;
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType};

use crate::error::Result;
use crate::tx::Tx;

bitflags! {
    /// Kinds of things that rest on a port.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Dependents: u8 {
        /// Floating IPs that lead to it, as a whole or by single ports of theirs.
        const FLOATING_IP = 1;
        /// Routers that answer for an address of it.
        const NDP_PROXY = 1 << 1;
        /// Logs of its packets.
        const LOG = 1 << 2;
        /// A local IP whose address it has.
        const LOCAL_IP = 1 << 3;
        /// Local IPs that it answers.
        const LOCAL_IP_ASSOCIATION = 1 << 4;
    }
}

/// Where they lie: table, and column with the port.
const RESTING: &[(Dependents, &str, &str)] = &[
    (Dependents::FLOATING_IP, "floatingips", "port_id"),
    (Dependents::FLOATING_IP, "port_forwardings", "internal_port_id"),
    (Dependents::NDP_PROXY, "ndp_proxies", "port_id"),
    (Dependents::LOG, "logs", "target_id"),
    (Dependents::LOCAL_IP, "local_ips", "local_port_id"),
    (Dependents::LOCAL_IP_ASSOCIATION, "local_ip_associations", "fixed_port_id"),
];

/// What rests on a port. One question, each part of it by a key.
pub async fn port_dependents(tx: &mut Tx, port: PortId) -> Result<Dependents> {
    let part = |&(kind, table, column): &(Dependents, &'static str, &'static str)| {
        let mut query = Query::select();
        query
            .expr_as(Expr::val(i64::from(kind.bits())), Alias::new("kind"))
            .from(Alias::new(table))
            .and_where(Expr::col(Alias::new(column)).eq(port.to_string()));
        query
    };
    let mut parts = RESTING.iter().map(part);
    let Some(mut query): Option<SelectStatement> = parts.next() else {
        return Ok(Dependents::empty());
    };
    for part in parts {
        query.union(UnionType::Distinct, part);
    }
    let mut dependents = Dependents::empty();
    for row in tx.fetch_all(&query).await? {
        let kind = u8::try_from(row.at::<i64>(0)?).unwrap_or_default();
        dependents |= Dependents::from_bits_truncate(kind);
    }
    Ok(dependents)
}
