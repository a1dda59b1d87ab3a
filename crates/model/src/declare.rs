//! The declaration of a resource.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use crate::attribute::{AttrSet, Attribute, Flags, ResourceDecl};
use crate::shape::Shape;
use crate::stored::{BadCell, Cell, CellKind};
use crate::value::Invalid;

/// What every declared resource has.
pub trait Resource: Sized + Send + Sync + 'static {
    const DECL: &'static ResourceDecl;

    /// A request to create or update one.
    type Draft: Draft;

    /// Values of the stored attributes and fields, in the order of [`Resource::columns`].
    fn cells(&self) -> Vec<Cell>;

    /// Builds a record from stored cells, asked for in the order of [`Resource::columns`]; what is not stored in the
    /// row, or not loaded (`None`), is left at its default for the caller to fill in.
    fn from_cells(
        next: &mut dyn FnMut(usize) -> Result<Option<Cell>, BadCell>,
    ) -> Result<Self, BadCell>;

    /// Names and kinds of the columns, attributes first.
    fn columns() -> &'static [(&'static str, CellKind)];

    /// The value of an attribute as policy rules compare it; `None` for lists, objects and what is not set.
    fn fact(&self, index: usize) -> Option<Cow<'_, str>>;

    /// Writes the attributes in `shown` as entries of a map.
    fn render<M: SerializeMap>(&self, shown: AttrSet, map: &mut M) -> Result<(), M::Error>;
}

/// What every declared request has.
pub trait Draft: Clone + Default + std::fmt::Debug + Send + Sync + 'static {
    /// Reads the attribute at `index` of the declaration; where it is declared nullable, `null` becomes
    /// [`crate::Field::Null`].
    fn set(&mut self, index: usize, value: &serde_json::Value) -> Result<(), Invalid>;

    /// Which attributes the request names.
    fn given(&self) -> AttrSet;

    /// What the request asks for, as policy sees it.
    fn asked(&self) -> &Asked;
}

/// What the JSON of a request asks for, beyond the typed values: the parts that have policy rules of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Attributes with a value other than the declared default. On create only these need a right of their own.
    pub attributes: AttrSet,
    /// Members of guarded attributes that hold objects: (`fixed_ips`, `ip_address`). The position is the attribute's.
    pub members: Vec<(usize, String)>,
}

impl Asked {
    /// Takes note of a value given for the attribute at `index`.
    pub fn note(&mut self, index: usize, attribute: &Attribute, value: &Value) {
        if !attribute.default.is(value) {
            self.attributes.insert(index);
        }
        if !attribute.is(Flags::GUARDED) {
            return;
        }
        let named: Vec<&str> = match (value, attribute.shape) {
            // In the order of the declaration, which is that of Neutron's refusals.
            (Value::Object(given), Shape::Object(members)) => members
                .iter()
                .map(|(name, _)| *name)
                .filter(|name| given.contains_key(*name))
                .collect(),
            (Value::Array(items), _) => {
                let objects = items.iter().filter_map(Value::as_object);
                objects.flat_map(Map::keys).map(String::as_str).collect()
            }
            // What may hold anything has no members with rules: `binding:profile`.
            _ => return,
        };
        for name in named {
            if !self.members.iter().any(|(at, member)| *at == index && name == member) {
                self.members.push((index, name.to_owned()));
            }
        }
    }
}

