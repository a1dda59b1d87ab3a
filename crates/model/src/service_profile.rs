//! Service profiles: what stands behind flavors.

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::ServiceProfileId;
use crate::rule::Rule;
use crate::standard::standard;

resource! {
    /// A driver of a service, and what it is told.
    ServiceProfile, ServiceProfileDraft: "service_profile" / "service_profiles", titled "ServiceProfile",
    in "service_profiles", missing "ServiceProfileNotFound" "Service Profile {} could not be found.";
    settable {
        /// Text for people.
        "description": description: Option<String> as String ["description"]
            { "flavors", flags!(POST PUT FILTER SORT NULLABLE), Rule::Text(1024), Unless::Text("") }
        /// The driver, by the name that service providers know it under; empty for none.
        "driver": driver: String as String ["driver"]
            { "flavors", flags!(POST PUT FILTER SORT), Rule::Text(1024), Unless::Text("") }
        /// What the driver is told.
        "metainfo": metainfo: String as String ["metainfo"]
            { "flavors", flags!(POST PUT SORT), Rule::Text(4096), Unless::Text("") }
        /// Whether it may be used.
        "enabled": enabled: bool as bool ["enabled"]
            { "flavors", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
    }
    computed {
        /// Its identifier.
        "id": id: ServiceProfileId ["id"] { "flavors", flags!(FILTER SORT) }
    }
    mirrors {}
    internal {
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { ServiceProfile: ServiceProfileId }
