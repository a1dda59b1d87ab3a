//! The name under which a request is found in logs, here and with the services that took part.

use axum::http::HeaderMap;
use nucleon_obs::Random;

/// The header that carries it, both ways.
pub(crate) const HEADER: &str = "x-openstack-request-id";

/// `req-` and a UUID, kept with the request for whoever handles it.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    pub(crate) fn new(random: &Random) -> Self {
        Self(format!("req-{}", uuid::Builder::from_random_bytes(random.bytes()).into_uuid()))
    }
}

/// The id that a calling service gave its own request; anything else is not passed on into logs.
pub(crate) fn global(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    uuid::Uuid::try_parse(text.strip_prefix("req-")?).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_prefixed_uuid_and_never_the_same() {
        let random = Random::seeded(1);
        let (first, second) = (RequestId::new(&random), RequestId::new(&random));
        assert_ne!(first.0, second.0);
        let uuid = uuid::Uuid::parse_str(first.0.strip_prefix("req-").unwrap()).unwrap();
        assert_eq!(uuid.get_version_num(), 4);
    }

    #[test]
    fn only_an_id_is_taken_for_one() {
        let global_of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, value.parse().unwrap());
            global(&headers).map(str::to_owned)
        };
        let id = "req-2365be13-0406-43e7-9608-05a301bce191";
        assert_eq!(global_of(id).as_deref(), Some(id));
        for text in ["", "req-", "req-zz", "x", "2365be13-0406-43e7-9608-05a301bce191"] {
            assert_eq!(global_of(text), None, "{text}");
        }
        assert_eq!(global(&HeaderMap::new()), None);
    }
}
