//! Whether new security groups keep state.

use nucleon_db::Tx;
use nucleon_db::statefulness::{STATEFULNESS_KEY, statefulness_is_set};
use nucleon_model::{Statefulness, StatefulnessDraft};

use crate::entity::Entity;
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for Statefulness {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &StatefulnessDraft) -> Self {
        let project = draft.project_id.get().cloned();
        Self {
            domain: project.clone().unwrap_or_default(),
            project_id: project,
            stateful: draft.stateful.get().copied().unwrap_or(true),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        _: &StatefulnessDraft,
    ) -> Result<()> {
        if statefulness_is_set(tx, &self.domain).await? { Err(exists(self)) } else { Ok(()) }
    }

    async fn change(
        &mut self,
        _: &Core,
        _: &mut Tx,
        _: &Caller,
        draft: StatefulnessDraft,
    ) -> Result<()> {
        draft.stateful.apply(&mut self.stateful);
        Ok(())
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        if error.is_conflict_on(STATEFULNESS_KEY) { exists(self) } else { error.into() }
    }
}

fn exists(setting: &Statefulness) -> Error {
    let project = setting.project_id.as_deref().unwrap_or("system-wide");
    Error::conflict(
        "SecurityGroupDefaultStatefulnessAlreadyExists",
        format!(
            "A security group default statefulness setting already exists for project '{project}'."
        ),
    )
}
