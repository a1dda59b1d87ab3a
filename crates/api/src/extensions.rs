//! Which extensions are served, and with them which attributes.

use nucleon_core::Settings;
use nucleon_model::{AttrSet, EXTENSIONS, Extension, Readiness, ResourceDecl};
use serde::Serialize;

/// Whether extensions are served that only the API knows (`api_preview`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preview {
    Hidden,
    Shown,
}

impl Preview {
    pub const fn of(settings: &Settings) -> Self {
        if settings.api_preview { Self::Shown } else { Self::Hidden }
    }
}

/// The extensions that this server answers for.
#[derive(Debug, Clone)]
pub struct Extensions(Vec<&'static Extension>);

impl Extensions {
    pub fn new(preview: Preview) -> Self {
        let served = |extension: &&Extension| match extension.readiness {
            Readiness::Works => true,
            Readiness::Preview => preview == Preview::Shown,
            Readiness::NotYet => false,
        };
        Self(EXTENSIONS.iter().filter(served).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &'static Extension> {
        self.0.iter().copied()
    }

    pub fn find(&self, alias: &str) -> Option<&'static Extension> {
        self.iter().find(|extension| extension.alias == alias)
    }

    /// Whether a resource is the core API's, or of an extension that is served: the one that brings its identifier.
    pub fn serve(&self, decl: &ResourceDecl) -> bool {
        let alias = decl.find("id").map_or(decl.name, |(_, id)| id.alias);
        EXTENSIONS.iter().all(|extension| extension.alias != alias) || self.find(alias).is_some()
    }

    /// The attributes of a resource that are the core API's or an extension's that is served.
    pub fn attributes(&self, decl: &ResourceDecl) -> AttrSet {
        decl.select(|attribute| {
            attribute.alias == decl.name || self.find(attribute.alias).is_some()
        })
    }
}

/// An extension as the API shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    name: &'static str,
    alias: &'static str,
    description: &'static str,
    updated: &'static str,
    links: [&'static str; 0],
}

impl From<&'static Extension> for Shown {
    fn from(extension: &'static Extension) -> Self {
        let Extension { name, alias, description, updated, readiness: _ } = extension;
        Self { name, alias, description, updated, links: [] }
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::{
        AddressGroup, Agent, ConntrackHelper, DefaultSecurityGroupRule, Network, Port, PortBinding,
        Resource, Router, SecurityGroup, SecurityGroupRule, Segment, Statefulness, Subnet, Trunk,
    };

    use super::*;

    #[test]
    fn a_preview_is_shown_only_when_asked_for() {
        let hidden = Extensions::new(Preview::Hidden);
        let shown = Extensions::new(Preview::Shown);
        assert!(hidden.find("allowed-address-pairs").is_none());
        assert!(shown.find("allowed-address-pairs").is_some());
        assert!(hidden.find("provider").is_some());
    }

    #[test]
    fn the_attributes_of_a_hidden_extension_are_not_served() {
        let (index, _) = Port::DECL.find("allowed_address_pairs").unwrap();
        assert!(!Extensions::new(Preview::Hidden).attributes(Port::DECL).contains(index));
        assert!(Extensions::new(Preview::Shown).attributes(Port::DECL).contains(index));
    }

    #[test]
    fn a_resource_comes_with_its_extension() {
        for (preview, routers) in [(Preview::Hidden, false), (Preview::Shown, true)] {
            let extensions = Extensions::new(preview);
            assert!(extensions.serve(Network::DECL) && extensions.serve(Agent::DECL));
            assert_eq!(extensions.serve(Router::DECL), routers);
        }
    }

    #[test]
    fn every_alias_of_an_attribute_is_an_extension_or_the_resource() {
        let shown = Extensions::new(Preview::Shown);
        for decl in [
            Network::DECL,
            Subnet::DECL,
            Port::DECL,
            PortBinding::DECL,
            Segment::DECL,
            Agent::DECL,
            Router::DECL,
            ConntrackHelper::DECL,
            SecurityGroup::DECL,
            SecurityGroupRule::DECL,
            DefaultSecurityGroupRule::DECL,
            Statefulness::DECL,
            AddressGroup::DECL,
            Trunk::DECL,
        ] {
            assert_eq!(shown.attributes(decl), decl.select(|_| true), "{}", decl.name);
        }
    }
}
