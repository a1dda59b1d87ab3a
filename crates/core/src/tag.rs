//! Tags.

use std::collections::BTreeSet;
use std::future::Future;

use nucleon_db::{
    Operation, Tx, network as networks, port as ports, subnet as subnets, tag as store,
};
use nucleon_model::{Network, NetworkId, Port, PortId, Standard, Subnet, SubnetId};

use crate::change::{again, emit, emit_network, emit_port_status, emit_subnet_apart};
use crate::entity::{self, Entity};
use crate::policy::Action;
use crate::{Caller, Core, Error, Kind, Noun, Result};

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

impl Edit {
    /// As policy names it.
    const fn action(&self) -> Action {
        match self {
            Self::Replace(_) => Action::Update,
            Self::Add(_) => Action::Create,
            Self::Remove(_) | Self::Clear => Action::Delete,
        }
    }
}

/// A resource that can be tagged.
pub trait Tagged: Noun + Standard {
    /// The object, held, and its parent known.
    fn load(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        id: Self::Id,
    ) -> impl Future<Output = Result<Option<Self>>> + Send;

    /// The object as policy is to look at it, where that is not what its row says; `None` where the caller does not
    /// reach it.
    fn seen(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
    ) -> impl Future<Output = Result<Option<Self>>> + Send {
        let _ = (core, tx, caller);
        std::future::ready(Ok(Some(self.clone())))
    }

    /// Writes the row over the one at `revision`, and says so.
    fn store(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        revision: i64,
    ) -> impl Future<Output = Result<()>> + Send;
}

impl Tagged for Network {
    async fn load(_: &Core, tx: &mut Tx, _: &Caller, id: NetworkId) -> Result<Option<Self>> {
        Ok(networks::network_get_held(tx, id).await?)
    }

    async fn seen(&self, core: &Core, tx: &mut Tx, caller: &Caller) -> Result<Option<Self>> {
        core.network_seen(tx, caller, self.clone()).await
    }

    async fn store(&self, tx: &mut Tx, caller: &Caller, revision: i64) -> Result<()> {
        let written = networks::network_update_at(tx, self, revision).await;
        again(tx, written)?;
        // Agents see no tags, but they count revisions.
        emit_network(tx, caller, Operation::Update, self);
        Ok(())
    }
}

impl Tagged for Subnet {
    async fn load(core: &Core, tx: &mut Tx, caller: &Caller, id: SubnetId) -> Result<Option<Self>> {
        let Some(subnet) = subnets::subnet_get_held(tx, id).await? else { return Ok(None) };
        let network = networks::network_get(tx, subnet.network_id).await?;
        let Some(network) = network else { return Ok(None) };
        core.subnet_seen(tx, caller, subnet, network).await
    }

    async fn store(&self, tx: &mut Tx, caller: &Caller, revision: i64) -> Result<()> {
        let written = subnets::subnet_update_at(tx, self, revision).await;
        again(tx, written)?;
        emit_subnet_apart(tx, caller, self);
        Ok(())
    }
}

impl Tagged for Port {
    async fn load(_: &Core, tx: &mut Tx, _: &Caller, id: PortId) -> Result<Option<Self>> {
        let Some(mut port) = ports::port_get_held(tx, id).await? else { return Ok(None) };
        let network = networks::network_get(tx, port.network_id).await?;
        crate::port::set_parent(&mut port, network.as_ref());
        Ok(Some(port))
    }

    async fn store(&self, tx: &mut Tx, caller: &Caller, revision: i64) -> Result<()> {
        let written = ports::port_update_at(tx, self, revision).await;
        again(tx, written)?;
        emit_port_status(tx, caller, self.id, self.revision_number);
        Ok(())
    }
}

impl<T: Entity> Tagged for T {
    async fn load(core: &Core, tx: &mut Tx, caller: &Caller, id: T::Id) -> Result<Option<Self>> {
        match entity::load_held(core, tx, caller, id).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn store(&self, tx: &mut Tx, caller: &Caller, revision: i64) -> Result<()> {
        let written =
            nucleon_db::resource::update_at(tx, self, self.id().to_string(), revision).await;
        again(tx, written)?;
        emit(tx, caller, Operation::Update, self, &self.scopes());
        Ok(())
    }
}

impl Core {
    /// The tags of an object, in order.
    pub async fn tags_list<T: Tagged>(&self, caller: &Caller, id: &str) -> Result<Vec<String>> {
        let object = T::show(self, caller, id).await?;
        self.authorise_tags(caller, Action::Get, &object)?;
        Ok(object.tags().to_vec())
    }

    /// # Errors
    /// `TagNotFound` when the object does not have the tag.
    pub async fn tag_exists<T: Tagged>(&self, caller: &Caller, id: &str, tag: &str) -> Result<()> {
        let tags = self.tags_list::<T>(caller, id).await?;
        if tags.iter().any(|held| held == tag) { Ok(()) } else { Err(not_found(tag)) }
    }

    pub async fn tags_replace<T: Tagged>(
        &self,
        caller: &Caller,
        id: &str,
        tags: Vec<String>,
    ) -> Result<Vec<String>> {
        self.tags_edit::<T>(caller, id, Edit::Replace(tags)).await
    }

    pub async fn tags_add<T: Tagged>(
        &self,
        caller: &Caller,
        id: &str,
        tags: Vec<String>,
    ) -> Result<Vec<String>> {
        self.tags_edit::<T>(caller, id, Edit::Add(tags)).await
    }

    pub async fn tags_remove<T: Tagged>(
        &self,
        caller: &Caller,
        id: &str,
        tag: String,
    ) -> Result<()> {
        self.tags_edit::<T>(caller, id, Edit::Remove(tag)).await.map(drop)
    }

    pub async fn tags_clear<T: Tagged>(&self, caller: &Caller, id: &str) -> Result<()> {
        self.tags_edit::<T>(caller, id, Edit::Clear).await.map(drop)
    }

    async fn tags_edit<T: Tagged>(
        &self,
        caller: &Caller,
        id: &str,
        edit: Edit,
    ) -> Result<Vec<String>> {
        let key: T::Id = id.parse().map_err(|_| Error::not_found(T::DECL, id))?;
        let input = (caller.clone(), key, edit, self.now());
        self.write("tags", input, |core, tx, (caller, key, edit, now)| {
            Box::pin(async move {
                let found = T::load(&core, tx, &caller, key).await?;
                let mut object = found.ok_or_else(|| Error::not_found(T::DECL, key))?;
                let seen = object.seen(&core, tx, &caller).await?;
                let seen = seen.ok_or_else(|| Error::not_found(T::DECL, key))?;
                core.authorise_tags(&caller, edit.action(), &seen)?;
                let tags = edited(object.tags(), &edit)?;
                let revision = object.revision();
                object.set_tags(tags.clone());
                object.mark_changed(now);
                object.store(tx, &caller, revision).await?;
                let id = key.to_string();
                store::tag_delete_of(tx, &id).await?;
                store::tag_insert(tx, &rows(&id, &tags));
                Ok(tags)
            })
        })
        .await
    }
}

/// Tags of an object as the store takes them.
pub(crate) fn rows(id: &str, tags: &[String]) -> Vec<(String, String)> {
    tags.iter().map(|tag| (id.to_owned(), tag.clone())).collect()
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
