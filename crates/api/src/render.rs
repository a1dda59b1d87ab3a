//! From records to JSON, straight into the buffer that is sent.

use axum::body::Bytes;
use nucleon_model::{AttrSet, Resource};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::links::Link;

/// Room for one object, so that the buffer of a long list does not grow often.
const OBJECT_BYTES: usize = 1024;

/// One record, with the attributes that may be seen.
#[derive(Debug)]
pub(crate) struct Object<'a, T> {
    record: &'a T,
    shown: AttrSet,
}

impl<'a, T: Resource> Object<'a, T> {
    pub(crate) const fn new(record: &'a T, shown: AttrSet) -> Self {
        Self { record, shown }
    }
}

impl<T: Resource> Serialize for Object<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.record.render(self.shown, &mut map)?;
        map.end()
    }
}

/// `{"port": {…}}`
pub(crate) fn member<T: Resource>(record: &T, shown: AttrSet) -> serde_json::Result<Bytes> {
    struct Member<'a, T>(Object<'a, T>);

    impl<T: Resource> Serialize for Member<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(T::DECL.name, &self.0)?;
            map.end()
        }
    }

    write(&Member(Object::new(record, shown)), 1)
}

/// `{"ports": […], "ports_links": […]}`, the links only where there are any.
pub(crate) fn collection<T: Resource>(
    records: &[T],
    shown: impl Fn(&T) -> AttrSet,
    links: &[Link],
) -> serde_json::Result<Bytes> {
    struct Objects<'a, T, F>(&'a [T], F);

    impl<T: Resource, F: Fn(&T) -> AttrSet> Serialize for Objects<'_, T, F> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter().map(|record| Object::new(record, self.1(record))))
        }
    }

    struct Collection<'a, T, F>(Objects<'a, T, F>, &'a [Link]);

    impl<T: Resource, F: Fn(&T) -> AttrSet> Serialize for Collection<'_, T, F> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry(T::DECL.collection, &self.0)?;
            if !self.1.is_empty() {
                map.serialize_entry(&format!("{}_links", T::DECL.collection), self.1)?;
            }
            map.end()
        }
    }

    write(&Collection(Objects(records, shown), links), records.len())
}

fn write(value: &impl Serialize, objects: usize) -> serde_json::Result<Bytes> {
    let mut buffer = Vec::with_capacity(objects.saturating_add(1).saturating_mul(OBJECT_BYTES));
    serde_json::to_writer(&mut buffer, value)?;
    Ok(buffer.into())
}

#[cfg(test)]
mod tests {
    use nucleon_model::Network;
    use serde_json::{Value, json};

    use super::*;

    fn named(name: &str) -> Network {
        Network { name: name.to_owned(), project_id: "p1".to_owned(), ..Network::default() }
    }

    fn some(names: &[&str]) -> AttrSet {
        Network::DECL.select(|attribute| names.contains(&attribute.name))
    }

    fn read(bytes: &Bytes) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn a_member_shows_the_attributes_that_may_be_seen_and_no_others() {
        let body = member(&named("n"), some(&["name", "tenant_id", "project_id"])).unwrap();
        assert_eq!(
            read(&body),
            json!({"network": {"name": "n", "project_id": "p1", "tenant_id": "p1"}})
        );
    }

    #[test]
    fn a_collection_decides_for_each_record_what_is_seen() {
        let records = [named("a"), named("b")];
        let shown = |network: &Network| {
            if network.name == "a" { some(&["name"]) } else { AttrSet::default() }
        };
        assert_eq!(
            read(&collection(&records, shown, &[]).unwrap()),
            json!({"networks": [{"name": "a"}, {}]})
        );
    }

    #[test]
    fn links_stand_beside_the_collection_only_where_there_are_any() {
        let links = [Link { rel: "next", href: "http://x/".to_owned() }];
        assert_eq!(
            read(&collection::<Network>(&[], |_| AttrSet::default(), &links).unwrap()),
            json!({"networks": [], "networks_links": [{"rel": "next", "href": "http://x/"}]})
        );
    }

    #[test]
    fn text_of_any_script_survives() {
        for name in ["ä\u{1f980}", "\u{202e}rtl", "quote\"back\\slash\n", "\u{7f}\u{1}"] {
            let body = member(&named(name), some(&["name"])).unwrap();
            assert_eq!(read(&body)["network"]["name"], json!(name));
        }
    }
}
