//! Subnet pools: prefixes that subnets are cut from.

use std::borrow::Cow;
use std::fmt;

use nucleon_net::IpNet;
use serde::{Serialize, Serializer};

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{AddressScopeId, SubnetPoolId};
use crate::rule::Rule;
use crate::shape::{Shape, Shaped};
use crate::standard::standard;
use crate::stored::{BadCell, Cell, CellKind, Stored};
use crate::time::Timestamp;

/// The length of a prefix, which answers write as text: `"26"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PrefixLength(pub u8);

impl fmt::Display for PrefixLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for PrefixLength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Stored for PrefixLength {
    const KIND: CellKind = CellKind::Int;

    fn to_cell(&self) -> Cell {
        self.0.to_cell()
    }

    fn from_cell(cell: Cell) -> Result<Self, BadCell> {
        u8::from_cell(cell).map(Self)
    }
}

impl Shaped for PrefixLength {
    const SHAPE: Shape = Shape::Digits;

    fn fact(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.to_string()))
    }
}

resource! {
    /// Prefixes of one family that subnets are cut from.
    SubnetPool, SubnetPoolDraft: "subnetpool" / "subnetpools", titled "SubnetPool", in "subnetpools",
    missing "SubnetPoolNotFound" "Subnet pool {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "subnetpool", flags!(POST PUT FILTER SORT), Rule::SomeText(255), Unless::Required }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The prefixes, as few as cover them.
        "prefixes": prefixes: Vec<IpNet> as Vec<IpNet> ["prefixes"]
            { "subnetpool", flags!(POST PUT), Rule::Plain, Unless::Required }
        /// How much of it the subnets of one project may cover: in addresses of IPv4, in prefixes of length 64 of IPv6.
        "default_quota": default_quota: Option<i64> as i64 ["default_quota"]
            { "subnetpool", flags!(POST PUT FILTER SORT), Rule::Range(0, i64::MAX), Unless::Unset }
        /// The length of the prefix of a subnet that asks for none.
        "default_prefixlen": default_prefixlen: PrefixLength as i64 ["default_prefixlen"]
            { "subnetpool", flags!(POST PUT FILTER SORT), Rule::Range(0, i64::MAX), Unless::Unset }
        /// The shortest prefix that a subnet may have.
        "min_prefixlen": min_prefixlen: PrefixLength as i64 ["min_prefixlen"]
            { "subnetpool", flags!(POST PUT FILTER SORT), Rule::Range(0, i64::MAX), Unless::Unset }
        /// The longest prefix that a subnet may have.
        "max_prefixlen": max_prefixlen: PrefixLength as i64 ["max_prefixlen"]
            { "subnetpool", flags!(POST PUT FILTER SORT), Rule::Range(0, i64::MAX), Unless::Unset }
        /// Whether subnets come from it that name no pool.
        "is_default": is_default: bool as bool ["is_default"]
            { "subnetpool", flags!(POST PUT FILTER SORT FOR_POLICY GUARDED), Rule::Plain, Unless::Bool(false) }
        /// The scope within which its addresses mean one thing.
        "address_scope_id": address_scope_id: Option<AddressScopeId> as AddressScopeId ["address_scope_id"]
            { "address-scope", flags!(POST PUT FILTER SORT NULLABLE), Rule::Plain, Unless::Unset }
        /// Whether the viewer's project may use it though it is another's.
        "shared": shared: bool as bool
            { "subnetpool", flags!(POST FILTER SORT FOR_POLICY GUARDED), Rule::Plain, Unless::Bool(false) }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: SubnetPoolId ["id"] { "subnetpool", flags!(FILTER SORT) }
        /// The IP version of its prefixes: 4 or 6.
        "ip_version": ip_version: i64 ["ip_version"] { "subnetpool", flags!(FILTER SORT) }
        /// Text labels.
        "tags": tags: Vec<String> ["tags"] { "standard-attr-tag", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "subnetpool", flags!(POST FILTER SORT) }
    }
    internal {
        /// Its IP version if it is the default one, of which a unique key lets there be one each.
        default_for: Option<i64> ["default_for"]
    }
}

standard! { SubnetPool: SubnetPoolId, project_id created_at updated_at tags }

impl SubnetPool {
    /// How many bits its addresses have.
    pub fn address_bits(&self) -> u8 {
        if self.ip_version == 4 { 32 } else { 128 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::value::AttrValue;

    #[test]
    fn prefixes_are_read_once_each_and_without_host_bits() {
        let read = |value| Vec::<IpNet>::from_json(&value, &Rule::Plain).map_err(|e| e.to_string());
        let prefixes = read(json!(["10.11.12.13/24", "fd00::/48"])).unwrap();
        assert_eq!(format!("{prefixes:?}"), "[10.11.12.0/24, fd00::/48]");
        assert_eq!(
            read(json!(["10.0.0.0/8", "10.0.0.0/8"])).unwrap_err(),
            "Duplicate items in the list: '10.0.0.0/8'"
        );
        assert_eq!(read(json!("10.0.0.0/8")).unwrap_err(), "'10.0.0.0/8' is not a list");
        assert_eq!(read(json!(["x"])).unwrap_err(), "'x' is not a valid IP subnet");
    }

    #[test]
    fn lengths_are_written_as_text_and_kept_as_numbers() {
        assert_eq!(json!(PrefixLength(26)), json!("26"));
        assert_eq!(PrefixLength(26).to_cell(), Cell::Int(26));
        assert_eq!(PrefixLength::from_cell(Cell::Int(26)), Ok(PrefixLength(26)));
    }
}
