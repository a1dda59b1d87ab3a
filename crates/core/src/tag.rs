//! Tags of networks, subnets and ports.

use std::collections::BTreeSet;

use nucleon_db::{
    Operation, Tx, network as networks, port as ports, subnet as subnets, tag as store,
};
use nucleon_model::{AttrSet, Network, Port, Resource, ResourceDecl, Subnet, Timestamp};

use crate::change::{emit, emit_port_status};
use crate::policy::Action;
use crate::{Caller, Core, Error, Noun, Result};

/// Neutron's limits.
const MAX_TAGS: usize = 50;
const MAX_TAG_LENGTH: usize = 255;

/// What is to become of an object's tags.
#[derive(Debug, Clone)]
enum Edit {
    Replace(Vec<String>),
    Add(Vec<String>),
    Remove(String),
    Clear,
}

impl Core {
    /// The tags of an object, in order.
    pub async fn tags_list(
        &self,
        caller: &Caller,
        on: &'static ResourceDecl,
        id: &str,
    ) -> Result<Vec<String>> {
        if std::ptr::eq(on, Network::DECL) {
            Ok(Network::show(self, caller, id).await?.tags)
        } else if std::ptr::eq(on, Subnet::DECL) {
            Ok(Subnet::show(self, caller, id).await?.tags)
        } else {
            Ok(Port::show(self, caller, id).await?.tags)
        }
    }

    /// # Errors
    /// `TagNotFound` when the object does not have the tag.
    pub async fn tag_exists(
        &self,
        caller: &Caller,
        on: &'static ResourceDecl,
        id: &str,
        tag: &str,
    ) -> Result<()> {
        let tags = self.tags_list(caller, on, id).await?;
        if tags.iter().any(|held| held == tag) { Ok(()) } else { Err(not_found(tag)) }
    }

    pub async fn tags_replace(
        &self,
        caller: &Caller,
        on: &'static ResourceDecl,
        id: &str,
        tags: Vec<String>,
    ) -> Result<Vec<String>> {
        self.tags_edit(caller, on, id, Edit::Replace(tags)).await
    }

    pub async fn tags_add(
        &self,
        caller: &Caller,
        on: &'static ResourceDecl,
        id: &str,
        tags: Vec<String>,
    ) -> Result<Vec<String>> {
        self.tags_edit(caller, on, id, Edit::Add(tags)).await
    }

    pub async fn tags_remove(
        &self,
        caller: &Caller,
        on: &'static ResourceDecl,
        id: &str,
        tag: String,
    ) -> Result<()> {
        self.tags_edit(caller, on, id, Edit::Remove(tag)).await.map(drop)
    }

    pub async fn tags_clear(
        &self,
        caller: &Caller,
        on: &'static ResourceDecl,
        id: &str,
    ) -> Result<()> {
        self.tags_edit(caller, on, id, Edit::Clear).await.map(drop)
    }

    async fn tags_edit(
        &self,
        caller: &Caller,
        on: &'static ResourceDecl,
        id: &str,
        edit: Edit,
    ) -> Result<Vec<String>> {
        let input = (caller.clone(), id.to_owned(), edit, self.now());
        self.write("tags", input, move |core, tx, (caller, id, edit, now)| {
            Box::pin(async move {
                if std::ptr::eq(on, Network::DECL) {
                    core.tags_of_network(tx, &caller, &id, &edit, now).await
                } else if std::ptr::eq(on, Subnet::DECL) {
                    core.tags_of_subnet(tx, &caller, &id, &edit, now).await
                } else {
                    core.tags_of_port(tx, &caller, &id, &edit, now).await
                }
            })
        })
        .await
    }

    async fn tags_of_network(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: &str,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let missing = || Error::not_found(Network::DECL, id);
        let before = networks::network_get(tx, id.parse().map_err(|_| missing())?)
            .await?
            .ok_or_else(missing)?;
        let target = crate::network::target(&before);
        self.authorise::<Network>(caller, Action::Update, AttrSet::default(), &target, id)?;
        let mut after = before.clone();
        after.tags = edited(&before.tags, edit)?;
        after.revision_number += 1;
        after.updated_at = now;
        networks::network_update_at(tx, &after, before.revision_number).await?;
        write(tx, id, &after.tags).await?;
        emit(
            tx,
            caller,
            "network",
            id.to_owned(),
            Operation::Update,
            after.revision_number,
            Vec::new(),
        );
        Ok(after.tags)
    }

