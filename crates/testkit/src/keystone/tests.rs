use serde_json::json;

use super::*;

#[test]
fn keystone_gives_tokens_that_say_who_and_where() {
    let Some(keystone) = Keystone::shared() else { return };
    let (user, project) = keystone.member("kit-ann", "secret", "kit-garden", "member").unwrap();
    assert_eq!(keystone.user("kit-ann", "secret").unwrap(), user, "made once");

    let scope = Scope::Project("kit-garden");
    let token = keystone.token(&Login { user: "kit-ann", password: "secret", scope }).unwrap();
    let own = [("X-Auth-Token", token.as_str()), ("X-Subject-Token", token.as_str())];
    let said = http::ask(keystone.port(), "GET", "/v3/auth/tokens", &own, None).unwrap().body;
    assert_eq!(said["token"]["user"]["id"], json!(user));
    assert_eq!(said["token"]["project"]["id"], json!(project));
    assert!(keystone.token(&Login { user: "kit-ann", password: "guess", scope }).is_err());

    keystone.revoke(&token).unwrap();
    let answer = keystone.call(Some(&token), "GET", "/v3/auth/projects", None).unwrap();
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[test]
fn a_service_in_the_catalog_moves() {
    let Some(keystone) = Keystone::shared() else { return };
    for url in ["http://127.0.0.1:1", "http://127.0.0.1:2"] {
        keystone.endpoint("kit-weather", "weather", url).unwrap();
        let found = keystone.admin("GET", "/v3/services?type=kit-weather", None).unwrap();
        let service = found["services"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/v3/endpoints?service_id={service}");
        let endpoints = keystone.admin("GET", &path, None).unwrap();
        let urls: Vec<_> =
            endpoints["endpoints"].as_array().unwrap().iter().map(|e| &e["url"]).collect();
        assert_eq!(urls, [url; 3]);
    }
}

#[test]
fn a_killed_keystone_comes_back_with_its_users() {
    let settings = KeystoneSettings::default();
    let Some(mut keystone) = Keystone::start(&settings) else { return };
    let (_, project) = keystone.member("bo", "secret", "pond", "reader").unwrap();
    keystone.kill().unwrap();
    assert!(keystone.admin("GET", "/v3/projects", None).is_err());
    keystone.restart().unwrap();
    assert_eq!(keystone.project("pond").unwrap(), project);
}
