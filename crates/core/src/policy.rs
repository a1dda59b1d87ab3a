//! Who may do what: the seam, and the rules that hold without a policy file.
//!
//! Decisions fall here, inside the transaction, on the stored object. An action that is not known is denied.

use nucleon_model::{Attribute, Flags, ResourceDecl};

use crate::caller::Caller;

/// A thing that somebody wants to do with a resource, or with one attribute of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
    Get,
}

impl Action {
    /// As in rule names: `create_port`.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Get => "get",
        }
    }
}

/// What policy knows of the object.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub project_id: &'a str,
    /// The project of the network that the object is on, where it is on one.
    pub network_project_id: Option<&'a str>,
    /// Whether every project may use the object (a network's `shared`, or that of its network).
    pub shared: bool,
}

/// The rules of a cloud.
pub trait Policy: Send + Sync + std::fmt::Debug {
    fn allows(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        target: &Target<'_>,
    ) -> bool;

    /// Whether `action` may touch one guarded attribute.
    fn allows_attribute(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        attribute: &Attribute,
        target: &Target<'_>,
    ) -> bool;
}

/// Neutron's defaults, in so far as they concern the resources here: administrators may do all; members act within
/// their project, readers look; shared networks can be seen and used by everybody; what maps networks to hardware or
/// ports to hosts is for administrators and services.
#[derive(Debug, Default)]
pub struct DefaultPolicy;

/// Port attributes that the owner of the network may set beside the administrator.
const NETWORK_OWNERS: &[&str] =
    &["mac_address", "fixed_ips", "device_owner", "device_id", "allowed_address_pairs"];

/// Attributes that services (the compute service above all) may set and see.
const SERVICES: &[&str] = &[
    "binding:host_id",
    "binding:profile",
    "binding:vif_type",
    "binding:vif_details",
    "mac_address",
    "fixed_ips",
    "device_owner",
    "device_id",
];

/// Guarded attributes whose reading is open to whoever sees the object.
const READABLE: &[&str] = &[
    "shared",
    "router:external",
    "mtu",
    "mac_address",
    "fixed_ips",
    "device_owner",
    "device_id",
    "allowed_address_pairs",
    "binding:vnic_type",
];

/// Guarded attributes that any member may set on what is theirs.
const MEMBERS: &[&str] = &["mtu", "binding:vnic_type"];

impl Policy for DefaultPolicy {
    fn allows(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        target: &Target<'_>,
    ) -> bool {
        if caller.is_admin() {
            return true;
        }
        if matches!(on.name, "agent" | "segment") {
            return false;
        }
        if caller.has_role("service") && matches!(on.name, "port") {
            return true;
        }
        let owns = !caller.project_id().is_empty() && caller.project_id() == target.project_id;
        let owns_network = !caller.project_id().is_empty()
            && target.network_project_id == Some(caller.project_id());
        let reader =
            caller.has_role("reader") || caller.has_role("member") || caller.has_role("manager");
        let member = caller.has_role("member") || caller.has_role("manager");
        match (on.name, action) {
            ("network" | "subnet", Action::Get) => reader && (owns || target.shared),
            ("port", Action::Get) => reader && (owns || owns_network),
            ("subnet", Action::Create) => member && owns_network,
            ("port", Action::Create) => member && owns && (owns_network || target.shared),
            ("subnet", _) | ("port", Action::Delete) => member && (owns || owns_network),
            ("network" | "port", _) => member && owns,
            _ => false,
        }
    }

    fn allows_attribute(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        attribute: &Attribute,
        target: &Target<'_>,
    ) -> bool {
        if caller.is_admin() || !attribute.is(Flags::GUARDED) {
            return true;
        }
        if on.name == "port" && caller.has_role("service") && SERVICES.contains(&attribute.name) {
            return true;
        }
        match action {
            Action::Get => READABLE.contains(&attribute.name),
            Action::Create | Action::Update => {
                let owns_network = !caller.project_id().is_empty()
                    && target.network_project_id == Some(caller.project_id());
                MEMBERS.contains(&attribute.name)
                    || (on.name == "port" && owns_network && NETWORK_OWNERS.contains(&attribute.name))
                    // An ordinary device_owner on one's own port is nobody else's business; `network:*` is
                    // refused where the value is known (CVE-2015-5240).
                    || (on.name == "port" && matches!(attribute.name, "device_owner" | "device_id"))
            }
            Action::Delete => false,
        }
    }
}
