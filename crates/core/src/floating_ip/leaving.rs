//! What becomes of floating IPs when the port that they lead to goes, or loses an address.

use std::net::IpAddr;

use nucleon_db::{Operation, Tx, floating_ip as store, port_forwarding as forwardings};
use nucleon_model::{FloatingIp, FloatingIpId, Port, PortForwarding, Timestamp};

use crate::change::emit;
use crate::entity::Entity as _;
use crate::{Caller, Error, Result};

/// Has the floating IPs that lead to a port lead nowhere, as it goes.
pub(crate) async fn port_goes(
    tx: &mut Tx,
    caller: &Caller,
    port: &Port,
    now: Timestamp,
) -> Result<()> {
    let leading = store::floating_ip_list_to(tx, port.id).await?;
    let whole = |floating_ip: &&FloatingIp| floating_ip.port_id == Some(port.id);
    let strange = |floating_ip: &FloatingIp| floating_ip.project_id != caller.project_id();
    if !caller.is_admin() && leading.iter().filter(whole).any(strange) {
        return Err(Error::conflict(
            "FipAssociated",
            format!(
                "Unable to complete the operation on port {} because the port still has an associated floating IP.",
                port.id
            ),
        ));
    }
    store::floating_ip_release(tx, port.id, now).await?;
    for floating_ip in leading.iter().filter(whole) {
        tell(tx, caller, floating_ip);
    }
    forget(tx, caller, &leading, now, |forwarding| forwarding.internal_port_id == port.id).await
}

/// An address that a floating IP leads to stays; one that single ports lead to may go, and they with it.
pub(crate) async fn port_readdressed(
    tx: &mut Tx,
    caller: &Caller,
    before: &Port,
    after: &Port,
    now: Timestamp,
) -> Result<()> {
    let kept = |address: &IpAddr| after.fixed_ips.iter().any(|held| held.ip_address == *address);
    let lost: Vec<IpAddr> = before
        .fixed_ips
        .iter()
        .map(|held| held.ip_address)
        .filter(|address| address.is_ipv4() && !kept(address))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    let leading = store::floating_ip_list_to(tx, after.id).await?;
    let to_lost = |address: Option<IpAddr>| address.is_some_and(|address| lost.contains(&address));
    let whole = |floating_ip: &&FloatingIp| floating_ip.port_id == Some(after.id);
    if leading.iter().filter(whole).any(|floating_ip| to_lost(floating_ip.fixed_ip_address)) {
        return Err(Error::bad_request(
            "port",
            format!(
                "Cannot update the fixed_ips of the port {}, because its original fixed_ip has been associated to a \
                 floating ip",
                after.id
            ),
        ));
    }
    forget(tx, caller, &leading, now, |forwarding| {
        forwarding.internal_port_id == after.id && to_lost(forwarding.internal_ip_address)
    })
    .await
}

/// Takes port forwardings away. A floating IP without any is no router's any more.
async fn forget(
    tx: &mut Tx,
    caller: &Caller,
    leading: &[FloatingIp],
    now: Timestamp,
    goes: impl Fn(&PortForwarding) -> bool,
) -> Result<()> {
    let ids: Vec<FloatingIpId> = leading.iter().map(|floating_ip| floating_ip.id).collect();
    let all = forwardings::port_forwarding_list_of(tx, &ids).await?;
    let (gone, left): (Vec<PortForwarding>, Vec<PortForwarding>) = all.into_iter().partition(goes);
    if gone.is_empty() {
        return Ok(());
    }
    forwardings::port_forwarding_forget(tx, &gone).await?;
    for forwarding in &gone {
        emit(tx, caller, Operation::Delete, forwarding, &[]);
    }
    let of = |list: &[PortForwarding], id| list.iter().any(|one| one.floatingip_id == id);
    let touched = leading.iter().filter(|floating_ip| of(&gone, floating_ip.id));
    let (thinner, idle): (Vec<&FloatingIp>, Vec<&FloatingIp>) =
        touched.partition(|floating_ip| of(&left, floating_ip.id));
    for (floating_ips, route) in [(thinner, store::Route::Stays), (idle, store::Route::Goes)] {
        let ids: Vec<FloatingIpId> = floating_ips.iter().map(|one| one.id).collect();
        store::floating_ip_touch(tx, &ids, route, now).await?;
        for floating_ip in floating_ips {
            tell(tx, caller, floating_ip);
        }
    }
    Ok(())
}

/// Says that a floating IP changed, to those who saw it before.
fn tell(tx: &mut Tx, caller: &Caller, before: &FloatingIp) {
    let changed = FloatingIp { revision_number: before.revision_number + 1, ..before.clone() };
    emit(tx, caller, Operation::Update, &changed, &before.scopes());
}
