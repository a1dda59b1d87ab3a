//! What a subnet pool may be: its prefixes and lengths, and what its address scope asks of it.

use nucleon_db::Tx;
use nucleon_db::rbac::{ACCESS_AS_SHARED, rbac_shared_among};
use nucleon_db::subnetpool as store;
use nucleon_ipam::blocks;
use nucleon_model::{AddressScope, PrefixLength, SubnetPool, SubnetPoolDraft};
use nucleon_net::IpNet;

use crate::entity;
use crate::segment::invalid_input;
use crate::{Caller, Core, Error, Kind, Result};

/// The lengths of prefixes that subnets may have, as asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    min: i64,
    max: i64,
    /// The shortest where none is said.
    default: Option<i64>,
}

impl Bounds {
    /// What a pool has that says nothing.
    pub(super) fn new(ip_version: i64) -> Self {
        let (min, max) = if ip_version == 4 { (8, 32) } else { (64, 128) };
        Self { min, max, default: None }
    }

    pub(super) fn of(pool: &SubnetPool) -> Self {
        Self {
            min: pool.min_prefixlen.0.into(),
            max: pool.max_prefixlen.0.into(),
            default: Some(pool.default_prefixlen.0.into()),
        }
    }

    pub(super) fn with(self, draft: &SubnetPoolDraft) -> Self {
        Self {
            min: draft.min_prefixlen.get().copied().unwrap_or(self.min),
            max: draft.max_prefixlen.get().copied().unwrap_or(self.max),
            default: draft.default_prefixlen.get().copied().or(self.default),
        }
    }

    pub(super) fn put_into(self, pool: &mut SubnetPool) -> Result<()> {
        let default = self.default.unwrap_or(self.min);
        let bits = i64::from(pool.address_bits());
        for (name, value, against, limit) in [
            ("min_prefixlen", self.min, "max_prefixlen", self.max),
            ("max_prefixlen", self.max, "ip_version_max", bits),
            ("default_prefixlen", self.min, "min_prefixlen", default),
            ("default_prefixlen", default, "max_prefixlen", self.max),
        ] {
            if value > limit {
                // Of the two that do not fit, the text names the one asked for first.
                let (value, limit) =
                    if against == "min_prefixlen" { (limit, value) } else { (value, limit) };
                return Err(Error::invalid(
                    "IllegalSubnetPoolPrefixBounds",
                    format!("Illegal prefix bounds: {name}={value}, {against}={limit}."),
                ));
            }
        }
        let length = |value| PrefixLength(u8::try_from(value).unwrap_or(pool.address_bits()));
        let (min, max, default) = (length(self.min), length(self.max), length(default));
        (pool.min_prefixlen, pool.max_prefixlen, pool.default_prefixlen) = (min, max, default);
        Ok(())
    }
}

/// The one IP version of all prefixes.
pub(super) fn version(prefixes: &[IpNet]) -> Result<i64> {
    let Some(first) = prefixes.first() else {
        return Err(Error::invalid("EmptySubnetPoolPrefixList", "Empty subnet pool prefix list."));
    };
    let is_ipv4 = first.addr().is_ipv4();
    if prefixes.iter().any(|prefix| prefix.addr().is_ipv4() != is_ipv4) {
        return Err(Error::invalid(
            "PrefixVersionMismatch",
            "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.",
        ));
    }
    Ok(if is_ipv4 { 4 } else { 6 })
}

/// New prefixes of a pool, which cover all that the old ones do.
pub(super) fn only_grown(old: &[IpNet], new: &[IpNet]) -> Result<Vec<IpNet>> {
    let of_family = |prefix: &&IpNet| {
        old.first().is_some_and(|first| first.addr().is_ipv4() == prefix.addr().is_ipv4())
    };
    let alike: Vec<IpNet> = new.iter().filter(of_family).copied().collect();
    if !blocks::without(old, &alike).is_empty() {
        return Err(illegal_prefixes("Existing prefixes must be a subset of the new prefixes"));
    }
    version(new)?;
    Ok(blocks::compact(new))
}

pub(super) fn illegal_prefixes(reason: &str) -> Error {
    Error::invalid(
        "IllegalSubnetPoolPrefixUpdate",
        format!("Illegal update to prefixes: {reason}."),
    )
}

pub(super) fn illegal_update(reason: &str) -> Error {
    Error::invalid("IllegalSubnetPoolUpdate", format!("Illegal subnetpool update : {reason}."))
}

pub(super) async fn no_default_yet(tx: &mut Tx, ip_version: i64) -> Result<()> {
    match store::subnetpool_default(tx, ip_version).await? {
        None => Ok(()),
        Some(_) => Err(default_set()),
    }
}

pub(super) fn default_set() -> Error {
    invalid_input(
        "A default subnetpool for this IP family has already been set. Only one default may exist \
         per IP family",
    )
}

/// Refuses a change that the pool's scope does not allow, the one that it had and the one that it is to have.
pub(super) async fn check_changed(
    pool: &SubnetPool,
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    before: &SubnetPool,
) -> Result<()> {
    check_owner_of_scope(pool, core, tx, caller, before).await?;
    let moved = pool.address_scope_id != before.address_scope_id;
    if moved || pool.prefixes != before.prefixes {
        check_scope(pool, core, tx, caller).await?;
    }
    if moved
        && pool.address_scope_id.is_some()
        && store::subnetpool_shares_networks(tx, pool.id).await?
    {
        return Err(scope_affinity());
    }
    Ok(())
}

