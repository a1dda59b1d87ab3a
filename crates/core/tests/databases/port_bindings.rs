//! Several bindings of one port.

use nucleon_core::Noun;
use nucleon_model::{ListQuery, Port, PortBinding, PortBindingDraft};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, each, member, merged, refused, refused_as};

fn asked(attributes: &Value) -> PortBindingDraft {
    use nucleon_model::{Draft as _, Resource as _};
    let mut draft = PortBindingDraft::default();
    for (name, value) in attributes.as_object().unwrap() {
        draft.set(PortBinding::DECL.find(name).unwrap().0, value).unwrap();
    }
    draft
}

impl Cloud {
    /// A server's port on the first of two hosts.
    async fn movable_port(&self) -> Port {
        self.host("h1").await;
        self.host("h2").await;
        let network = self.network(json!({})).await;
        let server = json!({"device_owner": "compute:nova", "binding:host_id": "h1"});
        self.port(&network, server).await
    }

    /// Host, kind and status of each binding.
    async fn bindings_of(&self, port: &Port) -> Vec<[String; 3]> {
        let bindings = self.port_bindings(&admin(), &port.key()).await.unwrap();
        bindings.into_iter().map(|one| [one.host, one.vif_type, one.status]).collect()
    }

    async fn bind_to(&self, port: &Port, host: &str) -> Result<PortBinding, nucleon_core::Error> {
        let draft = asked(&json!({"host": host, "vnic_type": "normal"}));
        self.port_binding_create(&admin(), &port.key(), draft).await
    }
}

fn row(host: &str, vif_type: &str, status: &str) -> [String; 3] {
    [host, vif_type, status].map(str::to_owned)
}

#[tokio::test]
async fn a_port_is_prepared_on_another_host_and_switched_over() {
    each(async |cloud| {
        let port = cloud.movable_port().await;
        let prepared = cloud.bind_to(&port, "h2").await.unwrap();
        assert_eq!((prepared.vif_type.as_str(), prepared.status.as_str()), ("ovs", "INACTIVE"));
        assert_eq!(
            cloud.bindings_of(&port).await,
            [row("h1", "ovs", "ACTIVE"), row("h2", "ovs", "INACTIVE")]
        );
        // The port is where it was, and nobody was told.
        assert_eq!(cloud.now_of(&port).await, port);
        let active = cloud.port_binding_activate(&admin(), &port.key(), "h2").await.unwrap();
        assert_eq!((active.host.as_str(), active.status.as_str()), ("h2", "ACTIVE"));
        let moved = cloud.now_of(&port).await;
        assert_eq!((moved.host.as_str(), moved.status.as_str()), ("h2", "DOWN"));
        assert!(moved.is_bound() && moved.view_revision > port.view_revision);
        assert_eq!(
            cloud.bindings_of(&port).await,
            [row("h2", "ovs", "ACTIVE"), row("h1", "unbound", "INACTIVE")]
        );
        refused(
            cloud.port_binding_activate(&admin(), &port.key(), "h2").await,
            "PortBindingAlreadyActive",
            &format!("Binding for port {} on host h2 is already active.", port.id),
        );
        cloud.port_binding_delete(&admin(), &port.key(), "h1").await.unwrap();
        assert_eq!(cloud.bindings_of(&port).await, [row("h2", "ovs", "ACTIVE")]);
        cloud.delete(&port).await;
        refused_as(cloud.port_bindings(&admin(), &port.key()).await, "PortNotFound");
    })
    .await;
}

#[tokio::test]
async fn bindings_are_one_to_a_host_and_only_where_somebody_can_plug() {
    each(async |cloud| {
        let port = cloud.movable_port().await;
        let key = port.key();
        refused(
            cloud.bind_to(&port, "h1").await,
            "PortBindingAlreadyExists",
            &format!("Binding for port {key} on host h1 already exists."),
        );
        refused(
            cloud.bind_to(&port, "nowhere").await,
            "PortBindingError",
            &format!("Binding for port {key} on host nowhere could not be created or updated."),
        );
        cloud.bind_to(&port, "h2").await.unwrap();
        refused_as(cloud.bind_to(&port, "h2").await, "PortBindingAlreadyExists");
        let missing = format!("Binding for port {key} for host h3 could not be found.");
        refused(cloud.port_binding(&admin(), &key, "h3").await, "PortBindingNotFound", &missing);
        let missing = cloud.port_binding_activate(&admin(), &key, "h3").await;
        refused_as(missing, "PortBindingNotFound");
        refused_as(cloud.port_binding_delete(&admin(), &key, "h3").await, "PortBindingNotFound");
        // A port that is moved by a change of its own takes the place of what was prepared there.
        cloud.update(&port, json!({"binding:host_id": "h2"})).await;
        assert_eq!(cloud.bindings_of(&port).await, [row("h2", "ovs", "ACTIVE")]);
        cloud.port_binding_delete(&admin(), &key, "h2").await.unwrap();
        assert_eq!(cloud.bindings_of(&port).await, [row("", "unbound", "ACTIVE")]);
    })
    .await;
}

#[tokio::test]
async fn a_binding_is_changed_by_itself_or_with_its_port() {
    each(async |cloud| {
        let port = cloud.movable_port().await;
        let key = port.key();
        cloud.bind_to(&port, "h2").await.unwrap();
        let change = |host: &'static str| {
            let draft = asked(&json!({"profile": {"card": host}}));
            let (cloud, key) = (&cloud, key.clone());
            async move { cloud.port_binding_update(&admin(), &key, host, draft).await.unwrap() }
        };
        assert_eq!(json!(change("h2").await.profile), json!({"card": "h2"}));
        assert!(cloud.now_of(&port).await.profile.is_empty());
        assert_eq!(json!(change("h1").await.profile), json!({"card": "h1"}));
        assert_eq!(json!(cloud.now_of(&port).await.profile), json!({"card": "h1"}));
        let found = cloud.port_binding(&admin(), &key, "h2").await.unwrap();
        assert_eq!(json!(found.profile), json!({"card": "h2"}));
    })
    .await;
}

#[tokio::test]
async fn bindings_are_the_compute_services_business_and_of_its_ports() {
    each(async |cloud| {
        let port = cloud.movable_port().await;
        let plain = cloud.network(json!({"project_id": "p"})).await;
        let plain = cloud.port(&plain, json!({"project_id": "p"})).await;
        refused(
            cloud.bind_to(&plain, "h1").await,
            "BadRequest",
            &format!(
                "Bad port request: Invalid port {}. Operation only valid on compute and shared filesystem ports.",
                plain.id
            ),
        );
        // Its own project may not even look, and to others it is not there.
        refused_as(cloud.port_bindings(&member("p"), &plain.key()).await, "PolicyNotAuthorized");
        refused_as(cloud.port_bindings(&member("q"), &plain.key()).await, "PortNotFound");
        let draft = asked(&merged(json!({"host": "h2"}), json!({"vnic_type": "normal"})));
        let foreign = cloud.port_binding_create(&member("q"), &port.key(), draft).await;
        refused_as(foreign, "PortNotFound");
        let foreign = cloud.port_binding_activate(&member("q"), &port.key(), "h1").await;
        refused_as(foreign, "PortNotFound");
        assert_eq!(cloud.list::<Port>(ListQuery::default()).await.len(), 2);
    })
    .await;
}
