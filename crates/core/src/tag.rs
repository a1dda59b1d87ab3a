//! Tags of networks, subnets and ports.

use std::collections::BTreeSet;
use std::future::Future;

use nucleon_db::{
    Operation, Tx, network as networks, port as ports, subnet as subnets, tag as store,
};
use nucleon_model::{AttrSet, Network, Port, Resource, ResourceDecl, Subnet, Timestamp};

use crate::change::{again, emit_network, emit_port_status, emit_subnet_apart};
use crate::policy::{Action, Target};
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

/// A resource that can be tagged.
trait Tagged: Noun + Clone {
    /// The object, held, and the network that it is, or is on.
    fn load(tx: &mut Tx, id: &str) -> impl Future<Output = Result<Option<(Self, Network)>>> + Send;

    fn project_id(&self) -> &str;

    /// Tags, time of the last change, revision.
    fn marks(&mut self) -> (&mut Vec<String>, &mut Timestamp, &mut i64);

    /// Writes the row over the one at `revision`, and says so.
    fn store(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        revision: i64,
    ) -> impl Future<Output = Result<()>> + Send;
}

impl Tagged for Network {
    async fn load(tx: &mut Tx, id: &str) -> Result<Option<(Self, Self)>> {
        let Ok(id) = id.parse() else { return Ok(None) };
        let network = networks::network_get_held(tx, id).await?;
        Ok(network.map(|network| (network.clone(), network)))
    }

    fn project_id(&self) -> &str {
        &self.project_id
    }

    fn marks(&mut self) -> (&mut Vec<String>, &mut Timestamp, &mut i64) {
        (&mut self.tags, &mut self.updated_at, &mut self.revision_number)
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
    async fn load(tx: &mut Tx, id: &str) -> Result<Option<(Self, Network)>> {
        let Ok(id) = id.parse() else { return Ok(None) };
        let Some(subnet) = subnets::subnet_get_held(tx, id).await? else { return Ok(None) };
        let network = networks::network_get(tx, subnet.network_id).await?;
        Ok(network.map(|network| (subnet, network)))
    }

    fn project_id(&self) -> &str {
        &self.project_id
    }

    fn marks(&mut self) -> (&mut Vec<String>, &mut Timestamp, &mut i64) {
        (&mut self.tags, &mut self.updated_at, &mut self.revision_number)
    }

    async fn store(&self, tx: &mut Tx, caller: &Caller, revision: i64) -> Result<()> {
        let written = subnets::subnet_update_at(tx, self, revision).await;
        again(tx, written)?;
        emit_subnet_apart(tx, caller, self);
        Ok(())
    }
}

impl Tagged for Port {
    async fn load(tx: &mut Tx, id: &str) -> Result<Option<(Self, Network)>> {
        let Ok(id) = id.parse() else { return Ok(None) };
        let Some(port) = ports::port_get_held(tx, id).await? else { return Ok(None) };
        let network = networks::network_get(tx, port.network_id).await?;
        Ok(network.map(|network| (port, network)))
    }

    fn project_id(&self) -> &str {
        &self.project_id
    }

    fn marks(&mut self) -> (&mut Vec<String>, &mut Timestamp, &mut i64) {
        (&mut self.tags, &mut self.updated_at, &mut self.revision_number)
    }

    async fn store(&self, tx: &mut Tx, caller: &Caller, revision: i64) -> Result<()> {
        let written = ports::port_update_at(tx, self, revision).await;
        again(tx, written)?;
        emit_port_status(tx, caller, self.id, self.revision_number);
        Ok(())
    }
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
                    core.tags_of::<Network>(tx, &caller, &id, &edit, now).await
                } else if std::ptr::eq(on, Subnet::DECL) {
                    core.tags_of::<Subnet>(tx, &caller, &id, &edit, now).await
                } else {
                    core.tags_of::<Port>(tx, &caller, &id, &edit, now).await
                }
            })
        })
        .await
    }

    async fn tags_of<T: Tagged>(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: &str,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        let found = T::load(tx, id).await?;
        let (mut object, network) = found.ok_or_else(|| Error::not_found(T::DECL, id))?;
        let on_network = crate::network::target(&network);
        let standing = Target { project_id: object.project_id(), ..on_network };
        self.authorise::<T>(caller, Action::Update, AttrSet::default(), &standing, id)?;
        let (held, updated_at, revision_number) = object.marks();
        let tags = edited(held, edit)?;
        held.clone_from(&tags);
        *updated_at = now;
        *revision_number += 1;
        let revision = *revision_number - 1;
        object.store(tx, caller, revision).await?;
        store::tag_delete_of(tx, id).await?;
        store::tag_insert(tx, &rows(id, &tags)).await?;
        Ok(tags)
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
