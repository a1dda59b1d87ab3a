//! Resources that live under another one: `/routers/{id}/conntrack_helpers/{id}`.
//!
//! Both identifiers of an address must fit together, and the caller must see the parent: a child by its own identifier
//! under a stranger's parent is not there (OSSN-0102).

use std::future::Future;

use nucleon_db::{Condition, Tx};
use nucleon_model::{ListQuery, Resource, ResourceDecl, Standard};

use crate::entity::{self, Entity, Place};
use crate::{Caller, Core, Error, Noun, Precondition, Result};

/// A resource under another one.
pub(crate) trait Child: Entity {
    type Parent: Entity;

    /// The column with the parent's identifier.
    const PARENT_COLUMN: &'static str;

    /// Whether who does not see the parent learns that it is there, when the rules about children refuse to make one.
    const FORBIDS_FIRST: bool = false;

    fn parent_id(&self) -> <Self::Parent as Standard>::Id;

    fn set_parent_id(&mut self, id: <Self::Parent as Standard>::Id);

    /// What is said when a parent has no such child.
    fn missing_under(parent: <Self::Parent as Standard>::Id, id: &str) -> Error {
        let _ = parent;
        Error::not_found(Self::DECL, id)
    }
}

/// What the API does with a resource under another one. Identifiers come as the client wrote them.
pub trait ChildNoun: Noun {
    const PARENT: &'static ResourceDecl;

    fn create_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        drafts: Vec<Self::Draft>,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send;

    fn list_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        query: ListQuery,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send;

    fn show_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        id: &str,
    ) -> impl Future<Output = Result<Self>> + Send;

    fn update_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        id: &str,
        draft: Self::Draft,
        precondition: Precondition,
    ) -> impl Future<Output = Result<Self>> + Send;

    fn delete_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        id: &str,
        precondition: Precondition,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// Looks up whose the parents are: one question for all.
pub(crate) async fn load_parents<T: Child>(tx: &mut Tx, children: &mut [T]) -> Result<()> {
    let mut ids: Vec<ParentId<T>> = children.iter().map(Child::parent_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let ids = ids.iter().map(ToString::to_string).collect();
    let parents: Vec<T::Parent> = nucleon_db::resource::get_all(tx, ids).await?;
    for child in children {
        let parent = parents.iter().find(|parent| parent.id() == child.parent_id());
        child.set_parent_project(parent.map(|parent| parent.project_id().to_owned()));
    }
    Ok(())
}

/// Whether the caller may make children of a parent.
fn check_allowed<T: Child>(
    core: &Core,
    caller: &Caller,
    parent: &T::Parent,
    drafts: &[T::Draft],
) -> Result<()> {
    for draft in drafts {
        let mut object = T::of(draft);
        object.set_parent_id(parent.id());
        object.set_parent_project(Some(parent.project_id().to_owned()));
        core.authorise_create(caller, draft, &object)?;
    }
    Ok(())
}

type ParentId<T> = <<T as Child>::Parent as Standard>::Id;

/// An address below one parent.
#[derive(Debug, Clone, Copy)]
struct Under<I>(I);

impl<T: Child> Place<T> for Under<ParentId<T>> {
    fn holds(&self, object: &T) -> bool {
        object.parent_id() == self.0
    }

    fn missing(&self, id: &str) -> Error {
        T::missing_under(self.0, id)
    }
}

/// The parent in an address, if the caller sees it.
async fn seen<T: Child>(core: &Core, caller: &Caller, parent: &str) -> Result<ParentId<T>> {
    Ok(<T::Parent as Noun>::show(core, caller, parent).await?.id())
}

impl<T: Child> ChildNoun for T {
    const PARENT: &'static ResourceDecl = <T::Parent as Resource>::DECL;

    async fn create_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        drafts: Vec<T::Draft>,
    ) -> Result<Vec<Self>> {
        let id: ParentId<T> = parent.parse().map_err(|_| Error::not_found(Self::PARENT, parent))?;
        let input = (caller.clone(), id, drafts, core.now());
        core.write(T::DECL.name, input, |core, tx, (caller, id, drafts, now)| {
            Box::pin(async move {
                // Held, so that it does not go, and its children come one after the other.
                let parent: T::Parent = entity::load_held(&core, tx, &caller, id).await?;
                if !core.sees(&caller, &parent) {
                    if T::FORBIDS_FIRST {
                        check_allowed::<T>(&core, &caller, &parent, &drafts)?;
                    }
                    return Err(Error::not_found(Self::PARENT, id));
                }
                let mut created = Vec::with_capacity(drafts.len());
                for draft in drafts {
                    let mut object = T::of(&draft);
                    object.set_parent_id(id);
                    created
                        .push(entity::create_from(&core, tx, &caller, object, &draft, now).await?);
                }
                T::complete(&core, tx, &caller, &mut created).await?;
                Ok(created)
            })
        })
        .await
    }

    async fn list_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        query: ListQuery,
    ) -> Result<Vec<Self>> {
        let parent = seen::<T>(core, caller, parent).await?;
        let of_parent = Condition::equal(T::PARENT_COLUMN, parent.to_string());
        entity::list(core, caller, query, Some(of_parent)).await
    }

    async fn show_under(core: &Core, caller: &Caller, parent: &str, id: &str) -> Result<Self> {
        let parent = seen::<T>(core, caller, parent).await?;
        let seen = |object: &T| object.parent_id() == parent && core.sees(caller, object);
        let found = entity::find::<T>(core, caller, id).await?.filter(seen);
        found.ok_or_else(|| T::missing_under(parent, id))
    }

    async fn update_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        id: &str,
        draft: T::Draft,
        precondition: Precondition,
    ) -> Result<Self> {
        let parent = seen::<T>(core, caller, parent).await?;
        entity::update(core, caller, id, draft, precondition, Under(parent)).await
    }

    async fn delete_under(
        core: &Core,
        caller: &Caller,
        parent: &str,
        id: &str,
        precondition: Precondition,
    ) -> Result<()> {
        let parent = seen::<T>(core, caller, parent).await?;
        entity::delete::<T>(core, caller, id, precondition, Under(parent)).await
    }
}
