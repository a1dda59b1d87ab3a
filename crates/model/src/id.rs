//! One identifier type for each resource, so that a function never takes two bare UUIDs.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::rule::Rule;
use crate::shape::{Shape, Shaped};
use crate::stored::stored_as_text;
use crate::value::{AttrValue, Invalid, from_text};

/// A text that is no UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a valid UUID.")]
pub struct InvalidId(pub String);

/// What all identifiers can do.
pub trait Id:
    Copy
    + Default
    + Ord
    + fmt::Display
    + fmt::Debug
    + FromStr<Err = InvalidId>
    + From<Uuid>
    + Send
    + Sync
    + 'static
{
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl Id for $name {}

        impl Shaped for $name {
            const SHAPE: Shape = Shape::Uuid;

            fn fact(&self) -> Option<Cow<'_, str>> {
                Some(Cow::Owned(self.to_string()))
            }
        }

        impl AttrValue for $name {
            fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
                from_text(value, "UUID")
            }
        }

        stored_as_text! { $name }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId(text.to_owned()))
            }
        }
    )*};
}

ids! {
    AddressGroupId
    AddressScopeId
    AgentId
    ConntrackHelperId
    DefaultSecurityGroupRuleId
    FlavorId
    FloatingIpId
    LocalIpAssociationId
    LocalIpId
    LogId
    MeteringLabelId
    MeteringLabelRuleId
    NdpProxyId
    NetworkId
    NetworkSegmentRangeId
    PortForwardingId
    PortId
    QosPolicyId
    QosRuleId
    RbacPolicyId
    RouterId
    SecurityGroupId
    SecurityGroupRuleId
    SegmentId
    ServiceProfileId
    SharedObjectId
    StatefulnessId
    SubnetId
    SubnetPoolId
    TrunkId
}
