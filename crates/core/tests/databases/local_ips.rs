//! Local IPs, and the ports that answer them.

use nucleon_core::{Caller, ChildNoun as _, Error, Noun as _, Precondition};
use nucleon_model::{ListQuery, LocalIp, LocalIpAssociation, Network, Port};
use serde_json::{Value, json};

use crate::scene::{Cloud, draft, each, member, merged, refused, refused_as};

const ANY: Precondition = Precondition { revision: None };

async fn network(cloud: &Cloud) -> Network {
    let network = cloud.network(json!({"project_id": "p1"})).await;
    cloud.subnet(&network, "10.0.0.0/24", json!({"project_id": "p1"})).await;
    network
}

async fn port(cloud: &Cloud, network: &Network) -> Port {
    cloud.port(network, json!({"project_id": "p1"})).await
}

async fn make(cloud: &Cloud, more: Value) -> Result<LocalIp, Error> {
    cloud.create_as(&member("p1"), merged(json!({"project_id": "p1"}), more)).await
}

async fn answer(
    cloud: &Cloud,
    caller: &Caller,
    local_ip: &LocalIp,
    attributes: Value,
) -> Result<LocalIpAssociation, Error> {
    let drafts = vec![draft::<LocalIpAssociation>(attributes)];
    let made = LocalIpAssociation::create_under(cloud, caller, &local_ip.key(), drafts).await;
    made.map(|mut made| made.remove(0))
}

#[tokio::test]
async fn a_local_ip_has_the_address_of_a_port_or_gets_one() {
    each(async |cloud| {
        let network = network(&cloud).await;
        let named = port(&cloud, &network).await;
        let made = make(&cloud, json!({"local_port_id": named.id, "name": "l"})).await.unwrap();
        let address = named.fixed_ips[0].ip_address;
        assert_eq!((made.network_id, made.local_ip_address), (network.id, Some(address)));
        assert_eq!(made.ip_mode, "translate");
        let in_use = format!(
            "Port {} cannot be deleted directly via the port API: still referenced by Local IPs.",
            named.id
        );
        refused(cloud.delete_as(&member("p1"), &named).await, "ServicePortInUse", &in_use);
        let own = make(&cloud, json!({"network_id": network.id, "local_ip_address": "10.0.0.9"}));
        let own = own.await.unwrap();
        assert_eq!(own.local_ip_address.unwrap().to_string(), "10.0.0.9");
        let id = own.local_port_id.to_string();
        let holding = Port::show(&cloud, &member("p1"), &id).await.unwrap();
        assert_eq!(
            (holding.device_owner.as_str(), holding.device_id, holding.status.as_str()),
            ("network:local_ip", own.key(), "N/A")
        );
        let renamed = cloud.update(&own, json!({"name": "n"})).await;
        assert_eq!((renamed.name.as_str(), renamed.revision_number), ("n", 2));
        cloud.delete_as(&member("p1"), &own).await.unwrap();
        refused_as(Port::show(&cloud, &member("p1"), &id).await, "PortNotFound");
        cloud.delete_as(&member("p1"), &made).await.unwrap();
        cloud.delete(&named).await;
        refused(
            LocalIp::show(&cloud, &member("p1"), &made.key()).await,
            "LocalIPNotFound",
            &format!("Local IP {} could not be found.", made.id),
        );
    })
    .await;
}

#[tokio::test]
async fn a_local_ip_is_refused_what_is_not_there() {
    each(async |cloud| {
        let network = network(&cloud).await;
        let port = port(&cloud, &network).await;
        let empty = cloud.network(json!({"project_id": "p1"})).await;
        let bare = cloud.port(&empty, json!({"project_id": "p1"})).await;
        let outcome = make(&cloud, json!({})).await;
        refused_as(outcome, "LocalIPPortOrNetworkRequired");
        refused(
            make(&cloud, json!({"network_id": empty.id})).await,
            "BadRequest",
            &format!(
                "Bad local_ip request: Network {} does not contain any IPv4 subnet.",
                empty.id
            ),
        );
        refused_as(make(&cloud, json!({"local_port_id": bare.id})).await, "LocalIPNoIP");
        refused(
            make(&cloud, json!({"local_port_id": port.id, "local_ip_address": "10.9.9.9"})).await,
            "LocalIPRequestedIPNotFound",
            &format!("Specified Port {} does not have requested IP address: 10.9.9.9.", port.id),
        );
        let stranger = member("p2");
        let foreign = async |more: Value| {
            let wanted = merged(json!({"project_id": "p2"}), more);
            cloud.create_as::<LocalIp>(&stranger, wanted).await
        };
        refused(
            foreign(json!({"local_port_id": port.id})).await,
            "BadRequest",
            &format!("Bad local_ip request: Port {} not found.", port.id),
        );
        refused_as(foreign(json!({"network_id": network.id})).await, "NetworkNotFound");
    })
    .await;
}

#[tokio::test]
async fn ports_answer_a_local_ip_until_they_go() {
    each(async |cloud| {
        let network = network(&cloud).await;
        let port = port(&cloud, &network).await;
        let local_ip = make(&cloud, json!({"network_id": network.id})).await.unwrap();
        let (owner, stranger) = (member("p1"), member("p2"));
        let (key, id) = (local_ip.key(), port.key());
        let wanted = json!({"fixed_port_id": port.id});
        let made = answer(&cloud, &owner, &local_ip, wanted.clone()).await.unwrap();
        assert_eq!(made.fixed_ip, Some(port.fixed_ips[0].ip_address));
        assert_eq!(
            (made.local_ip_address, made.local_ip_id),
            (local_ip.local_ip_address, local_ip.id)
        );
        refused_as(
            answer(&cloud, &owner, &local_ip, wanted.clone()).await,
            "NeutronDbObjectDuplicateEntry",
        );
        refused_as(
            answer(
                &cloud,
                &owner,
                &local_ip,
                merged(wanted.clone(), json!({"fixed_ip": "10.0.0.250"})),
            )
            .await,
            "LocalIPRequestedIPNotFound",
        );
        refused_as(answer(&cloud, &stranger, &local_ip, wanted.clone()).await, "LocalIPNotFound");
        assert_eq!(cloud.local_ip_association(&owner, &key, &id).await.unwrap(), made);
        refused_as(cloud.local_ip_association(&stranger, &key, &id).await, "LocalIPNotFound");
        refused_as(cloud.delete_as(&owner, &local_ip).await, "LocalIPInUse");
        cloud.local_ip_association_delete(&owner, &key, &id, ANY).await.unwrap();
        refused(
            cloud.local_ip_association(&owner, &key, &id).await,
            "LocalIPAssociationNotFound",
            &format!("Local IP {key} association with port {id} could not be found."),
        );
        answer(&cloud, &owner, &local_ip, wanted).await.unwrap();
        cloud.delete(&port).await;
        let list = LocalIpAssociation::list_under(&cloud, &owner, &key, ListQuery::default());
        assert_eq!(list.await.unwrap(), []);
        cloud.delete_as(&owner, &local_ip).await.unwrap();
    })
    .await;
}
