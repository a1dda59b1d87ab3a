//! Rules of QoS policies: the five kinds are one thing here.

use nucleon_db::{Listing, Tx, qos_rule as store};
use nucleon_model::{
    Aliased, BandwidthLimitRule, DscpMarkingRule, HasAlias, MinimumBandwidthRule,
    MinimumPacketRateRule, PacketRateLimitRule, QosDirection, QosPolicy, QosPolicyId, QosRule,
    QosRuleKind, RuleOfKind, Timestamp,
};

use crate::child::{self, Child};
use crate::entity::{self, Entity, Place};
use crate::qos_policy::check_rule;
use crate::{Caller, Core, Error, Kind, Noun, Operations, Precondition, Result};

/// A kind of rules that is served.
pub(crate) trait Served: RuleOfKind + Listing {}

impl Served for BandwidthLimitRule {}
impl Served for DscpMarkingRule {}
impl Served for MinimumBandwidthRule {}
impl Served for MinimumPacketRateRule {}
impl Served for PacketRateLimitRule {}

impl<T: Served> Child for T {
    type Parent = QosPolicy;

    const PARENT_COLUMN: &'static str = "qos_policy_id";

    const FORBIDS_FIRST: bool = true;

    fn parent_id(&self) -> QosPolicyId {
        self.policy_id()
    }

    fn set_parent_id(&mut self, id: QosPolicyId) {
        self.set_policy_id(id);
    }

    fn missing_under(policy: QosPolicyId, id: &str) -> Error {
        let message = format!("QoS rule {id} for policy {policy} could not be found.");
        Error::new(Kind::NotFound, "QosRuleNotFound", message)
    }
}

impl<T: Served> Entity for T {
    const OPERATIONS: Operations = Operations::PLAIN.union(Operations::BULK);

    fn of(draft: &T::Draft) -> Self {
        T::asked(draft)
    }

    async fn load_parents(tx: &mut Tx, rules: &mut [Self]) -> Result<()> {
        child::load_parents(tx, rules).await
    }

    /// The policy is held, so that no two requests both find that theirs fits.
    async fn prepare(&mut self, core: &Core, tx: &mut Tx, _: &Caller, _: &T::Draft) -> Result<()> {
        fit(core, tx, &self.rule()).await
    }

    async fn created(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        entity::touch::<QosPolicy>(tx, caller, self.policy_id(), now).await
    }

    async fn change(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: T::Draft,
    ) -> Result<()> {
        entity::touch::<QosPolicy>(tx, caller, self.policy_id(), core.now()).await?;
        self.take(draft);
        fit(core, tx, &self.rule()).await
    }

    async fn release(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        check_rule(core, tx, self.policy_id(), &self.rule()).await?;
        entity::touch::<QosPolicy>(tx, caller, self.policy_id(), now).await
    }
}

/// Whether a rule, new or changed, fits the others of its policy, and the ports under it.
async fn fit(core: &Core, tx: &mut Tx, rule: &QosRule) -> Result<()> {
    let mut others = store::qos_rule_list_of(tx, &[rule.qos_policy_id]).await?;
    others.retain(|other| other.id != rule.id);
    check_numbers(rule, &others)?;
    check_directions(rule, &others)?;
    check_alone(rule, &others)?;
    check_rule(core, tx, rule.qos_policy_id, rule).await
}

fn conflict(rule: &QosRule, value: &str, existing: QosRuleKind, held: &str) -> Error {
    Error::conflict(
        "QoSRuleParameterConflict",
        format!(
            "Unable to add the rule with value {value} to the policy {} as the existing rule of type {existing} has value {held}.",
            rule.qos_policy_id
        ),
    )
}

/// No more may be promised than is let through.
fn check_numbers(rule: &QosRule, others: &[QosRule]) -> Result<()> {
    use QosRuleKind::{BandwidthLimit, MinimumBandwidth};
    let contradicts = |other: &&QosRule| {
        other.direction == rule.direction
            && match (rule.kind, other.kind) {
                (BandwidthLimit, MinimumBandwidth) => other.number > rule.number,
                (MinimumBandwidth, BandwidthLimit) => other.number < rule.number,
                _ => false,
            }
    };
    match others.iter().find(contradicts) {
        None => Ok(()),
        Some(other) => {
            let (value, held) = (rule.number.to_string(), other.number.to_string());
            Err(conflict(rule, &value, other.kind, &held))
        }
    }
}

