//! Address groups.

use nucleon_db::Tx;
use nucleon_db::address_group::OBJECT_TYPE;
use nucleon_db::security_group_rule::security_group_rule_names;
use nucleon_model::view::Scope;
use nucleon_model::{AddressGroup, AddressGroupDraft, AddressGroupId, Resource, Timestamp};
use nucleon_net::IpNet;

use crate::entity::{Entity, load_held, store_changed};
use crate::{Caller, Core, Error, Kind, Operations, Result, sharing};

impl Entity for AddressGroup {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &AddressGroupDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            addresses: distinct(draft.addresses.get().into_iter().flatten().copied()),
            ..Self::default()
        }
    }

    async fn change(
        &mut self,
        _: &Core,
        _: &mut Tx,
        _: &Caller,
        draft: AddressGroupDraft,
    ) -> Result<()> {
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        Ok(())
    }

    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        if security_group_rule_names(tx, self.id).await? {
            return Err(Error::conflict(
                "AddressGroupInUse",
                format!("Address group {} is in use on one or more security group rules.", self.id),
            ));
        }
        sharing::forget(tx, OBJECT_TYPE, self).await
    }

    async fn complete(_: &Core, tx: &mut Tx, caller: &Caller, objects: &mut [Self]) -> Result<()> {
        sharing::show(tx, caller, OBJECT_TYPE, objects, |group, shared| group.shared = shared).await
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::AddressGroup(self.id)]
    }

    /// A rule came to name it: look again.
    fn refused(&self, error: nucleon_db::Error) -> Error {
        match error {
            nucleon_db::Error::Reference { .. } => Error::collided(),
            error => error.into(),
        }
    }
}

/// What is to become of the addresses of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    Add,
    Remove,
}

impl Core {
    /// Adds addresses, none of which the group may have.
    pub async fn address_group_add(
        &self,
        caller: &Caller,
        id: &str,
        addresses: Vec<IpNet>,
    ) -> Result<AddressGroup> {
        self.address_group_edit(caller, id, addresses, Edit::Add).await
    }

    /// Takes addresses away, all of which the group must have.
    pub async fn address_group_remove(
        &self,
        caller: &Caller,
        id: &str,
        addresses: Vec<IpNet>,
    ) -> Result<AddressGroup> {
        self.address_group_edit(caller, id, addresses, Edit::Remove).await
    }

    async fn address_group_edit(
        &self,
        caller: &Caller,
        id: &str,
        addresses: Vec<IpNet>,
        edit: Edit,
    ) -> Result<AddressGroup> {
        let key: AddressGroupId =
            id.parse().map_err(|_| Error::not_found(AddressGroup::DECL, id))?;
        let input = (caller.clone(), key, distinct(addresses.into_iter()), self.now());
        self.write("address group edit", input, move |core, tx, (caller, key, addresses, now)| {
            Box::pin(async move {
                let before: AddressGroup = load_held(&core, tx, &caller, key).await?;
                core.authorise_rule(&caller, "update_address_group", &before)?;
                let mut after = before.clone();
                apply(&mut after, addresses, edit)?;
                store_changed(&core, tx, &caller, &before, &mut after, now).await?;
                Ok(after)
            })
        })
        .await
    }
}

fn apply(group: &mut AddressGroup, addresses: Vec<IpNet>, edit: Edit) -> Result<()> {
    let (held, new): (Vec<IpNet>, Vec<IpNet>) =
        addresses.into_iter().partition(|address| group.addresses.contains(address));
    match edit {
        Edit::Add if !held.is_empty() => Err(Error::invalid(
            "AddressesAlreadyExist",
            format!("Addresses {} already exist in the address group {}.", listed(&held), group.id),
        )),
        Edit::Add => {
            group.addresses.extend(new);
            Ok(())
        }
        Edit::Remove if !new.is_empty() => Err(Error::new(
            Kind::NotFound,
            "AddressesNotFound",
            format!("Addresses {} not found in the address group {}.", listed(&new), group.id),
        )),
        Edit::Remove => {
            group.addresses.retain(|address| !held.contains(address));
            Ok(())
        }
    }
}

/// Each prefix once, without host bits, in the order given.
fn distinct(addresses: impl Iterator<Item = IpNet>) -> Vec<IpNet> {
    let mut distinct = Vec::new();
    for address in addresses.map(|address| address.trunc()) {
        if !distinct.contains(&address) {
            distinct.push(address);
        }
    }
    distinct
}

/// As Python writes a list.
fn listed(addresses: &[IpNet]) -> String {
    let quoted: Vec<String> = addresses.iter().map(|address| format!("'{address}'")).collect();
    format!("[{}]", quoted.join(", "))
}
