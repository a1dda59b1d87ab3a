//! Address scopes: within one, an address means one thing.

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::AddressScopeId;
use crate::rule::Rule;
use crate::standard::standard;

resource! {
    /// A scope within which addresses do not overlap.
    AddressScope, AddressScopeDraft: "address_scope" / "address_scopes", titled "AddressScope", in "address_scopes",
    at "address-scopes", missing "AddressScopeNotFound" "Address scope {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "address-scope", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The IP version of its addresses: 4 or 6.
        "ip_version": ip_version: i64 as i64 ["ip_version"]
            { "address-scope", flags!(POST FILTER SORT), Rule::OneOfInt(&[4, 6]), Unless::Required }
        /// Whether the viewer's project may use it though it is another's.
        "shared": shared: bool as bool
            { "address-scope", flags!(POST PUT FILTER SORT FOR_POLICY GUARDED), Rule::Plain, Unless::Bool(false) }
    }
    computed {
        /// Its identifier.
        "id": id: AddressScopeId ["id"] { "address-scope", flags!(FILTER SORT) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "address-scope", flags!(POST FILTER SORT) }
    }
    internal {
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { AddressScope: AddressScopeId, project_id }
