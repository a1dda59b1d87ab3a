//! NDP proxies: IPv6 addresses of ports that a router answers for outside.

use std::net::IpAddr;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{NdpProxyId, PortId, RouterId};
use crate::rule::Rule;
use crate::standard::standard;
use crate::time::Timestamp;

resource! {
    /// An IPv6 address of a port that a router answers for outside.
    NdpProxy, NdpProxyDraft: "ndp_proxy" / "ndp_proxies", titled "NDPProxy", in "ndp_proxies",
    missing "NDPProxyNotFound" "Ndp proxy {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "l3-ndp-proxy", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "l3-ndp-proxy", flags!(POST SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The router that answers.
        "router_id": router_id: RouterId as RouterId ["router_id"]
            { "l3-ndp-proxy", flags!(POST SORT), Rule::Plain, Unless::Required }
        /// The port that has the address.
        "port_id": port_id: PortId as PortId ["port_id"]
            { "l3-ndp-proxy", flags!(POST SORT), Rule::Plain, Unless::Required }
        /// The address; the first that the router reaches where a request leaves it out.
        "ip_address": ip_address: Option<IpAddr> as IpAddr ["ip_address"]
            { "l3-ndp-proxy", flags!(POST SORT NULLABLE), Rule::Plain, Unless::Null }
        /// Text for people.
        "description": description: String as String ["description"]
            { "l3-ndp-proxy", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: NdpProxyId ["id"] { "l3-ndp-proxy", flags!(SORT) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {}
    internal {}
}

standard! { NdpProxy: NdpProxyId, project_id created_at updated_at }