/// A pool in another project's scope is for administrators to change.
async fn check_owner_of_scope(
    pool: &SubnetPool,
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    before: &SubnetPool,
) -> Result<()> {
    let Some(id) = before.address_scope_id else { return Ok(()) };
    if caller.is_admin() {
        return Ok(());
    }
    let scope: AddressScope = entity::load_seen(core, tx, caller, id).await?;
    if scope.project_id == caller.project_id() {
        return Ok(());
    }
    Err(illegal_update(&format!(
        "subnetpool {} cannot be updated when associated with shared address scope {id}",
        pool.id
    )))
}

/// Whether the pool may be in its scope. The scope's row is held: the guard of all pools in it.
pub(super) async fn check_scope(
    pool: &SubnetPool,
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
) -> Result<()> {
    let Some(id) = pool.address_scope_id else { return Ok(()) };
    let scope: AddressScope = entity::load_seen(core, tx, caller, id).await?;
    if scope.ip_version != pool.ip_version {
        return Err(Error::invalid(
            "IllegalSubnetPoolIpVersionAssociationToAddressScope",
            format!(
                "Illegal subnetpool association: subnetpool {} cannot associate with address \
                 scope {id} because subnetpool ip_version is not {}.",
                pool.id, scope.ip_version
            ),
        ));
    }
    let others = store::subnetpool_prefixes_in_scope(tx, id, pool.id).await?;
    if blocks::any_meet(&pool.prefixes, &others) {
        return Err(Error::conflict(
            "AddressScopePrefixConflict",
            "Failed to associate address scope: subnetpools within an address scope must have \
             unique prefixes.",
        ));
    }
    Ok(())
}

/// Whether the pool may be shared with a project: not where that may not use the pool's scope.
pub(crate) async fn check_shareable(pool: &SubnetPool, tx: &mut Tx, target: &str) -> Result<()> {
    let Some(scope) = pool.address_scope_id else { return Ok(()) };
    let ids = [scope.to_string()];
    let scopes = nucleon_db::address_scope::OBJECT_TYPE;
    let shared = rbac_shared_among(tx, scopes, &ids, target, ACCESS_AS_SHARED).await?;
    if !shared.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Invalid,
        "RbacPolicyInitError",
        format!(
            "Failed to create RBAC policy on object {} because target project doesn't have \
             access to associated address scope..",
            pool.id
        ),
    ))
}

pub(crate) fn scope_affinity() -> Error {
    Error::invalid(
        "NetworkAddressScopeAffinityError",
        "Subnets of the same address family hosted on the same network must all participate in the \
         same address scope.",
    )
}

#[cfg(test)]
mod tests {
    use nucleon_model::Field;

    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn bounds(version: i64, min: Option<i64>, max: Option<i64>, default: Option<i64>) -> String {
        let field = |value: Option<i64>| value.map_or(Field::Absent, Field::Value);
        let draft = SubnetPoolDraft {
            min_prefixlen: field(min),
            max_prefixlen: field(max),
            default_prefixlen: field(default),
            ..SubnetPoolDraft::default()
        };
        let mut pool = SubnetPool { ip_version: version, ..SubnetPool::default() };
        match Bounds::new(version).with(&draft).put_into(&mut pool) {
            Ok(()) => {
                format!("{} {} {}", pool.min_prefixlen, pool.max_prefixlen, pool.default_prefixlen)
            }
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn lengths_have_defaults_and_an_order() {
        assert_eq!(bounds(4, None, None, None), "8 32 8");
        assert_eq!(bounds(6, None, None, None), "64 128 64");
        assert_eq!(bounds(4, Some(28), Some(30), None), "28 30 28");
        let illegal = |text: &str| format!("Illegal prefix bounds: {text}.");
        assert_eq!(
            bounds(4, Some(24), Some(20), None),
            illegal("min_prefixlen=24, max_prefixlen=20")
        );
        assert_eq!(bounds(4, None, Some(33), None), illegal("max_prefixlen=33, ip_version_max=32"));
        assert_eq!(
            bounds(4, Some(24), None, Some(23)),
            illegal("default_prefixlen=23, min_prefixlen=24")
        );
        assert_eq!(
            bounds(4, None, Some(28), Some(29)),
            illegal("default_prefixlen=29, max_prefixlen=28")
        );
    }

    #[test]
    fn prefixes_are_of_one_family_and_only_grow() {
        assert_eq!(version(&nets(&["10.0.0.0/8"])).unwrap(), 4);
        assert_eq!(version(&[]).unwrap_err().name(), "EmptySubnetPoolPrefixList");
        let mixed = nets(&["10.0.0.0/8", "fd00::/48"]);
        assert_eq!(version(&mixed).unwrap_err().name(), "PrefixVersionMismatch");
        let old = nets(&["10.0.0.0/24"]);
        let grown = only_grown(&old, &nets(&["10.0.1.0/24", "10.0.0.0/24"])).unwrap();
        assert_eq!(grown, nets(&["10.0.0.0/23"]));
        for new in [nets(&["10.0.0.0/25"]), nets(&["fd00::/48"]), Vec::new()] {
            let refused = only_grown(&old, &new).unwrap_err();
            assert_eq!(refused.name(), "IllegalSubnetPoolPrefixUpdate");
        }
        let both = nets(&["10.0.0.0/24", "fd00::/48"]);
        assert_eq!(only_grown(&old, &both).unwrap_err().name(), "PrefixVersionMismatch");
    }
}
