//! Resources whose operations are the common ones: what is special about each is said by hooks.
//!
//! ```text
//!   create   of(draft) ► authorise ► prepare ► insert ► tags, outbox ► created
//!   update   row held ► authorise ► If-Match ► change ► row, outbox ► changed
//!   delete   row held ► authorise ► If-Match ► release ► row, tags, outbox
//!   list     rows that the viewer's project reaches ► complete ► those that policy lets be seen
//! ```
//!
//! Everything between the arrows of one line is one transaction.

mod held;

use std::future::Future;

use nucleon_db::{Condition, Listed, Listing, Operation, Tx, resource as store, tag as tags};
use nucleon_model::view::Scope;
use nucleon_model::{AttrSet, ListQuery, Standard, Timestamp};

pub(crate) use self::held::{
    load_for, load_held, load_in_sight, load_row_for, load_seen, touch, touch_held,
};

use self::held::load_at;
use crate::change::{again, emit};
use crate::network::hold;
use crate::{Caller, Core, Error, Noun, Operations, Precondition, Result, quota};

/// What is special about a resource with the common operations.
pub(crate) trait Entity: Standard + Listing {
    const OPERATIONS: Operations;

    /// The object that a request asks for, with the declared defaults. Nothing is looked up.
    fn of(draft: &Self::Draft) -> Self;

    /// Looks up whose the parents are, for policy.
    fn load_parents(tx: &mut Tx, objects: &mut [Self]) -> impl Future<Output = Result<()>> + Send {
        let _ = (tx, objects);
        std::future::ready(Ok(()))
    }

    /// Checks a new object against the rest of the cloud, and fills in what the server decides.
    fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &Self::Draft,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, tx, caller, draft);
        std::future::ready(Ok(()))
    }

    /// Writes the row of a new object: where a unique key has a say in what it becomes, that is found out here.
    fn insert(&mut self, core: &Core, tx: &mut Tx) -> impl Future<Output = Result<()>> + Send {
        let _ = core;
        async move {
            let inserted = store::insert(tx, std::slice::from_ref(self)).await;
            inserted.map_err(|error| self.refused(error))
        }
    }

    /// Writes what a new object has in other tables, after its row.
    fn created(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, tx, caller, now);
        std::future::ready(Ok(()))
    }

    /// Creates what one request asks for, all or nothing: one after the other, where the objects of a request have
    /// nothing to do with each other.
    fn create_all(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        drafts: Vec<Self::Draft>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send {
        async move {
            let mut created = Vec::with_capacity(drafts.len());
            for draft in drafts {
                created.push(create(core, tx, caller, &draft, now).await?);
            }
            Ok(created)
        }
    }

    /// Takes over what a request says, as far as the rest of the cloud lets it. What is never updated has no more to say.
    fn change(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: Self::Draft,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, tx, caller, draft);
        std::future::ready(Ok(()))
    }

    /// Writes what a changed object has in other tables, after its row.
    fn changed(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        before: &Self,
        now: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, tx, caller, before, now);
        std::future::ready(Ok(()))
    }

    /// Refuses when the object is in use, and takes away what goes with it, before its row does.
    fn release(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, tx, caller, now);
        std::future::ready(Ok(()))
    }

    /// Fills in what objects show of other tables. As many statements for one as for a thousand.
    fn complete(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        objects: &mut [Self],
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, tx, caller, objects);
        std::future::ready(Ok(()))
    }

    /// As [`Entity::complete`], of objects that this transaction has made.
    fn complete_new(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        objects: &mut [Self],
    ) -> impl Future<Output = Result<()>> + Send {
        Self::complete(core, tx, caller, objects)
    }

    /// Makes what a list is expected to show though nobody has asked for it yet.
    fn anticipate(
        core: &Core,
        caller: &Caller,
        query: &ListQuery,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, caller, query);
        std::future::ready(Ok(()))
    }

    /// What a page beside an object shows that the viewer does not see.
    fn no_marker(id: &str) -> Result<Vec<Self>> {
        Err(Error::not_found(Self::DECL, id))
    }

    /// Who is told of changes, beyond those who read the whole journal.
    fn scopes(&self) -> Vec<Scope> {
        Vec::new()
    }

    /// Attributes that this object does not show, whoever asks.
    fn concealed(&self) -> AttrSet {
        AttrSet::default()
    }

    /// What is said when the database refuses a row for a key or a reference.
    fn refused(&self, error: nucleon_db::Error) -> Error {
        error.into()
    }
}

