//! Rules of metering labels.
//!
//! A rule is its label's: whoever may not see the label can add none, and learns nothing of those that are there.

use std::collections::BTreeSet;

use nucleon_db::{Tx, metering_label_rule as store, resource};
use nucleon_model::{
    Field, MeteredPrefix, MeteringLabel, MeteringLabelId, MeteringLabelRule, MeteringLabelRuleDraft,
};
use nucleon_net::IpNet;

use crate::entity::{self, Entity};
use crate::{Caller, Core, Error, Operations, Result, metering_label};

impl Entity for MeteringLabelRule {
    const OPERATIONS: Operations = metering_label::OPERATIONS;

    fn of(draft: &MeteringLabelRuleDraft) -> Self {
        Self {
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            metering_label_id: draft.metering_label_id.get().copied().unwrap_or_default(),
            direction: draft.direction.get().copied().unwrap_or_default(),
            excluded: draft.excluded.get().copied().unwrap_or_default(),
            remote_ip_prefix: prefix(&draft.remote_ip_prefix),
            source_ip_prefix: prefix(&draft.source_ip_prefix),
            destination_ip_prefix: prefix(&draft.destination_ip_prefix),
            ..Self::default()
        }
    }

    /// Whose stored rules are; a new one is first asked about as the request has it.
    async fn load_parents(tx: &mut Tx, rules: &mut [Self]) -> Result<()> {
        let stored = rules.iter().filter(|rule| rule.project_id.is_empty());
        let labels: BTreeSet<MeteringLabelId> = stored.map(|rule| rule.metering_label_id).collect();
        let ids = labels.iter().map(ToString::to_string).collect();
        let labels: Vec<MeteringLabel> = resource::get_all(tx, ids).await?;
        for rule in rules {
            if let Some(label) = labels.iter().find(|label| label.id == rule.metering_label_id) {
                rule.project_id.clone_from(&label.project_id);
            }
        }
        Ok(())
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &MeteringLabelRuleDraft,
    ) -> Result<()> {
        check_prefixes(draft)?;
        // Held, so that two requests cannot both find that nothing overlaps.
        let label: MeteringLabel =
            entity::load_seen(core, tx, caller, self.metering_label_id).await?;
        self.project_id = label.project_id;
        core.authorise_create(caller, draft, self)?;
        check_overlap(self, draft, &store::metering_label_rule_list_of(tx, label.id).await?)
    }
}

fn prefix(given: &Field<MeteredPrefix>) -> Option<IpNet> {
    given.get().and_then(|given| given.prefix)
}

/// Neutron knows this refusal by no other name.
fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("Invalid", message)
}

/// The other end, or source and destination, or one of these.
fn check_prefixes(draft: &MeteringLabelRuleDraft) -> Result<()> {
    let given = |field: &Field<MeteredPrefix>| field.get().is_some_and(|prefix| !prefix.is_blank());
    let fields = [
        ("remote_ip_prefix", &draft.remote_ip_prefix),
        ("source_ip_prefix", &draft.source_ip_prefix),
        ("destination_ip_prefix", &draft.destination_ip_prefix),
    ];
    for (name, field) in fields {
        if let Some(MeteredPrefix { text, prefix: None }) = field.get().filter(|_| given(field)) {
            return Err(invalid(format!(
                "{name}: {text} is invalid ['{text}' does not appear to be an IPv4 or IPv6 interface]."
            )));
        }
    }
    let [remote, source, destination] = fields.map(|(_, field)| given(field));
    if remote && (source || destination) {
        return Err(invalid(
            "Cannot use 'remote-ip-prefix' in conjunction with 'source-ip-prefix' or 'destination-ip-prefix'.",
        ));
    }
    if !(remote || source || destination) {
        return Err(invalid(
            "You must define at least one of the following parameters 'remote_ip_prefix', or 'source_ip_prefix' \
             or 'destination_ip_prefix'.",
        ));
    }
    Ok(())
}

/// No address at the other end may be counted twice. (By source and destination it may.)
fn check_overlap(
    rule: &MeteringLabelRule,
    draft: &MeteringLabelRuleDraft,
    others: &[MeteringLabelRule],
) -> Result<()> {
    let Some((new, given)) = rule.remote_ip_prefix.zip(draft.remote_ip_prefix.get()) else {
        return Ok(());
    };
    let overlaps = |other: IpNet| {
        let (new, other) = (new.trunc(), other.trunc());
        new.contains(&other) || other.contains(&new)
    };
    let mut alike = others
        .iter()
        .filter(|other| (other.direction, other.excluded) == (rule.direction, rule.excluded));
    if !alike.any(|other| other.remote_ip_prefix.is_some_and(overlaps)) {
        return Ok(());
    }
    Err(Error::conflict(
        "MeteringLabelRuleOverlaps",
        format!("Metering label rule with remote_ip_prefix '{}' overlaps another.", given.text),
    ))
}
