//! Who may do what: the seam, and the rules that hold without a policy file.
//!
//! Decisions fall here, inside the transaction, on the stored object. An action that is not known is denied.

use std::borrow::Cow;

use nucleon_model::{Attribute, Flags, ResourceDecl, Standard};

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

/// What policy can learn of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    Value(Cow<'a, str>),
    /// There is no such attribute, or it has no value.
    Missing,
    /// It is another object's, which was not looked up.
    NotLoaded,
}

/// An object as rules see it: its attributes by name, and its parent's as `network:project_id`.
pub trait Target {
    fn value(&self, name: &str) -> Lookup<'_>;
}

/// Any record is a target.
#[derive(Debug)]
pub(crate) struct Object<'a, R>(pub(crate) &'a R);

impl<R: Standard> Target for Object<'_, R> {
    fn value(&self, name: &str) -> Lookup<'_> {
        let found = match name {
            "project_id" | "tenant_id" => Some(Cow::Borrowed(self.0.project_id())),
            _ => match R::DECL.find(name) {
                Some((index, _)) => self.0.fact(index),
                None if is_of_parent(name) => match self.0.parent_project() {
                    Some(project) => Some(Cow::Borrowed(project)),
                    None => return Lookup::NotLoaded,
                },
                None => None,
            },
        };
        found.map_or(Lookup::Missing, Lookup::Value)
    }
}

/// `network:project_id` and its like. (`provider:network_type` is an attribute of the object's own.)
fn is_of_parent(name: &str) -> bool {
    name.split_once(':')
        .is_some_and(|(_, attribute)| matches!(attribute, "project_id" | "tenant_id"))
}

/// What the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    /// It hangs on the parent, which was not looked up.
    NeedsParent,
}

/// The rules of a cloud.
pub trait Policy: Send + Sync + std::fmt::Debug {
    fn allows(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        target: &dyn Target,
    ) -> Verdict;

    /// Whether `action` may touch one guarded attribute, or one member of it.
    fn allows_attribute(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        attribute: (&Attribute, Option<&str>),
        target: &dyn Target,
    ) -> Verdict;
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

/// Whether an attribute has a value; `None` where it was not looked up.
fn is(target: &dyn Target, name: &str, value: &str) -> Option<bool> {
    match target.value(name) {
        Lookup::Value(found) => Some(found == value),
        Lookup::Missing => Some(false),
        Lookup::NotLoaded => None,
    }
}

fn verdict(any: &[Option<bool>]) -> Verdict {
    if any.contains(&Some(true)) {
        Verdict::Allowed
    } else if any.contains(&None) {
        Verdict::NeedsParent
    } else {
        Verdict::Denied
    }
}

impl Policy for DefaultPolicy {
    fn allows(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        target: &dyn Target,
    ) -> Verdict {
        if caller.is_admin() || (caller.has_role("service") && on.name == "port") {
            return Verdict::Allowed;
        }
        let reader =
            caller.has_role("reader") || caller.has_role("member") || caller.has_role("manager");
        let member = caller.has_role("member") || caller.has_role("manager");
        if matches!(on.name, "agent" | "segment") || caller.project_id().is_empty() || !reader {
            return Verdict::Denied;
        }
        let owns = is(target, "project_id", caller.project_id());
        let owns_network = || is(target, "network:project_id", caller.project_id());
        let shared =
            || Some(is(target, "shared", "True")? || is(target, "router:external", "True")?);
        match (on.name, action) {
            ("network" | "subnet", Action::Get) => verdict(&[owns, shared()]),
            ("port", Action::Get) => verdict(&[owns, owns_network()]),
            _ if !member => Verdict::Denied,
            ("subnet", Action::Create) => verdict(&[owns_network()]),
            ("subnet", _) | ("port", Action::Delete) => verdict(&[owns, owns_network()]),
            _ => verdict(&[owns]),
        }
    }

    fn allows_attribute(
        &self,
        caller: &Caller,
        action: Action,
        on: &ResourceDecl,
        (attribute, _): (&Attribute, Option<&str>),
        target: &dyn Target,
    ) -> Verdict {
        let services = on.name == "port" && caller.has_role("service");
        if caller.is_admin()
            || !attribute.is(Flags::GUARDED)
            || (services && SERVICES.contains(&attribute.name))
        {
            return Verdict::Allowed;
        }
        match action {
            Action::Get => verdict(&[Some(READABLE.contains(&attribute.name))]),
            // An ordinary device_owner on one's own port is nobody else's business; `network:*` is refused where the
            // value is known (CVE-2015-5240).
            Action::Create | Action::Update
                if MEMBERS.contains(&attribute.name)
                    || (on.name == "port"
                        && matches!(attribute.name, "device_owner" | "device_id")) =>
            {
                Verdict::Allowed
            }
            Action::Create | Action::Update
                if on.name == "port" && NETWORK_OWNERS.contains(&attribute.name) =>
            {
                verdict(&[is(target, "network:project_id", caller.project_id())])
            }
            _ => Verdict::Denied,
        }
    }
}