impl<T: Entity> Noun for T {
    const OPERATIONS: Operations = <T as Entity>::OPERATIONS;

    fn key(&self) -> String {
        self.id().to_string()
    }

    async fn create(core: &Core, caller: &Caller, drafts: Vec<T::Draft>) -> Result<Vec<Self>> {
        let input = (caller.clone(), drafts, core.now());
        core.write(T::DECL.name, input, |core, tx, (caller, drafts, now)| {
            Box::pin(async move {
                quota::limit::<T>(tx);
                let mut created = T::create_all(&core, tx, &caller, drafts, now).await?;
                T::complete_new(&core, tx, &caller, &mut created).await?;
                Ok(created)
            })
        })
        .await
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        T::anticipate(core, caller, &query).await?;
        list(core, caller, query, None).await
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let found = find::<T>(core, caller, id).await?;
        let found = found.filter(|object| core.sees(caller, object));
        found.ok_or_else(|| Error::not_found(T::DECL, id))
    }

    async fn update(
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: T::Draft,
        precondition: Precondition,
    ) -> Result<Self> {
        update(core, caller, id, draft, precondition, Anywhere).await
    }

    async fn delete(
        core: &Core,
        caller: &Caller,
        id: &str,
        precondition: Precondition,
    ) -> Result<()> {
        delete::<T>(core, caller, id, precondition, Anywhere).await
    }

    fn concealed(&self) -> AttrSet {
        Entity::concealed(self)
    }
}

/// Which objects an address can mean, and who may change them there.
pub(crate) trait Place<T: Entity>: Clone + Send + Sync + 'static {
    fn holds(&self, object: &T) -> bool;

    /// What is said when the object is not there.
    fn missing(&self, id: &str) -> Error {
        Error::not_found(T::DECL, id)
    }

    fn authorise_update(
        &self,
        core: &Core,
        caller: &Caller,
        draft: &T::Draft,
        object: &T,
    ) -> Result<()> {
        core.authorise_update(caller, draft, object)
    }

    fn authorise_delete(&self, core: &Core, caller: &Caller, object: &T) -> Result<()> {
        core.authorise_delete(caller, object)
    }
}

/// An address that names the object alone.
#[derive(Debug, Clone, Copy)]
struct Anywhere;

impl<T: Entity> Place<T> for Anywhere {
    fn holds(&self, _: &T) -> bool {
        true
    }
}

/// An identifier as a client wrote it; what is none is nobody's.
pub(crate) fn parse<T: Entity>(id: &str) -> Result<T::Id> {
    id.parse().map_err(|_| Error::not_found(T::DECL, id))
}

/// The object with an identifier as a client wrote it, complete, whoever may see it; what is no identifier is nobody's.
pub(crate) async fn find<T: Entity>(core: &Core, caller: &Caller, id: &str) -> Result<Option<T>> {
    let Ok(key) = id.parse::<T::Id>() else { return Ok(None) };
    let found = core.store().snapshot(|tx| {
        let (core, caller) = (core.clone(), caller.clone());
        Box::pin(async move {
            let row = store::get(tx, key.to_string()).await?;
            held::whole(&core, tx, &caller, row).await
        })
    });
    found.await
}

/// The objects that the caller may see, of those that meet one more condition.
pub(crate) async fn list<T: Entity>(
    core: &Core,
    caller: &Caller,
    query: ListQuery,
    also: Option<Condition>,
) -> Result<Vec<T>> {
    let listed = core.store().snapshot(|tx| {
        let (core, caller, query) = (core.clone(), caller.clone(), query.clone());
        let also = also.clone();
        Box::pin(async move {
            let viewer = Core::viewer(&caller);
            let mut listed = nucleon_db::list_where(tx, viewer, &query, also).await?;
            if let Listed::Records(objects) = &mut listed {
                T::load_parents(tx, objects).await?;
                T::complete(&core, tx, &caller, objects).await?;
            }
            Ok::<_, Error>(listed)
        })
    });
    match listed.await? {
        Listed::Records(mut objects) => {
            let viewing = core.viewing::<T>(caller);
            objects.retain(|object: &T| viewing.sees(object));
            Ok(objects)
        }
        Listed::NoMarker(id) => T::no_marker(&id),
    }
}