/// Packets are promised for each direction or for both together.
fn check_directions(rule: &QosRule, others: &[QosRule]) -> Result<()> {
    if rule.kind != QosRuleKind::MinimumPacketRate {
        return Ok(());
    }
    let any = |rule: &QosRule| rule.direction == Some(QosDirection::Any);
    let mixes = |other: &&QosRule| other.kind == rule.kind && any(other) != any(rule);
    let word = |rule: &QosRule| rule.direction.unwrap_or_default().as_str();
    match others.iter().find(mixes) {
        None => Ok(()),
        Some(other) => Err(conflict(rule, word(rule), other.kind, word(other))),
    }
}

/// A policy has one rule of a kind for each direction.
fn check_alone(rule: &QosRule, others: &[QosRule]) -> Result<()> {
    let same = |other: &&QosRule| (other.kind, other.direction) == (rule.kind, rule.direction);
    match others.iter().find(same) {
        None => Ok(()),
        Some(other) => Err(Error::conflict(
            "QoSRulesConflict",
            format!(
                "Rule {} conflicts with rule {} which already exists in QoS Policy {}.",
                rule.kind, other.id, rule.qos_policy_id
            ),
        )),
    }
}

/// At its own address a rule goes by rules of policy of their own; whatever its policy.
#[derive(Debug, Clone, Copy)]
struct OwnAddress;

impl<T: Served + HasAlias> Place<T> for OwnAddress {
    fn holds(&self, _: &T) -> bool {
        true
    }

    fn authorise_update(
        &self,
        core: &Core,
        caller: &Caller,
        draft: &T::Draft,
        rule: &T,
    ) -> Result<()> {
        core.authorise_update(caller, draft, &Aliased(rule.clone()))
    }

    fn authorise_delete(&self, core: &Core, caller: &Caller, rule: &T) -> Result<()> {
        core.authorise_delete(caller, &Aliased(rule.clone()))
    }
}

impl<T: Served + HasAlias> Noun for Aliased<T> {
    const OPERATIONS: Operations =
        Operations::SHOW.union(Operations::UPDATE).union(Operations::DELETE);

    fn key(&self) -> String {
        self.0.key()
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let rule = entity::find::<T>(core, caller, id).await?.map(Self);
        let seen = rule.filter(|rule| core.sees(caller, rule));
        seen.ok_or_else(|| Error::not_found(T::DECL, id))
    }

    async fn update(
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: T::Draft,
        precondition: Precondition,
    ) -> Result<Self> {
        entity::update::<T>(core, caller, id, draft, precondition, OwnAddress).await.map(Self)
    }

    async fn delete(
        core: &Core,
        caller: &Caller,
        id: &str,
        precondition: Precondition,
    ) -> Result<()> {
        entity::delete::<T>(core, caller, id, precondition, OwnAddress).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: QosRuleKind, number: i64, direction: Option<QosDirection>) -> QosRule {
        let (id, qos_policy_id) = Default::default();
        QosRule { id, qos_policy_id, kind, number, burst: 0, direction }
    }

    #[test]
    fn a_promise_and_a_limit_agree_in_their_direction() {
        let (egress, ingress) = (Some(QosDirection::Egress), Some(QosDirection::Ingress));
        let limit = rule(QosRuleKind::BandwidthLimit, 100, egress);
        let promise = |number, direction| rule(QosRuleKind::MinimumBandwidth, number, direction);
        assert!(check_numbers(&promise(100, egress), &[limit]).is_ok());
        assert!(check_numbers(&promise(101, ingress), &[limit]).is_ok());
        let error = check_numbers(&promise(101, egress), &[limit]).unwrap_err();
        assert_eq!(error.name(), "QoSRuleParameterConflict");
        assert!(error.message().ends_with("existing rule of type bandwidth_limit has value 100."));
        assert!(check_numbers(&limit, &[promise(101, egress)]).is_err());
    }

    #[test]
    fn packets_are_promised_in_one_way() {
        let promise = |direction| rule(QosRuleKind::MinimumPacketRate, 1, Some(direction));
        let (any, egress) = (promise(QosDirection::Any), promise(QosDirection::Egress));
        assert!(check_directions(&egress, &[promise(QosDirection::Ingress)]).is_ok());
        assert!(check_directions(&any, &[egress]).is_err());
        assert!(check_directions(&egress, &[any]).is_err());
    }

    #[test]
    fn a_policy_marks_once_and_limits_once_in_a_direction() {
        let mark = rule(QosRuleKind::DscpMarking, 8, None);
        assert!(check_alone(&mark, &[mark]).is_err());
        let limit = |direction| rule(QosRuleKind::PacketRateLimit, 8, Some(direction));
        assert!(check_alone(&limit(QosDirection::Egress), &[limit(QosDirection::Ingress)]).is_ok());
        assert!(check_alone(&limit(QosDirection::Egress), &[limit(QosDirection::Egress)]).is_err());
    }
}
