//! Availability zones: what the agents of a place can be asked to carry.

use crate::agent::AgentType;
use crate::attribute::flags;
use crate::declare::resource;
use crate::id::AgentId;
use crate::standard::standard;

/// `state` of a zone with an agent that takes new work.
pub const AVAILABLE: &str = "available";
/// `state` of a zone whose agents are all switched off.
pub const UNAVAILABLE: &str = "unavailable";

/// What can be placed in zones, and the agents that carry it.
const CARRIERS: &[(&str, AgentType)] = &[("network", AgentType::Dhcp), ("router", AgentType::L3)];

resource! {
    /// A place where networks or routers can be served.
    AvailabilityZone, AvailabilityZoneDraft: "availability_zone" / "availability_zones", titled "AvailabilityZone", in "agents";
    settable {}
    computed {
        /// Its name.
        "name": name: String ["availability_zone"] { "availability_zone", flags!(FILTER) }
        /// What can be placed there: `network` or `router`.
        "resource": resource: String { "availability_zone", flags!(FILTER) }
        /// Whether an agent there takes new work.
        "state": state: String { "availability_zone", flags!(FILTER) }
    }
    mirrors {}
    internal {
        /// Nothing names a zone but its name.
        id: AgentId
        /// Who asks: everybody sees the zones.
        project_id: String
        /// Agents change; zones are only what they have in common.
        revision_number: i64
    }
}

standard! { AvailabilityZone: AgentId, project_id }

impl AvailabilityZone {
    /// The types of agent that make zones.
    pub fn agent_types() -> impl Iterator<Item = AgentType> {
        CARRIERS.iter().map(|(_, carrier)| *carrier)
    }

    /// The zone that an agent of a type makes; `None` where agents of that type carry nothing that is placed.
    pub fn made_by(agent_type: &str, name: &str, takes_work: bool) -> Option<Self> {
        let (resource, _) = CARRIERS.iter().find(|(_, carrier)| carrier.as_str() == agent_type)?;
        Some(Self {
            name: name.to_owned(),
            resource: (*resource).to_owned(),
            state: if takes_work { AVAILABLE } else { UNAVAILABLE }.to_owned(),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_make_zones_of_what_they_carry() {
        let zone = AvailabilityZone::made_by("DHCP agent", "north", true).unwrap();
        assert_eq!((zone.resource.as_str(), zone.state.as_str()), ("network", "available"));
        let zone = AvailabilityZone::made_by("L3 agent", "north", false).unwrap();
        assert_eq!((zone.resource.as_str(), zone.state.as_str()), ("router", "unavailable"));
        assert_eq!(AvailabilityZone::made_by("Open vSwitch agent", "north", true), None);
    }
}