pub(crate) async fn update<T: Entity>(
    core: &Core,
    caller: &Caller,
    id: &str,
    draft: T::Draft,
    precondition: Precondition,
    place: impl Place<T>,
) -> Result<T> {
    let key: T::Id = id.parse().map_err(|_| place.missing(id))?;
    let input = (caller.clone(), key, draft, (precondition, place), core.now());
    core.write(T::DECL.name, input, |core, tx, (caller, key, draft, (precondition, place), now)| {
        Box::pin(async move {
            let before: T = load_at(&core, tx, &caller, key, &place).await?;
            place.authorise_update(&core, &caller, &draft, &before)?;
            hold(precondition, before.revision())?;
            let mut after = before.clone();
            after.change(&core, tx, &caller, draft).await?;
            store_changed(&core, tx, &caller, &before, &mut after, now).await?;
            T::complete(&core, tx, &caller, std::slice::from_mut(&mut after)).await?;
            Ok(after)
        })
    })
    .await
}

pub(crate) async fn delete<T: Entity>(
    core: &Core,
    caller: &Caller,
    id: &str,
    precondition: Precondition,
    place: impl Place<T>,
) -> Result<()> {
    let key: T::Id = id.parse().map_err(|_| place.missing(id))?;
    let input = (caller.clone(), key, (precondition, place), core.now());
    core.write(T::DECL.name, input, |core, tx, (caller, key, (precondition, place), now)| {
        Box::pin(async move {
            let object: T = load_at(&core, tx, &caller, key, &place).await?;
            place.authorise_delete(&core, &caller, &object)?;
            hold(precondition, object.revision())?;
            remove(&core, tx, &caller, &object, now).await
        })
    })
    .await
}

/// Creates one object, for a request or on behalf of another operation of the same transaction.
pub(crate) async fn create<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    draft: &T::Draft,
    now: Timestamp,
) -> Result<T> {
    create_from(core, tx, caller, T::of(draft), draft, now).await
}

/// As [`create`], of an object that already knows where it belongs.
pub(crate) async fn create_from<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    mut object: T,
    draft: &T::Draft,
    now: Timestamp,
) -> Result<T> {
    T::load_parents(tx, std::slice::from_mut(&mut object)).await?;
    core.authorise_create(caller, draft, &object)?;
    object.mark_new(core.new_uuid().into(), now);
    object.prepare(core, tx, caller, draft).await?;
    store_new(core, tx, caller, &mut object, now).await?;
    Ok(object)
}

/// Writes a new object and says so.
pub(crate) async fn store_new<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    object: &mut T,
    now: Timestamp,
) -> Result<()> {
    object.insert(core, tx).await?;
    if !object.tags().is_empty() {
        let rows = crate::tag::rows(&object.key(), object.tags());
        tags::tag_insert(tx, &rows);
    }
    object.created(core, tx, caller, now).await?;
    emit(tx, caller, Operation::Create, object, &object.scopes());
    Ok(())
}

/// Writes a changed object over the one that was read, and says so.
pub(crate) async fn store_changed<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    before: &T,
    after: &mut T,
    now: Timestamp,
) -> Result<()> {
    after.mark_changed(now);
    let id = after.id().to_string();
    let written = store::update_at(tx, after, id, before.revision()).await;
    match written {
        Err(error @ (nucleon_db::Error::Conflict { .. } | nucleon_db::Error::Reference { .. })) => {
            return Err(after.refused(error));
        }
        other => again(tx, other)?,
    }
    after.changed(core, tx, caller, before, now).await?;
    let mut scopes = after.scopes();
    scopes.extend(before.scopes());
    emit(tx, caller, Operation::Update, after, &scopes);
    Ok(())
}

/// Deletes an object and what goes with it.
pub(crate) async fn remove<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    object: &T,
    now: Timestamp,
) -> Result<()> {
    object.release(core, tx, caller, now).await?;
    let id = object.id().to_string();
    if !object.tags().is_empty() {
        tags::tag_delete_of(tx, &id).await?;
    }
    match store::delete_at::<T>(tx, id, object.revision()).await {
        Err(error @ nucleon_db::Error::Reference { .. }) => return Err(object.refused(error)),
        other => again(tx, other)?,
    }
    emit(tx, caller, Operation::Delete, object, &object.scopes());
    Ok(())
}
