//! Floating IP pools: subnets of networks outside that floating IPs can come from.

use nucleon_net::IpNet;

use crate::attribute::flags;
use crate::declare::resource;
use crate::id::{NetworkId, SubnetId};
use crate::standard::standard;

resource! {
    /// A subnet that floating IPs can come from, as the project sees it that asks.
    FloatingIpPool, FloatingIpPoolDraft: "floatingip_pool" / "floatingip_pools", titled "FloatingIpPool", in "subnets",
    missing "SubnetNotFound" "Subnet {} could not be found.";
    settable {}
    computed {
        /// The subnet.
        "subnet_id": id: SubnetId ["id"] { "floatingip-pools", flags!() }
        /// The subnet's name.
        "subnet_name": subnet_name: String ["name"] { "floatingip-pools", flags!() }
        /// The network outside.
        "network_id": network_id: NetworkId ["network_id"] { "floatingip-pools", flags!() }
        /// The prefix that its addresses are of.
        "cidr": cidr: Option<IpNet> ["cidr"] { "floatingip-pools", flags!() }
        /// The project that asks.
        "project_id": project_id: String { "floatingip-pools", flags!() }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "floatingip-pools", flags!() }
    }
    internal {
        /// The subnet's revision.
        revision_number: i64 ["revision_number"]
    }
}

standard! { FloatingIpPool: SubnetId, project_id }
