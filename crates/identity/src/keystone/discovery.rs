//! Where version 3 of Keystone's API is, from what Keystone says of itself.

use http::Uri;
use serde::Deserialize;

use super::options::with_path;

/// The document at Keystone's root (`versions`), or at one version of it (`version`).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Document {
    Versions(Versions),
    Version(Version),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Versions {
    Values { values: Vec<Version> },
    List(Vec<Version>),
}

#[derive(Debug, Deserialize)]
struct Version {
    id: String,
    #[serde(default)]
    links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    rel: String,
    href: String,
}

/// Whether an address names version 3.
pub(super) fn is_v3(url: &Uri) -> bool {
    last_part(url.path()) == "v3"
}

/// An address of version 2, as old catalogs have it, without the version.
pub(super) fn without_v2(url: &Uri) -> Uri {
    match url.path().strip_suffix("/v2.0") {
        Some(root) => with_path(url, root),
        None => url.clone(),
    }
}

/// Version 3 below an address that names no version.
pub(super) fn assumed_v3(url: &Uri) -> Uri {
    with_path(url, &format!("{}/v3", url.path().trim_end_matches('/')))
}

/// Version 3 by the document that was found at `url`.
///
/// Only the path of the link counts, and where its host is another one only its last part: behind a proxy these
/// documents often tell of hosts that cannot be reached. So a document cannot lead the service user's password away.
pub(super) fn v3_of(url: &Uri, document: &[u8]) -> Option<Uri> {
    let versions = match serde_json::from_slice(document).ok()? {
        Document::Version(version) => vec![version],
        Document::Versions(Versions::Values { values } | Versions::List(values)) => values,
    };
    let version = versions.into_iter().find(|version| version.id.starts_with("v3"))?;
    let link = version.links.into_iter().find(|link| link.rel == "self");
    let Some(link) = link.and_then(|link| link.href.parse::<Uri>().ok()) else {
        return Some(assumed_v3(url));
    };
    let path = link.path().trim_end_matches('/');
    if link.authority().is_none_or(|authority| Some(authority) == url.authority()) {
        return Some(with_path(url, path));
    }
    let base = url.path().trim_end_matches('/');
    let version = last_part(path);
    if last_part(base) == version {
        return Some(url.clone());
    }
    Some(with_path(url, &format!("{base}/{version}")))
}

fn last_part(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(url: &str, href: &str) -> Option<String> {
        let version = |id: &str, href: &str| json!({"id": id, "status": "stable", "links": [{"rel": "self", "href": href}]});
        let values = [version("v2.0", "http://k:5000/v2.0/"), version("v3.14", href)];
        let document = json!({"versions": {"values": values}}).to_string();
        v3_of(&url.parse().unwrap(), document.as_bytes()).map(|url| url.to_string())
    }

    #[test]
    fn version_3_is_where_the_document_says() {
        for (url, href, v3) in [
            ("http://k:5000/", "http://k:5000/v3/", "http://k:5000/v3"),
            ("http://k/identity", "http://k/identity/v3/", "http://k/identity/v3"),
            ("http://k:5000/", "/v3/", "http://k:5000/v3"),
        ] {
            assert_eq!(found(url, href).as_deref(), Some(v3), "{url} {href}");
        }
    }

    #[test]
    fn a_document_does_not_lead_to_another_host() {
        for (url, href, v3) in [
            ("https://cloud/identity", "http://inside:5000/v3/", "https://cloud/identity/v3"),
            ("https://cloud/identity/v3", "http://inside:5000/v3/", "https://cloud/identity/v3"),
            ("http://k:5000/", "http://evil/x/v3", "http://k:5000/v3"),
        ] {
            assert_eq!(found(url, href).as_deref(), Some(v3), "{url} {href}");
        }
    }

    #[test]
    fn one_version_alone_and_a_plain_list_are_documents_too() {
        let url: Uri = "http://k:5000/v3".parse().unwrap();
        let version = json!({"id": "v3.14", "links": []});
        for document in [json!({"version": version}), json!({"versions": [version]})] {
            let found = v3_of(&url, document.to_string().as_bytes()).unwrap();
            assert!(is_v3(&found), "{found}");
        }
        for other in ["", "{}", "[]", "<html>", "{\"versions\": [{\"id\": \"v2.0\"}]}"] {
            assert_eq!(v3_of(&url, other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn an_address_tells_its_version() {
        let url = |text: &str| text.parse::<Uri>().unwrap();
        assert!(is_v3(&url("http://k/v3/")) && is_v3(&url("http://k/identity/v3")));
        assert!(!is_v3(&url("http://k/")) && !is_v3(&url("http://k/v33")));
        assert_eq!(without_v2(&url("http://k:35357/v2.0")), url("http://k:35357/"));
        assert_eq!(assumed_v3(&url("http://k:35357/")), url("http://k:35357/v3"));
    }
}
