//! Conntrack helpers: protocols whose further connections routers let through.

use serde::Serialize;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{ConntrackHelperId, RouterId};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;

/// Protocols that a helper may be about.
pub(crate) const PROTOCOLS: &[&str] = &["dccp", "icmp", "ipv6-icmp", "sctp", "tcp", "udp"];

resource! {
    /// A helper of a router's connection tracking, on one port.
    ConntrackHelper, ConntrackHelperDraft: "conntrack_helper" / "conntrack_helpers", titled "ConntrackHelper",
    in "conntrack_helpers", missing "ConntrackHelperNotFound" "Conntrack Helper {} could not be found.",
    ruled "router_conntrack_helper";
    settable {
        /// Whose it is: its router's.
        "project_id": project_id: String as String
            { "l3-conntrack-helper", flags!(POST HIDDEN FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The protocol of the connections that it follows.
        "protocol": protocol: String as String ["protocol"]
            { "l3-conntrack-helper", flags!(POST PUT FILTER SORT), Rule::OneOf(PROTOCOLS), Unless::Required }
        /// Their port.
        "port": port: i64 as i64 ["port"]
            { "l3-conntrack-helper", flags!(POST PUT FILTER SORT), Rule::Range(1, 65535), Unless::Required }
        /// The helper's name.
        "helper": helper: String as String ["helper"]
            { "l3-conntrack-helper", flags!(POST PUT FILTER SORT), Rule::Text(64), Unless::Required }
    }
    computed {
        /// Its identifier.
        "id": id: ConntrackHelperId ["id"] { "l3-conntrack-helper", flags!(FILTER SORT) }
    }
    mirrors {}
    internal {
        /// The router that it is of.
        router_id: RouterId ["router_id"]
        /// Whose that router is, where it was looked up.
        parent_project: Option<String>
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { ConntrackHelper: ConntrackHelperId, project_id parent_project }

/// A conntrack helper as its router shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HelperOfRouter {
    pub protocol: String,
    pub port: i64,
    pub helper: String,
}

shaped! {
    HelperOfRouter => Shape::Object(&[
        ("protocol", Shape::Text),
        ("port", Shape::Int),
        ("helper", Shape::Text),
    ]);
}

impl From<ConntrackHelper> for HelperOfRouter {
    fn from(helper: ConntrackHelper) -> Self {
        let ConntrackHelper { protocol, port, helper, .. } = helper;
        Self { protocol, port, helper }
    }
}
