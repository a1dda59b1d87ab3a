//! Filters of a list as conditions.

use nucleon_model::{Cell, CellKind, Filter, FixedIpFilter, TagFilter};
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr};

use super::Listing;
use crate::resource::value_of;

/// What a filter asks for; `None` where nothing can meet it.
pub(super) fn condition<R: Listing>(filter: &Filter, viewer: Option<&str>) -> Option<SimpleExpr> {
    match filter {
        Filter::Attribute { index, values } => {
            let attribute = R::DECL.attributes.get(*index)?;
            // `tenant_id` is asked for as the attribute that it mirrors.
            let attribute = match attribute.mirrors {
                Some(name) => R::DECL.find(name)?.1,
                None => attribute,
            };
            let plain = || attribute.column.map(|(column, kind)| one_of(column, kind, values));
            R::special(attribute, values, viewer).or_else(plain)
        }
        Filter::FixedIps(wanted) => Some(fixed_ips(wanted)),
        Filter::Tags(mode, tags) => Some(tagged(*mode, tags)),
    }
}

pub(crate) fn one_of(column: &'static str, kind: CellKind, values: &[Cell]) -> SimpleExpr {
    Expr::col(Alias::new(column)).is_in(values.iter().map(|cell| value_of(cell.clone(), kind)))
}

pub(crate) fn in_subquery(column: &'static str, query: SelectStatement) -> SimpleExpr {
    Expr::col(Alias::new(column)).in_subquery(query)
}

/// Ports with an address that meets all kinds of condition given, each kind by one of its values.
fn fixed_ips(wanted: &[FixedIpFilter]) -> SimpleExpr {
    let mut addresses = Vec::new();
    let mut subnets = Vec::new();
    let mut parts = Cond::any();
    for filter in wanted {
        match filter {
            FixedIpFilter::Address(address) => addresses.push(address.to_string()),
            FixedIpFilter::Subnet(id) => subnets.push(id.to_string()),
            FixedIpFilter::Substring(part) => {
                // Not the backslash, which MariaDB takes for an escape in the clause itself.
                let pattern = part.replace('|', "||").replace('%', "|%").replace('_', "|_");
                let like = sea_query::LikeExpr::new(format!("%{pattern}%")).escape('|');
                parts = parts.add(Expr::col(Alias::new("ip_address")).like(like));
            }
        }
    }
    let mut query = Query::select();
    query.column(Alias::new("port_id")).from(Alias::new("ip_allocations"));
    if !addresses.is_empty() {
        query.and_where(Expr::col(Alias::new("ip_address")).is_in(addresses));
    }
    if !subnets.is_empty() {
        query.and_where(Expr::col(Alias::new("subnet_id")).is_in(subnets));
    }
    if !parts.is_empty() {
        query.cond_where(parts);
    }
    in_subquery("id", query)
}

fn tagged(mode: TagFilter, tags: &[String]) -> SimpleExpr {
    let mut query = Query::select();
    query
        .column(Alias::new("object_id"))
        .from(Alias::new("tags"))
        .and_where(Expr::col(Alias::new("tag")).is_in(tags.iter().cloned()));
    if matches!(mode, TagFilter::All | TagFilter::NotAll) {
        let distinct: std::collections::BTreeSet<&String> = tags.iter().collect();
        query.group_by_col(Alias::new("object_id"));
        query.and_having(
            Func::count(Expr::col(Alias::new("tag")))
                .eq(i64::try_from(distinct.len()).unwrap_or(i64::MAX)),
        );
    }
    let id = Expr::col(Alias::new("id"));
    match mode {
        TagFilter::All | TagFilter::Any => id.in_subquery(query),
        TagFilter::NotAll | TagFilter::NotAny => id.not_in_subquery(query),
    }
}
