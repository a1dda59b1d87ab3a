//! What a list request asks for, once it has been parsed against the declaration.

use std::net::IpAddr;

use crate::attribute::AttrSet;
use crate::id::SubnetId;
use crate::stored::Cell;

/// A parsed list request for one resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListQuery {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Position of the attribute, and direction; the identifier is always the last key.
    pub sort: Vec<(usize, Direction)>,
    pub page: Option<Page>,
    /// What the answer shows; loading may leave out what is neither shown nor needed.
    pub fields: AttrSet,
    pub load: Load,
}

/// What is loaded of each record of a list.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Load {
    #[default]
    Whole,
    /// What answers may show or policy ask for: not these attributes, which are not served, nor what is kept beside.
    Served { absent: AttrSet },
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The attribute at `index` equals one of `values`.
    Attribute {
        index: usize,
        values: Vec<Cell>,
    },
    /// A port has an address as one of these says.
    FixedIps(Vec<FixedIpFilter>),
    Tags(TagFilter, Vec<String>),
}

/// One value of the `fixed_ips` filter of ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixedIpFilter {
    Address(IpAddr),
    /// `ip_address_substr`: a part of the address's text.
    Substring(String),
    Subnet(SubnetId),
}

/// The four filters by tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagFilter {
    /// `tags`: has all of them.
    All,
    /// `tags-any`: has one of them.
    Any,
    /// `not-tags`: lacks one of them.
    NotAll,
    /// `not-tags-any`: has none of them.
    NotAny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At least 1.
    pub limit: u64,
    /// The identifier of the object next to the page, as the client gave it.
    pub marker: Option<String>,
    /// The page before the marker rather than the one after it.
    pub reverse: bool,
}
