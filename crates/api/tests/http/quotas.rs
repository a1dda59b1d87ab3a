//! `/v2.0/quotas`, beyond what was recorded of Neutron.

use serde_json::json;

use crate::harness::{ADMIN, Ask, Cloud};

#[tokio::test]
async fn limits_are_set_by_whoever_may_and_bind_at_once() {
    let cloud = Cloud::new().await;
    let limits = json!({"quota": {"network": 1}});
    let ask = || Ask::new("PUT", "/v2.0/quotas/p1").json(&limits);
    let refusal = cloud.send(ask()).await;
    refusal.is(403, "PolicyNotAuthorized", "rule:update_quota is disallowed by policy");
    let answer = cloud.send(ask().by("adm", ADMIN)).await;
    assert_eq!((answer.status, &answer.json()["quota"]["network"]), (200, &json!(1)));
    cloud.make("networks", "network", &json!({})).await;
    let refusal = cloud.post("/v2.0/networks", &json!({"network": {}})).await;
    refusal.is(409, "OverQuota", "Quota exceeded for resources: ['network'].");
    let details = cloud.get("/v2.0/quotas/p1/details").await.json();
    assert_eq!(details["quota"]["network"], json!({"limit": 1, "used": 1, "reserved": 0}));
    let default = cloud.get("/v2.0/quotas/p1/default").await.json();
    assert_eq!(default["quota"]["network"], 100);
    let delete = || Ask::new("DELETE", "/v2.0/quotas/p1").by("adm", ADMIN);
    assert_eq!(cloud.send(delete()).await.status, 204);
    let refusal = cloud.send(delete()).await;
    refusal.is(404, "TenantQuotaNotFound", "Quota for project p1 could not be found.");
    cloud.make("networks", "network", &json!({})).await;
}

#[tokio::test]
async fn what_another_project_has_is_for_administrators() {
    let cloud = Cloud::new().await;
    let foreign = cloud.get("/v2.0/quotas/p2").await;
    foreign.is(403, "PolicyNotAuthorized", "rule:get_quota is disallowed by policy");
    let foreign = cloud.get("/v2.0/quotas/p2/default").await;
    foreign.is(403, "PolicyNotAuthorized", "rule:get_quota is disallowed by policy");
    let foreign = cloud.get("/v2.0/quotas/p2/details").await;
    foreign.is(
        403,
        "AdminRequired",
        "User does not have admin privileges: Only admin is authorized to access quotas for another \
         project.",
    );
    let all = cloud.get("/v2.0/quotas").await;
    all.is(403, "PolicyNotAuthorized", "rule:get_quota is disallowed by policy");
}

#[tokio::test]
async fn only_what_is_there_can_be_asked_of_quotas() {
    let cloud = Cloud::new().await;
    for name in ["tenant", "project"] {
        let answer = cloud.get(&format!("/v2.0/quotas/{name}")).await;
        assert_eq!(answer.json(), json!({name: {format!("{name}_id"): "p1"}}));
    }
    // Neutron's 501 would be a fault of the server, which a method that is not served is not.
    assert_eq!(cloud.post("/v2.0/quotas", &json!({"quota": {}})).await.status, 405);
    assert_eq!(cloud.get("/v2.0/quotas/p1/bogus").await.status, 404);
    assert_eq!(cloud.delete("/v2.0/quotas/p1/details").await.status, 405);
}
