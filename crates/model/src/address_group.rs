//! Address groups: named sets of addresses that rules of security groups refer to.

use nucleon_net::IpNet;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::AddressGroupId;
use crate::rule::Rule;
use crate::standard::standard;
use crate::time::Timestamp;

resource! {
    /// A named set of addresses that rules of security groups refer to.
    AddressGroup, AddressGroupDraft: "address_group" / "address_groups", titled "AddressGroup", in "address_groups",
    at "address-groups", missing "AddressGroupNotFound" "Address group {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "address-group", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Text for people.
        "description": description: String as String ["description"]
            { "address-group", flags!(POST PUT FILTER SORT), Rule::Text(1024), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "address-group", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The addresses, as prefixes.
        "addresses": addresses: Vec<IpNet> as Vec<IpNet> ["addresses"]
            { "address-group", flags!(POST NULLABLE), Rule::Plain, Unless::Unset }
    }
    computed {
        /// Its identifier.
        "id": id: AddressGroupId ["id"] { "address-group", flags!(FILTER SORT) }
        /// Whether the viewer's project may use it though it is another's.
        "shared": shared: bool { "address-group", flags!(HIDDEN) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it, or its set of addresses, was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "address-group", flags!(POST FILTER SORT) }
    }
    internal {}
}

standard! { AddressGroup: AddressGroupId, project_id created_at updated_at }
