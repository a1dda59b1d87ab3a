//! One type for the UUIDs of each table.

use std::fmt;

use uuid::Uuid;

use crate::value::{Atom, NamedUuid};

/// A row that a transaction can refer to: one that is there, or one that the same transaction
/// inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowRef {
    Uuid(Uuid),
    Named(NamedUuid),
}

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<$name> for Atom {
            fn from(id: $name) -> Self {
                Self::Uuid(id.0)
            }
        }

        impl From<$name> for RowRef {
            fn from(id: $name) -> Self {
                Self::Uuid(id.0)
            }
        }
    )*};
}

row_ids! {
    /// The one row of `Open_vSwitch`.
    SwitchId
    /// A row of `Bridge`.
    BridgeId
    /// A row of `Port`.
    PortId
    /// A row of `Interface`.
    InterfaceId
}

impl From<NamedUuid> for RowRef {
    fn from(name: NamedUuid) -> Self {
        Self::Named(name)
    }
}

impl From<RowRef> for Atom {
    fn from(row: RowRef) -> Self {
        match row {
            RowRef::Uuid(uuid) => Self::Uuid(uuid),
            RowRef::Named(name) => Self::Named(name),
        }
    }
}
