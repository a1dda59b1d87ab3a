//! The resources of the Networking API, each declared once, and the views that agents follow.
//!
//! A declaration (`resource!`) yields a typed record, a typed request and a static table of attributes. Generic code
//! elsewhere walks the table: parsing, filtering, sorting, rendering, storage, documentation. What is special about a
//! resource is not here but in `core`, under the same noun.
//!
//! ```text
//!   resource! { Port … } ──► Port        the record        db ⇄ core ► api
//!                       ├──► PortDraft   the request       api ► core
//!                       └──► Port::DECL  the attributes    api, db, docs
//! ```

mod attribute;
mod declare;
mod extension;
mod field;
mod id;
mod protocol;
mod query;
mod rule;
mod shape;
mod standard;
mod stored;
pub mod time;
mod value;

pub mod address_group;
pub mod address_scope;
pub mod agent;
pub mod availability_zone;
pub mod conntrack_helper;
pub mod default_security_group_rule;
pub mod flavor;
pub mod floating_ip;
mod floating_ip_pool;
pub mod local_ip;
pub mod log;
pub mod metering_label;
pub mod metering_label_rule;
mod ndp_proxy;
pub mod network;
pub mod network_ip_availability;
pub mod network_segment_range;
pub mod port;
pub mod port_binding;
pub mod port_forwarding;
pub mod qos_policy;
pub mod qos_rule;
pub mod qos_rule_type;
pub mod rbac_policy;
pub mod router;
pub mod security_group;
pub mod security_group_rule;
pub mod segment;
pub mod service_profile;
pub mod statefulness;
pub mod subnet;
pub mod subnetpool;
pub mod trunk;
pub mod view;

pub use crate::address_group::{AddressGroup, AddressGroupDraft};
pub use crate::address_scope::{AddressScope, AddressScopeDraft};
pub use crate::agent::{Agent, AgentDraft, AgentType};
pub use crate::attribute::{AttrSet, Attribute, Default as AttrDefault, Flags, ResourceDecl};
pub use crate::availability_zone::{AvailabilityZone, AvailabilityZoneDraft};
pub use crate::conntrack_helper::{ConntrackHelper, ConntrackHelperDraft};
pub use crate::declare::{Asked, Draft, Resource};
pub use crate::default_security_group_rule::{
    DefaultSecurityGroupRule, DefaultSecurityGroupRuleDraft,
};
pub use crate::extension::{EXTENSIONS, Extension, Readiness};
pub use crate::field::Field;
pub use crate::flavor::{Flavor, FlavorDraft, FlavorProfile, FlavorProfileDraft, ServiceType};
pub use crate::floating_ip::{FloatingIp, FloatingIpDraft};
pub use crate::floating_ip_pool::{FloatingIpPool, FloatingIpPoolDraft};
pub use crate::id::*;
pub use crate::local_ip::{LocalIp, LocalIpAssociation, LocalIpAssociationDraft, LocalIpDraft};
pub use crate::log::{Log, LogDraft};
pub use crate::metering_label::{MeteringLabel, MeteringLabelDraft};
pub use crate::metering_label_rule::{MeteredPrefix, MeteringLabelRule, MeteringLabelRuleDraft};
pub use crate::ndp_proxy::{NdpProxy, NdpProxyDraft};
pub use crate::network::{Network, NetworkDraft, ProviderSegment};
pub use crate::network_ip_availability::{
    AddressCount, AvailabilityDetails, NetworkIpAvailability, NetworkIpAvailabilityDraft,
    SubnetIpAvailability,
};
pub use crate::network_segment_range::{NetworkSegmentRange, NetworkSegmentRangeDraft};
pub use crate::port::{
    AddressPair, DnsAssignment, ExtraDhcpOpt, FixedIp, FixedIpRequest, Port, PortDraft, PortHints,
    RequestGroup, ResourceRequest,
};
pub use crate::port_binding::{PortBinding, PortBindingDraft};
pub use crate::port_forwarding::{PortForwarding, PortForwardingDraft};
pub use crate::protocol::{InvalidProtocol, Protocol};
pub use crate::qos_policy::{QosPolicy, QosPolicyDraft};
pub use crate::qos_rule::{
    Aliased, BandwidthLimitRule, BandwidthLimitRuleDraft, DscpMarkingRule, DscpMarkingRuleDraft,
    HasAlias, MinimumBandwidthRule, MinimumBandwidthRuleDraft, MinimumPacketRateRule,
    MinimumPacketRateRuleDraft, PacketRateLimitRule, PacketRateLimitRuleDraft, QosDirection,
    QosRule, QosRuleKind, RuleOfKind,
};
pub use crate::qos_rule_type::{QosRuleType, QosRuleTypeDraft, RuleTypeDriver, SupportedRule};
pub use crate::query::{Direction, Filter, FixedIpFilter, ListQuery, Load, Page, TagFilter};
pub use crate::rbac_policy::{RbacPolicy, RbacPolicyDraft, SharedType, TargetProject};
pub use crate::router::{
    Gateway, GatewayRequest, Router, RouterCarrier, RouterDraft, WantedGateway,
};
pub use crate::rule::Rule;
pub use crate::security_group::{SecurityGroup, SecurityGroupDraft};
pub use crate::security_group_rule::{
    EtherType, Flow, InvalidWord, PortBound, RulePrefix, SecurityGroupRule, SecurityGroupRuleDraft,
};
pub use crate::segment::{NetworkType, Segment, SegmentDraft};
pub use crate::service_profile::{ServiceProfile, ServiceProfileDraft};
pub use crate::shape::{Shape, Shaped};
pub use crate::standard::{FIRST_REVISION, Standard};
pub use crate::statefulness::{Statefulness, StatefulnessDraft};
pub use crate::stored::{BadCell, Cell, CellKind, Stored};
pub use crate::subnet::{HostRoute, Ipv6Mode, ServiceTypes, Subnet, SubnetDraft};
pub use crate::subnetpool::{PrefixLength, SubnetPool, SubnetPoolDraft};
pub use crate::time::Timestamp;
pub use crate::trunk::{SubPort, SubPortDetails, SubPortRequest, Trunk, TrunkDetails, TrunkDraft};
pub use crate::value::{AttrValue, Invalid, PyText};
