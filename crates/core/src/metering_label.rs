//! Metering labels.

use nucleon_db::{Operation, Tx, metering_label_rule as rules};
use nucleon_model::{MeteringLabel, MeteringLabelDraft, Timestamp};

use crate::change::emit;
use crate::entity::Entity;
use crate::{Caller, Core, Operations, Result};

/// What can be done with labels and with their rules: neither is ever changed.
pub(crate) const OPERATIONS: Operations = Operations::LIST
    .union(Operations::SHOW)
    .union(Operations::CREATE)
    .union(Operations::DELETE)
    .union(Operations::BULK);

impl Entity for MeteringLabel {
    const OPERATIONS: Operations = OPERATIONS;

    fn of(draft: &MeteringLabelDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            shared: draft.shared.get().copied().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The rules go with their label.
    async fn release(&self, _: &Core, tx: &mut Tx, caller: &Caller, _: Timestamp) -> Result<()> {
        let gone = rules::metering_label_rule_list_of(tx, self.id).await?;
        rules::metering_label_rule_delete_of(tx, self.id).await?;
        for rule in &gone {
            emit(tx, caller, Operation::Delete, rule, &rule.scopes());
        }
        Ok(())
    }
}
