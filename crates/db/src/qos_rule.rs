//! Rules of QoS policies in the store: a table for each kind.

use nucleon_model::{
    BandwidthLimitRule, DscpMarkingRule, MinimumBandwidthRule, MinimumPacketRateRule,
    PacketRateLimitRule, QosPolicyId, QosRule, QosRuleKind,
};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

macro_rules! listed {
    ($($rule:ty)*) => {$(
        impl Listing for $rule {
            fn visible_to(_: Option<&str>) -> Visible {
                // They are listed under their policy, which the viewer has been found to see.
                Visible::Everything
            }
        }
    )*};
}

listed! {
    BandwidthLimitRule DscpMarkingRule MinimumBandwidthRule MinimumPacketRateRule PacketRateLimitRule
}

/// The rules of policies, of all kinds, in the order of the kinds. One question, however many.
pub async fn qos_rule_list_of(tx: &mut Tx, policies: &[QosPolicyId]) -> Result<Vec<QosRule>> {
    let ids: Vec<String> = policies.iter().map(ToString::to_string).collect();
    let mut rules = Vec::new();
    for chunk in ids.chunks(resource::CHUNK / QosRuleKind::ALL.len()) {
        let mut parts =
            (0..).zip(QosRuleKind::ALL).map(|(place, kind)| rules_of_kind(place, kind, chunk));
        let Some(mut query) = parts.next() else { continue };
        for part in parts {
            query.union(UnionType::All, part);
        }
        for row in tx.fetch_all(&query).await? {
            let place = usize::try_from(row.get::<i64>("kind")?).unwrap_or_default();
            let Some(&kind) = QosRuleKind::ALL.get(place) else { continue };
            rules.push(QosRule {
                id: row.parse("id")?,
                qos_policy_id: row.parse("qos_policy_id")?,
                kind,
                number: row.get("number")?,
                burst: row.get("burst")?,
                direction: row.get::<String>("direction")?.parse().ok(),
            });
        }
    }
    rules.sort_unstable_by_key(|rule| (rule.kind, rule.id));
    Ok(rules)
}

fn rules_of_kind(place: i64, kind: QosRuleKind, policies: &[String]) -> SelectStatement {
    let named = |name: &'static str| Expr::col(Alias::new(name));
    let mut query = Query::select();
    query
        .expr_as(Expr::val(place), Alias::new("kind"))
        .columns(["id", "qos_policy_id"].map(Alias::new))
        .expr_as(named(kind.number()), Alias::new("number"))
        .expr_as(kind.burst().map_or_else(|| Expr::val(0i64), named), Alias::new("burst"));
    let direction = if kind.is_directed() { named("direction") } else { Expr::val("") };
    query
        .expr_as(direction, Alias::new("direction"))
        .from(Alias::new(kind.table()))
        .and_where(named("qos_policy_id").is_in(policies.iter().map(String::as_str)));
    query
}
