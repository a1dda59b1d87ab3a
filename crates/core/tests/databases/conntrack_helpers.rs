//! Conntrack helpers, and with them what all resources under another one have in common.

use nucleon_core::{Caller, ChildNoun as _, Error, Precondition};
use nucleon_model::{ConntrackHelper, ListQuery, Resource as _, Router};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, draft, each, member, refused, refused_as};

const ANY: Precondition = Precondition { revision: None };

async fn make(
    cloud: &Cloud,
    caller: &Caller,
    router: &Router,
    attributes: Value,
) -> Result<ConntrackHelper, Error> {
    let drafts = vec![draft::<ConntrackHelper>(attributes)];
    let made = ConntrackHelper::create_under(cloud, caller, &router.id.to_string(), drafts).await;
    made.map(|mut made| made.remove(0))
}

#[tokio::test]
async fn a_router_shows_its_helpers() {
    each(async |cloud| {
        let router = cloud.router(json!({"project_id": "p1"})).await;
        let (owner, key) = (member("p1"), router.id.to_string());
        let tftp = json!({"protocol": "udp", "port": 69, "helper": "tftp"});
        let made = make(&cloud, &owner, &router, tftp.clone()).await.unwrap();
        let shown = cloud.now_of(&router).await;
        assert_eq!(json!(shown.conntrack_helpers), json!([tftp]));
        assert_eq!(shown.revision_number, 2);
        refused(
            make(&cloud, &owner, &router, tftp.clone()).await,
            "BadRequest",
            &format!(
                "Bad conntrack_helper request: A duplicate conntrack helper entry with same attributes already \
                 exists, conflicting values are {{'router_id': '{key}', 'protocol': 'udp', 'port': 69, 'helper': \
                 'tftp'}}."
            ),
        );
        for (protocol, helper, name) in
            [("tcp", "tftp", "InvalidProtocolForHelper"), ("tcp", "mine", "ConntrackHelperNotAllowed")]
        {
            let body = json!({"protocol": protocol, "port": 1, "helper": helper});
            refused_as(make(&cloud, &owner, &router, body).await, name);
        }
        let port = draft::<ConntrackHelper>(json!({"port": 70}));
        let id = made.id.to_string();
        let moved = ConntrackHelper::update_under(&cloud, &owner, &key, &id, port, ANY).await.unwrap();
        assert_eq!((moved.port, moved.revision_number), (70, 2));
        ConntrackHelper::delete_under(&cloud, &owner, &key, &id, ANY).await.unwrap();
        assert!(cloud.now_of(&router).await.conntrack_helpers.is_empty());
        make(&cloud, &admin(), &router, tftp).await.unwrap();
        cloud.delete(&router).await;
    })
    .await;
}

/// OSSN-0102.
#[tokio::test]
async fn a_child_is_found_below_its_parent_alone() {
    each(async |cloud| {
        let victim = cloud.router(json!({"project_id": "p1"})).await;
        let own = cloud.router(json!({"project_id": "p2"})).await;
        let tftp = json!({"protocol": "udp", "port": 69, "helper": "tftp"});
        let id = make(&cloud, &member("p1"), &victim, tftp.clone()).await.unwrap().id.to_string();
        let caller = member("p2");
        let (victims, owns) = (victim.id.to_string(), own.id.to_string());
        refused_as(make(&cloud, &caller, &victim, tftp).await, "RouterNotFound");
        let list = ListQuery::default;
        refused_as(
            ConntrackHelper::list_under(&cloud, &caller, &victims, list()).await,
            "RouterNotFound",
        );
        assert_eq!(ConntrackHelper::list_under(&cloud, &caller, &owns, list()).await.unwrap(), []);
        let below = |parent: String| {
            let (cloud, caller, id) = (&cloud, &caller, &id);
            async move {
                let port = draft::<ConntrackHelper>(json!({"port": 1}));
                [
                    ConntrackHelper::show_under(cloud, caller, &parent, id).await.map(drop),
                    ConntrackHelper::update_under(cloud, caller, &parent, id, port, ANY)
                        .await
                        .map(drop),
                    ConntrackHelper::delete_under(cloud, caller, &parent, id, ANY).await,
                ]
            }
        };
        for outcome in below(victims).await {
            refused_as(outcome, "RouterNotFound");
        }
        for outcome in below(owns).await {
            refused(
                outcome,
                "ConntrackHelperNotFound",
                &format!("Conntrack Helper {id} could not be found."),
            );
        }
        assert_eq!(ConntrackHelper::DECL.ruled, "router_conntrack_helper");
    })
    .await;
}
