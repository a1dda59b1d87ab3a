//! Access rules: what an application credential is restricted to.

use http::Method;

/// One thing that may be asked of one service.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(super) struct AccessRule {
    service: String,
    method: String,
    path: String,
}

/// The rules of a token, and whether the catalog knows this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Restriction {
    rules: Vec<AccessRule>,
    in_catalog: bool,
}

impl Restriction {
    pub(super) fn new(rules: Vec<AccessRule>, in_catalog: bool) -> Self {
        Self { rules, in_catalog }
    }

    /// Whether a service of this type may be asked this. One that does not know its type refuses, and so does one that
    /// is not in the catalog. What another service sends is part of something that was allowed there.
    pub(super) fn allows(
        &self,
        service: Option<&str>,
        method: &Method,
        path: &str,
        by_service: bool,
    ) -> bool {
        let Some(service) = service else { return false };
        self.in_catalog
            && (by_service
                || self.rules.iter().any(|rule| {
                    rule.service == service
                        && rule.method == method.as_str()
                        && matches(&rule.path, path)
                }))
    }

    /// Roughly, in bytes.
    pub(super) fn weight(&self) -> usize {
        let text = |rule: &AccessRule| rule.service.len() + rule.method.len() + rule.path.len();
        self.rules.iter().map(|rule| text(rule) + size_of::<AccessRule>()).sum()
    }
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'p> {
    Text(&'p str),
    /// `*` and `{name}`: one part of a path or some of it, but never nothing.
    Part,
    /// `**`: anything.
    Rest,
}

fn matches(pattern: &str, path: &str) -> bool {
    reach(&pieces(pattern), path)
}

fn pieces(mut pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while !pattern.is_empty() {
        let (piece, rest) = if let Some(rest) = pattern.strip_prefix("**") {
            (Piece::Rest, rest)
        } else if let Some(rest) = pattern.strip_prefix('*') {
            (Piece::Part, rest)
        } else if let Some((_, rest)) =
            pattern.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        {
            (Piece::Part, rest)
        } else {
            // A brace that opens nothing is a text like any other.
            let first = pattern.chars().next().map_or(1, char::len_utf8);
            let end = pattern
                .get(first..)
                .and_then(|rest| rest.find(['*', '{']))
                .map_or(pattern.len(), |end| end + first);
            let (text, rest) = pattern.split_at(end);
            (Piece::Text(text), rest)
        };
        pieces.push(piece);
        pattern = rest;
    }
    pieces
}

/// Whether the pieces can cover the whole path.
///
/// Keeps the places of the path that the pieces so far can reach, so that the time is bounded by the product of both
/// lengths: whoever makes an application credential writes the pattern.
fn reach(pieces: &[Piece<'_>], path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut places = vec![false; bytes.len() + 1];
    if let Some(start) = places.first_mut() {
        *start = true;
    }
    for piece in pieces {
        let mut next = vec![false; places.len()];
        let mut open = false;
        for (place, next_here) in next.iter_mut().enumerate() {
            // `open`: a piece of any length has begun before here and may end here.
            let before = place.checked_sub(1).and_then(|before| bytes.get(before));
            match piece {
                Piece::Text(_) => {}
                Piece::Part => {
                    let begun = place.checked_sub(1).and_then(|before| places.get(before));
                    open = (open || begun == Some(&true)) && before.is_some_and(|b| *b != b'/');
                    *next_here = open;
                }
                Piece::Rest => {
                    open = open || places.get(place) == Some(&true);
                    *next_here = open;
                }
            }
        }
        if let Piece::Text(text) = piece {
            for (place, _) in places.iter().enumerate().filter(|(_, reached)| **reached) {
                let ends = place + text.len();
                let there = bytes.get(place..ends) == Some(text.as_bytes());
                if let Some(reached) = next.get_mut(ends).filter(|_| there) {
                    *reached = true;
                }
            }
        }
        places = next;
    }
    places.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_whole_paths() {
        for (pattern, path, covered) in [
            ("/v2.0/networks", "/v2.0/networks", true),
            ("/v2.0/networks", "/v2.0/networks/x", false),
            ("/v2.0/networks", "/v2x0/networks", false),
            ("/v2.0/networks/{id}", "/v2.0/networks/x", true),
            ("/v2.0/networks/{id}", "/v2.0/networks/", false),
            ("/v2.0/networks/{id}", "/v2.0/networks/x/tags", false),
            ("/v2.0/*/x", "/v2.0/ports/x", true),
            ("/v2.0/*/x", "/v2.0/a/b/x", false),
            ("/v2.0/**", "/v2.0/a/b/x", true),
            ("/v2.0/**", "/v2.0/", true),
            ("/v2.0**", "/v2.0", true),
            ("**", "", true),
            ("*", "", false),
            ("/a*c", "/abbc", true),
            ("/a*c", "/ac", false),
            ("/a{b", "/a{b", true),
            ("/***", "/x", true),
            ("", "", true),
            ("", "/", false),
        ] {
            assert_eq!(matches(pattern, path), covered, "{pattern} {path}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let (pattern, path) = ("*a".repeat(500), "a".repeat(4000));
        assert!(matches(&pattern, &path));
        assert!(!matches(&pattern, &format!("{path}b")));
    }

    fn restriction(in_catalog: bool) -> Restriction {
        let rule = AccessRule {
            service: "network".to_owned(),
            method: "GET".to_owned(),
            path: "/v2.0/networks".to_owned(),
        };
        Restriction::new(vec![rule], in_catalog)
    }

    #[test]
    fn a_rule_names_service_method_and_path() {
        let allows = |service, method: &Method, path| {
            restriction(true).allows(Some(service), method, path, false)
        };
        assert!(allows("network", &Method::GET, "/v2.0/networks"));
        assert!(!allows("network", &Method::POST, "/v2.0/networks"));
        assert!(!allows("network", &Method::GET, "/v2.0/ports"));
        assert!(!allows("compute", &Method::GET, "/v2.0/networks"));
    }

    #[test]
    fn what_cannot_be_told_is_refused_and_what_a_service_sends_is_not() {
        let (get, path) = (&Method::GET, "/v2.0/networks");
        assert!(!restriction(true).allows(None, get, path, true));
        assert!(!restriction(false).allows(Some("network"), get, path, true));
        assert!(restriction(true).allows(Some("network"), &Method::PUT, "/v2.0/ports/x", true));
        let nothing = Restriction::new(Vec::new(), true);
        assert!(!nothing.allows(Some("network"), get, path, false));
    }
}