/// Declares a resource: record, request, table.
///
/// After the table's name may stand `at "path"`, where the address differs from the collection's name (`qos/policies`),
/// `missing "Type" "text {}"`, where a refusal says otherwise than "Port x could not be found.", and `ruled "name"`, where
/// policy rules call it something else (`router_conntrack_helper`).
///
/// Sections: `settable` attributes have a type in the record and one in the request (`bool as bool`); `computed` ones
/// only the server sets; `mirrors` show another attribute's value under a second name; `internal` fields never
/// leave the server; those without a column are looked up elsewhere and only carried along. `column` before a name's braces means that the value lies in a column of that name.
macro_rules! resource {
    (
        $(#[doc = $doc:literal])+
        $record:ident, $draft:ident: $name:literal / $collection:literal, titled $title:literal, in $table:literal
        $(, at $path:literal)? $(, missing $mtype_name:literal $mtext:literal)? $(, ruled $ruled:literal)?;
        settable {
            $( $(#[doc = $sdoc:literal])+
               $sname:literal: $sfield:ident: $stype:ty as $srequest:ty $([$scolumn:literal])?
               { $salias:literal, $sflags:expr, $srule:expr, $sdefault:expr } )*
        }
        computed {
            $( $(#[doc = $cdoc:literal])+
               $cname:literal: $cfield:ident: $ctype:ty $([$ccolumn:literal])?
               { $calias:literal, $cflags:expr } )*
        }
        mirrors {
            $( $mname:literal of $mof:literal: $mfield:ident: $mtype:ty { $malias:literal, $mflags:expr } )*
        }
        internal {
            $( $(#[doc = $idoc:literal])+
               $ifield:ident: $itype:ty $([$icolumn:literal])? )*
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $record {
            $( $(#[doc = $sdoc])+ pub $sfield: $stype, )*
            $( $(#[doc = $cdoc])+ pub $cfield: $ctype, )*
            $( $(#[doc = $idoc])+ pub $ifield: $itype, )*
        }

        #[doc = concat!("A request to create or update a ", $name, ".")]
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $draft {
            $( $(#[doc = $sdoc])+ pub $sfield: $crate::field::Field<$srequest>, )*
            /// What the request asks for, as policy sees it.
            pub asked: $crate::declare::Asked,
        }

        #[allow(unused_mut, reason = "there are resources with nothing to set")]
        impl $crate::declare::Draft for $draft {
            fn set(
                &mut self,
                index: usize,
                value: &serde_json::Value,
            ) -> Result<(), $crate::value::Invalid> {
                if let Some(attribute) =
                    <$record as $crate::declare::Resource>::DECL.attributes.get(index)
                {
                    self.asked.note(index, attribute, value);
                }
                let mut position = 0;
                $(
                    if index == position {
                        let flags: $crate::attribute::Flags = $sflags;
                        self.$sfield = if value.is_null()
                            && flags.contains($crate::attribute::Flags::NULLABLE)
                        {
                            $crate::field::Field::Null
                        } else {
                            let rule: $crate::rule::Rule = $srule;
                            $crate::field::Field::Value(
                                <$srequest as $crate::value::AttrValue>::from_json(value, &rule)?,
                            )
                        };
                        return Ok(());
                    }
                    position += 1;
                )*
                let _ = position;
                Ok(())
            }

            fn asked(&self) -> &$crate::declare::Asked {
                &self.asked
            }

            fn given(&self) -> $crate::attribute::AttrSet {
                let mut set = $crate::attribute::AttrSet::default();
                let mut position = 0;
                $(
                    if self.$sfield.is_given() {
                        set.insert(position);
                    }
                    position += 1;
                )*
                let _ = position;
                set
            }
        }

        #[allow(
            unused_imports,
            unused_mut,
            unused_variables,
            reason = "there are resources that no table holds"
        )]
        const _: () = {
            use $crate::attribute::{Attribute, ResourceDecl};
            use $crate::shape::Shaped;
            use $crate::stored::{BadCell, Cell, CellKind, Stored};

            static DECLARATION: ResourceDecl = ResourceDecl {
                name: $name,
                collection: $collection,
                title: $title,
                table: $table,
                ruled: $crate::declare::or!($($ruled)?, $name),
                path: $crate::declare::or!($($path)?, $collection),
                missing: (
                    $crate::declare::or!($($mtype_name)?, concat!($title, "NotFound")),
                    $crate::declare::or!($($mtext)?, concat!($title, " {} could not be found.")),
                ),
                doc: concat!($($doc,)+),
                attributes: &[
                    $( Attribute {
                        name: $sname,
                        alias: $salias,
                        flags: $sflags,
                        rule: $srule,
                        shape: <$stype as Shaped>::SHAPE.under($srule),
                        default: $sdefault,
                        column: $crate::declare::column!($stype $(, $scolumn)?),
                        mirrors: None,
                        doc: concat!($($sdoc,)+),
                    }, )*
                    $( Attribute {
                        name: $cname,
                        alias: $calias,
                        flags: $cflags,
                        rule: $crate::rule::Rule::Plain,
                        shape: <$ctype as Shaped>::SHAPE,
                        default: $crate::attribute::Default::Unset,
                        column: $crate::declare::column!($ctype $(, $ccolumn)?),
                        mirrors: None,
                        doc: concat!($($cdoc,)+),
                    }, )*
                    $( Attribute {
                        name: $mname,
                        alias: $malias,
                        flags: $mflags,
                        rule: $crate::rule::Rule::Plain,
                        shape: <$mtype as Shaped>::SHAPE,
                        default: $crate::attribute::Default::Unset,
                        column: None,
                        mirrors: Some($mof),
                        doc: concat!("The same as `", $mof, "`."),
                    }, )*
                ],
            };

            static COLUMNS: &[(&str, CellKind)] = &[
                $( $( ($scolumn, <$stype as Stored>::KIND), )? )*
                $( $( ($ccolumn, <$ctype as Stored>::KIND), )? )*
                $( $( ($icolumn, <$itype as Stored>::KIND), )? )*
            ];

            impl $crate::declare::Resource for $record {
                const DECL: &'static ResourceDecl = &DECLARATION;

                type Draft = $draft;

                fn columns() -> &'static [(&'static str, CellKind)] {
                    COLUMNS
                }

                fn cells(&self) -> Vec<Cell> {
                    let mut cells = Vec::with_capacity(COLUMNS.len());
                    $( $( let _: &str = $scolumn; cells.push(Stored::to_cell(&self.$sfield)); )? )*
                    $( $( let _: &str = $ccolumn; cells.push(Stored::to_cell(&self.$cfield)); )? )*
                    $( $( let _: &str = $icolumn; cells.push(Stored::to_cell(&self.$ifield)); )? )*
                    cells
                }

                fn from_cells(
                    next: &mut dyn FnMut(usize) -> Result<Option<Cell>, BadCell>,
                ) -> Result<Self, BadCell> {
                    let mut record = Self::default();
                    let mut index = 0;
                    $( $(
                        let _: &str = $scolumn;
                        if let Some(cell) = next(index)? {
                            record.$sfield = Stored::from_cell(cell)?;
                        }
                        index += 1;
                    )? )*
                    $( $(
                        let _: &str = $ccolumn;
                        if let Some(cell) = next(index)? {
                            record.$cfield = Stored::from_cell(cell)?;
                        }
                        index += 1;
                    )? )*
                    $( $(
                        let _: &str = $icolumn;
                        if let Some(cell) = next(index)? {
                            record.$ifield = Stored::from_cell(cell)?;
                        }
                        index += 1;
                    )? )*
                    let _ = index;
                    Ok(record)
                }

                fn fact(&self, index: usize) -> Option<std::borrow::Cow<'_, str>> {
                    let mut position = 0;
                    $(
                        if index == position {
                            return Shaped::fact(&self.$sfield);
                        }
                        position += 1;
                    )*
                    $(
                        if index == position {
                            return Shaped::fact(&self.$cfield);
                        }
                        position += 1;
                    )*
                    $(
                        if index == position {
                            return Shaped::fact(&self.$mfield);
                        }
                        position += 1;
                    )*
                    let _ = position;
                    None
                }

                fn render<M: serde::ser::SerializeMap>(
                    &self,
                    shown: $crate::attribute::AttrSet,
                    map: &mut M,
                ) -> Result<(), M::Error> {
                    let mut index = 0;
                    $(
                        if shown.contains(index) {
                            map.serialize_entry($sname, &self.$sfield)?;
                        }
                        index += 1;
                    )*
                    $(
                        if shown.contains(index) {
                            map.serialize_entry($cname, &self.$cfield)?;
                        }
                        index += 1;
                    )*
                    $(
                        if shown.contains(index) {
                            let value: &$mtype = &self.$mfield;
                            map.serialize_entry($mname, value)?;
                        }
                        index += 1;
                    )*
                    let _ = index;
                    Ok(())
                }
            }
        };
    };
}

/// `Some((name, kind))` for an attribute in a column, `None` otherwise.
macro_rules! column {
    ($type:ty) => {
        None
    };
    ($type:ty, $column:literal) => {
        Some(($column, <$type as $crate::stored::Stored>::KIND))
    };
}

/// The first where it is given, else the second.
macro_rules! or {
    ($given:expr, $otherwise:expr) => {
        $given
    };
    (, $otherwise:expr) => {
        $otherwise
    };
}

pub(crate) use {column, or, resource};
