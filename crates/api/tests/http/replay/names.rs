//! What stands here for the identifiers and addresses of the recording.

use std::collections::BTreeMap;
use std::net::IpAddr;

use nucleon_net::MacAddr;
use uuid::Uuid;

/// Recorded texts and the ones that stand for them here.
#[derive(Debug)]
pub(super) struct Names(BTreeMap<String, String>);

impl Default for Names {
    /// Networks without provider attributes were VXLAN there, and are local here.
    fn default() -> Self {
        Self(BTreeMap::from([("vxlan".to_owned(), "local".to_owned())]))
    }
}

impl Names {
    pub(super) fn knows(&self, recorded: &str) -> bool {
        self.0.contains_key(recorded)
    }

    pub(super) fn learn(&mut self, recorded: &str, here: &str) {
        self.0.insert(recorded.to_owned(), here.to_owned());
    }

    /// A recorded text as it would read here.
    pub(super) fn translate(&self, text: &str) -> String {
        let mut translated = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let word = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (head, tail) = rest.split_at(word);
            translated.push_str(&self.word(head));
            let gap = tail.find(is_part).unwrap_or(tail.len());
            let (between, tail) = tail.split_at(gap);
            translated.push_str(between);
            rest = tail;
        }
        translated
    }

    fn word(&self, word: &str) -> String {
        let stem = word.trim_end_matches(".json").trim_end_matches(['.', ':']);
        match self.0.get(stem) {
            Some(here) => format!("{here}{}", &word[stem.len()..]),
            None => word.to_owned(),
        }
    }
}

/// What identifiers and addresses are made of.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':')
}

/// Whether both texts are of the same kind, of which every cloud has its own.
pub(super) fn alike(recorded: &str, here: &str) -> bool {
    let both = |is: fn(&str) -> bool| is(recorded) && is(here);
    both(|text| Uuid::parse_str(text).is_ok())
        || both(|text| text.parse::<MacAddr>().is_ok())
        || match (recorded.parse::<IpAddr>(), here.parse::<IpAddr>()) {
            (Ok(recorded), Ok(here)) => recorded.is_ipv4() == here.is_ipv4(),
            _ => false,
        }
}

#[test]
fn names_are_translated_wherever_they_stand() {
    let mut names = Names::default();
    let recorded = "2365be13-0406-43e7-9608-05a301bce191";
    names.learn(recorded, "00000000-0000-0000-0000-000000000001");
    names.learn("10.2.0.15", "10.9.0.1");
    assert_eq!(
        names.translate(&format!("/v2.0/ports/{recorded}.json?ip=10.2.0.15&x=10.2.0.154")),
        "/v2.0/ports/00000000-0000-0000-0000-000000000001.json?ip=10.9.0.1&x=10.2.0.154"
    );
    assert_eq!(names.translate("address 10.2.0.15."), "address 10.9.0.1.");
}
