//! What each resource of the API can do.

use std::future::Future;

use bitflags::bitflags;
use nucleon_model::{AttrSet, ListQuery, Standard};

use crate::caller::Caller;
use crate::{Core, Error, Result};

bitflags! {
    /// The operations that a resource offers.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Operations: u8 {
        const LIST = 1;
        const SHOW = 1 << 1;
        const CREATE = 1 << 2;
        const UPDATE = 1 << 3;
        const DELETE = 1 << 4;
        /// Create with the plural key.
        const BULK = 1 << 5;
        const TAGS = 1 << 6;
        /// List, show, create one, update, delete.
        const PLAIN = Self::LIST.bits()
            | Self::SHOW.bits()
            | Self::CREATE.bits()
            | Self::UPDATE.bits()
            | Self::DELETE.bits();
    }
}

/// What must hold of the stored object for a change to go ahead (`If-Match: revision_number=N`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Precondition {
    pub revision: Option<i64>,
}

/// A resource that the API serves. Identifiers come as the client wrote them; what is no UUID is not found.
///
/// What is not among a resource's [`Noun::OPERATIONS`] need not be written: the API does not ask for it.
pub trait Noun: Standard {
    const OPERATIONS: Operations;

    /// The identifier, as links and markers show it.
    fn key(&self) -> String;

    /// Creates all or nothing.
    fn create(
        core: &Core,
        caller: &Caller,
        drafts: Vec<Self::Draft>,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send {
        let _ = (core, caller, drafts);
        std::future::ready(Err(not_offered::<Self>("create")))
    }

    fn list(
        core: &Core,
        caller: &Caller,
        query: ListQuery,
    ) -> impl Future<Output = Result<Vec<Self>>> + Send {
        let _ = (core, caller, query);
        std::future::ready(Err(not_offered::<Self>("list")))
    }

    fn show(core: &Core, caller: &Caller, id: &str) -> impl Future<Output = Result<Self>> + Send {
        let _ = (core, caller);
        std::future::ready(Err(Error::not_found(Self::DECL, id)))
    }

    fn update(
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: Self::Draft,
        precondition: Precondition,
    ) -> impl Future<Output = Result<Self>> + Send {
        let _ = (core, caller, id, draft, precondition);
        std::future::ready(Err(not_offered::<Self>("update")))
    }

    fn delete(
        core: &Core,
        caller: &Caller,
        id: &str,
        precondition: Precondition,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (core, caller, id, precondition);
        std::future::ready(Err(not_offered::<Self>("delete")))
    }

    /// Attributes that this object does not show, whoever asks.
    fn concealed(&self) -> AttrSet {
        AttrSet::default()
    }
}

fn not_offered<T: Noun>(operation: &str) -> Error {
    Error::internal(format!("{} do not offer to {operation}", T::DECL.collection))
}
