//! Objects as they are stored, for operations that are about them; most are held to the end of the transaction.

use nucleon_db::{Operation, Tx, resource as store};
use nucleon_model::Timestamp;

use super::{Entity, Place};
use crate::change::emit;
use crate::{Caller, Core, Error, Result};

/// The object at an address, as [`load_held`] has it.
pub(super) async fn load_at<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
    place: &impl Place<T>,
) -> Result<T> {
    let found = get_held(core, tx, caller, id).await?.filter(|object| place.holds(object));
    found.ok_or_else(|| place.missing(&id.to_string()))
}

/// An object as it is stored, complete, its parents known, its row held to the end of the transaction.
pub(crate) async fn load_held<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
) -> Result<T> {
    get_held(core, tx, caller, id).await?.ok_or_else(|| Error::not_found(T::DECL, id))
}

async fn get_held<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
) -> Result<Option<T>> {
    let row = store::get_held(tx, id.to_string()).await?;
    whole(core, tx, caller, row).await
}

/// An object of which the row is there, complete, its parents known.
pub(super) async fn whole<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    row: Option<T>,
) -> Result<Option<T>> {
    let mut found: Vec<T> = row.into_iter().collect();
    T::load_parents(tx, &mut found).await?;
    T::complete(core, tx, caller, &mut found).await?;
    Ok(found.pop())
}

/// What was found, where the caller may see it; to others it is not there.
fn in_sight<T: Entity>(core: &Core, caller: &Caller, id: T::Id, found: Option<T>) -> Result<T> {
    let seen = found.filter(|object| core.sees(caller, object));
    seen.ok_or_else(|| Error::not_found(T::DECL, id))
}

/// An object that the caller may see, complete, not held: for what refers to it, as the database holds it for that.
pub(crate) async fn load_in_sight<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
) -> Result<T> {
    let row = store::get(tx, id.to_string()).await?;
    in_sight(core, caller, id, whole(core, tx, caller, row).await?)
}

/// As [`load_held`], and only where the caller may see it.
pub(crate) async fn load_seen<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
) -> Result<T> {
    in_sight(core, caller, id, get_held(core, tx, caller, id).await?)
}

/// As [`load_seen`], and only where the caller may do to it what is no change of attributes: `add_router_interface`.
pub(crate) async fn load_for<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
    action: &'static str,
) -> Result<T> {
    let object: T = load_seen(core, tx, caller, id).await?;
    core.authorise_rule(caller, action, &object)?;
    Ok(object)
}

/// As [`load_for`], of an object of which no more is wanted than its row. What else it shows must be lists and objects:
/// rules do not look into those.
pub(crate) async fn load_row_for<T: Entity>(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
    action: &'static str,
) -> Result<T> {
    let mut found: Vec<T> = store::get_held(tx, id.to_string()).await?.into_iter().collect();
    T::load_parents(tx, &mut found).await?;
    let object = in_sight(core, caller, id, found.pop())?;
    core.authorise_rule(caller, action, &object)?;
    Ok(object)
}

/// Says that something changed of an object that is not in its row: its revision grows, and those who follow it look.
/// Holds the row to the end of the transaction.
pub(crate) async fn touch<T: Entity>(
    tx: &mut Tx,
    caller: &Caller,
    id: T::Id,
    now: Timestamp,
) -> Result<()> {
    let held: Option<T> = store::get_held(tx, id.to_string()).await?;
    let object = held.ok_or_else(|| Error::not_found(T::DECL, id))?;
    touch_held(tx, caller, &object, now);
    Ok(())
}

/// As [`touch`], of an object whose row is held, and is as it was read.
pub(crate) fn touch_held<T: Entity>(tx: &mut Tx, caller: &Caller, held: &T, now: Timestamp) {
    let mut object = held.clone();
    object.mark_changed(now);
    store::update_held(tx, &object, &held.id().to_string(), held.revision());
    emit(tx, caller, Operation::Update, &object, &object.scopes());
}
