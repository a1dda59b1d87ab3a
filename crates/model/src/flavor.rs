//! Flavors: which kind of a service is wanted, in words for people.

use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{FlavorId, ServiceProfileId};
use crate::rule::Rule;
use crate::standard::standard;
use crate::value::{AttrValue, Invalid, PyText, from_text, list};

/// The services that a flavor may be of.
const SERVICES: &[&str] = &[
    "CORE",
    "L3_ROUTER_NAT",
    "FLAVORS",
    "QOS",
    "METERING",
    "LOGGING",
    "PORTFORWARDING",
    "FLOATINGIPPOOL",
    "NETWORK_SEGMENT_RANGE",
    "CONNTRACKHELPER",
    "NDPPROXY",
    "LOCAL_IP",
    "PVLAN",
];

/// The name of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceType(pub String);

impl AttrValue for ServiceType {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let known = value.as_str().filter(|name| SERVICES.contains(name));
        known.map(|name| Self(name.to_owned())).ok_or_else(|| {
            let text = format!("Invalid service type: {}.", PyText(value));
            Invalid::typed("InvalidServiceType", text)
        })
    }
}

impl AttrValue for Vec<ServiceProfileId> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        list(value)?.iter().map(|id| from_text(id, "UUID")).collect()
    }
}

resource! {
    /// Which kind of a service is wanted, in words for people.
    Flavor, FlavorDraft: "flavor" / "flavors", titled "Flavor", in "flavors";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "flavors", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Text for people.
        "description": description: Option<String> as String ["description"]
            { "flavors", flags!(POST PUT FILTER SORT NULLABLE), Rule::Text(1024), Unless::Text("") }
        /// The service that it is of.
        "service_type": service_type: String as ServiceType ["service_type"]
            { "flavors", flags!(POST FILTER SORT), Rule::Plain, Unless::Required }
        /// Profiles that it is bound to. They are bound one by one: what a request for the flavor says of them is read
        /// and changes nothing, as in Neutron.
        "service_profiles": service_profiles: Vec<ServiceProfileId> as Vec<ServiceProfileId>
            { "flavors", flags!(POST PUT), Rule::Plain, Unless::EmptyList }
        /// Whether it may be used.
        "enabled": enabled: bool as bool ["enabled"]
            { "flavors", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
    }
    computed {
        /// Its identifier.
        "id": id: FlavorId ["id"] { "flavors", flags!(FILTER SORT) }
    }
    mirrors {}
    internal {
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { Flavor: FlavorId }

resource! {
    /// A service profile as a flavor is bound to it.
    FlavorProfile, FlavorProfileDraft: "service_profile" / "service_profiles", titled "FlavorServiceProfile",
    in "flavor_service_profiles", ruled "flavor_service_profile";
    settable {
        /// The profile.
        "id": id: ServiceProfileId as ServiceProfileId ["service_profile_id"]
            { "flavors", flags!(POST), Rule::Plain, Unless::Required }
    }
    computed {}
    mirrors {}
    internal {
        /// The flavor.
        flavor_id: FlavorId ["flavor_id"]
    }
}