    async fn tags_of_subnet(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: &str,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let missing = || Error::not_found(Subnet::DECL, id);
        let before = subnets::subnet_get(tx, id.parse().map_err(|_| missing())?)
            .await?
            .ok_or_else(missing)?;
        let network = networks::network_get(tx, before.network_id).await?.ok_or_else(missing)?;
        let target = crate::policy::Target {
            project_id: &before.project_id,
            ..crate::network::target(&network)
        };
        self.authorise::<Subnet>(caller, Action::Update, AttrSet::default(), &target, id)?;
        let mut after = before.clone();
        after.tags = edited(&before.tags, edit)?;
        after.revision_number += 1;
        after.updated_at = now;
        subnets::subnet_update_at(tx, &after, before.revision_number).await?;
        write(tx, id, &after.tags).await?;
        emit(
            tx,
            caller,
            "subnet",
            id.to_owned(),
            Operation::Update,
            after.revision_number,
            Vec::new(),
        );
        Ok(after.tags)
    }

    async fn tags_of_port(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: &str,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let missing = || Error::not_found(Port::DECL, id);
        let before =
            ports::port_get(tx, id.parse().map_err(|_| missing())?).await?.ok_or_else(missing)?;
        let network = networks::network_get(tx, before.network_id).await?.ok_or_else(missing)?;
        let target = crate::policy::Target {
            project_id: &before.project_id,
            ..crate::network::target(&network)
        };
        self.authorise::<Port>(caller, Action::Update, AttrSet::default(), &target, id)?;
        let mut after = before.clone();
        after.tags = edited(&before.tags, edit)?;
        after.revision_number += 1;
        after.updated_at = now;
        ports::port_update_at(tx, &after, before.revision_number).await?;
        write(tx, id, &after.tags).await?;
        emit_port_status(tx, caller, after.id, after.revision_number);
        Ok(after.tags)
    }
}

async fn write(tx: &mut Tx, id: &str, tags: &[String]) -> Result<()> {
    store::tag_delete_of(tx, id).await?;
    store::tag_insert(tx, id, tags).await?;
    Ok(())
}

fn edited(held: &[String], edit: &Edit) -> Result<Vec<String>> {
    let mut tags: BTreeSet<String> = match edit {
        Edit::Replace(_) | Edit::Clear => BTreeSet::new(),
        Edit::Add(_) | Edit::Remove(_) => held.iter().cloned().collect(),
    };
    match edit {
        Edit::Replace(new) | Edit::Add(new) => tags.extend(new.iter().cloned()),
        Edit::Remove(tag) if !tags.remove(tag) => return Err(not_found(tag)),
        Edit::Remove(_) | Edit::Clear => {}
    }
    let invalid = |text: String| {
        Error::invalid("HTTPBadRequest", format!("Invalid input for tags. Reason: {text}."))
    };
    if let Some(long) = tags.iter().find(|tag| tag.chars().count() > MAX_TAG_LENGTH) {
        return Err(invalid(format!("'{long}' exceeds maximum length of {MAX_TAG_LENGTH}")));
    }
    if tags.len() > MAX_TAGS {
        return Err(invalid(format!(
            "The number of tags exceed the per-resource limit of {MAX_TAGS}"
        )));
    }
    Ok(tags.into_iter().collect())
}

fn not_found(tag: &str) -> Error {
    Error::new(crate::Kind::NotFound, "TagNotFound", format!("Tag {tag} could not be found."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|&tag| tag.to_owned()).collect()
    }

    #[test]
    fn edits_keep_tags_distinct_and_in_order() {
        let held = texts(&["b", "a"]);
        assert_eq!(edited(&held, &Edit::Add(texts(&["c", "a"]))).unwrap(), texts(&["a", "b", "c"]));
        assert_eq!(edited(&held, &Edit::Replace(texts(&["z", "z"]))).unwrap(), texts(&["z"]));
        assert_eq!(edited(&held, &Edit::Remove("a".into())).unwrap(), texts(&["b"]));
        assert_eq!(edited(&held, &Edit::Remove("x".into())).unwrap_err().name(), "TagNotFound");
        assert!(edited(&held, &Edit::Clear).unwrap().is_empty());
    }

    #[test]
    fn tags_are_bounded_in_number_and_length() {
        let many = (0..=MAX_TAGS).map(|n| n.to_string()).collect();
        assert!(edited(&[], &Edit::Replace(many)).is_err());
        assert!(edited(&[], &Edit::Replace(vec!["x".repeat(256)])).is_err());
    }
}
