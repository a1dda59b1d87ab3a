//! How attribute values lie in the store.
//!
//! Four kinds of cell behave alike on every database: text, 64-bit integers, booleans and null. Everything else is
//! written as one of them: ids and addresses as text, times as microseconds, lists and dictionaries as JSON text.

use std::net::IpAddr;

use ipnet::IpNet;
use nucleon_net::{IpRange, MacAddr};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::time::Timestamp;

/// A value in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    Bool,
    Int,
    /// Text of at most 255 characters, indexable.
    Text,
    /// Text of any length.
    LongText,
}

/// A cell that does not hold what its column should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cell:?} is not a stored {expected}")]
pub struct BadCell {
    pub cell: Cell,
    pub expected: &'static str,
}

/// A type that a column can hold.
pub trait Stored: Sized {
    const KIND: CellKind;

    fn to_cell(&self) -> Cell;

    fn from_cell(cell: Cell) -> Result<Self, BadCell>;
}

impl Stored for bool {
    const KIND: CellKind = CellKind::Bool;

    fn to_cell(&self) -> Cell {
        Cell::Bool(*self)
    }

    fn from_cell(cell: Cell) -> Result<Self, BadCell> {
        match cell {
            Cell::Bool(value) => Ok(value),
            Cell::Int(value) => Ok(value != 0),
            cell => Err(BadCell { cell, expected: "boolean" }),
        }
    }
}

impl Stored for String {
    const KIND: CellKind = CellKind::Text;

    fn to_cell(&self) -> Cell {
        Cell::Text(self.clone())
    }

    fn from_cell(cell: Cell) -> Result<Self, BadCell> {
        match cell {
            Cell::Text(text) => Ok(text),
            cell => Err(BadCell { cell, expected: "text" }),
        }
    }
}

impl Stored for Timestamp {
    const KIND: CellKind = CellKind::Int;

    fn to_cell(&self) -> Cell {
        Cell::Int(self.as_micros())
    }

    fn from_cell(cell: Cell) -> Result<Self, BadCell> {
        match cell {
            Cell::Int(micros) => Ok(Self::from_micros(micros)),
            cell => Err(BadCell { cell, expected: "time" }),
        }
    }
}

impl<T: Stored> Stored for Option<T> {
    const KIND: CellKind = T::KIND;

    fn to_cell(&self) -> Cell {
        self.as_ref().map_or(Cell::Null, Stored::to_cell)
    }

    fn from_cell(cell: Cell) -> Result<Self, BadCell> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

macro_rules! stored_as_int {
    ($($type:ty)*) => {$(
        impl Stored for $type {
            const KIND: CellKind = CellKind::Int;

            fn to_cell(&self) -> Cell {
                Cell::Int(i64::from(*self))
            }

            fn from_cell(cell: Cell) -> Result<Self, BadCell> {
                let expected = stringify!($type);
                match cell {
                    Cell::Int(value) => {
                        Self::try_from(value).map_err(|_| BadCell { cell: Cell::Int(value), expected })
                    }
                    cell => Err(BadCell { cell, expected }),
                }
            }
        }
    )*};
}

stored_as_int! { i64 u32 u16 u8 }

macro_rules! stored_as_text {
    ($($type:ty)*) => {$(
        impl $crate::stored::Stored for $type {
            const KIND: $crate::stored::CellKind = $crate::stored::CellKind::Text;

            fn to_cell(&self) -> $crate::stored::Cell {
                $crate::stored::Cell::Text(self.to_string())
            }

            fn from_cell(
                cell: $crate::stored::Cell,
            ) -> Result<Self, $crate::stored::BadCell> {
                let expected = stringify!($type);
                match cell {
                    $crate::stored::Cell::Text(text) => text.parse().map_err(|_| {
                        $crate::stored::BadCell { cell: $crate::stored::Cell::Text(text), expected }
                    }),
                    cell => Err($crate::stored::BadCell { cell, expected }),
                }
            }
        }
    )*};
}
pub(crate) use stored_as_text;

stored_as_text! { MacAddr IpAddr IpNet }

/// Reads a value that is kept as JSON text.
pub(crate) fn from_json_text<T: DeserializeOwned>(
    cell: Cell,
    expected: &'static str,
) -> Result<T, BadCell> {
    match cell {
        Cell::Text(text) => {
            serde_json::from_str(&text).map_err(|_| BadCell { cell: Cell::Text(text), expected })
        }
        cell => Err(BadCell { cell, expected }),
    }
}

/// Writes a value as JSON text; the types so kept have only text keys, so that it cannot fail.
pub(crate) fn to_json_text<T: Serialize>(value: &T) -> Cell {
    serde_json::to_string(value).map_or(Cell::Null, Cell::Text)
}

macro_rules! stored_as_json {
    ($($type:ty)*) => {$(
        impl $crate::stored::Stored for $type {
            const KIND: $crate::stored::CellKind = $crate::stored::CellKind::LongText;

            fn to_cell(&self) -> $crate::stored::Cell {
                $crate::stored::to_json_text(self)
            }

            fn from_cell(cell: $crate::stored::Cell) -> Result<Self, $crate::stored::BadCell> {
                $crate::stored::from_json_text(cell, stringify!($type))
            }
        }
    )*};
}
pub(crate) use stored_as_json;

stored_as_json! {
    Vec<String>
    Vec<IpAddr>
    Vec<IpRange>
    serde_json::Map<String, serde_json::Value>
}
