use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn atom_type() -> impl Strategy<Value = AtomType> {
    prop::sample::select(vec![
        AtomType::Integer,
        AtomType::Real,
        AtomType::Boolean,
        AtomType::String,
        AtomType::Uuid,
    ])
}

fn column_type() -> impl Strategy<Value = ColumnType> {
    let max = prop_oneof![Just(Some(1)), Just(Some(4)), Just(None)];
    (atom_type(), prop::option::of(atom_type()), 0usize..2, max)
        .prop_map(|(key, value, min, max)| ColumnType { key, value, min, max })
}

fn atom(kind: AtomType) -> BoxedStrategy<Atom> {
    match kind {
        AtomType::Integer => any::<i64>().prop_map(Atom::Integer).boxed(),
        AtomType::Real => {
            any::<f64>().prop_filter_map("finite", |value| Real::new(value).map(Atom::Real)).boxed()
        }
        AtomType::Boolean => any::<bool>().prop_map(Atom::Boolean).boxed(),
        AtomType::String => any::<String>().prop_map(Atom::String).boxed(),
        AtomType::Uuid => any::<u128>().prop_map(|bits| Atom::Uuid(Uuid::from_u128(bits))).boxed(),
    }
}

/// Few different atoms, so that two values have some in common.
fn few(kind: AtomType) -> BoxedStrategy<Atom> {
    match kind {
        AtomType::Integer => (0..6i64).prop_map(Atom::Integer).boxed(),
        AtomType::Real => (0..6u8)
            .prop_filter_map("finite", |value| Real::new(value.into()).map(Atom::Real))
            .boxed(),
        AtomType::Boolean => any::<bool>().prop_map(Atom::Boolean).boxed(),
        AtomType::String => "[a-f]".prop_map(Atom::String).boxed(),
        AtomType::Uuid => (0..6u128).prop_map(|bits| Atom::Uuid(Uuid::from_u128(bits))).boxed(),
    }
}

fn datum(kind: ColumnType, atom: fn(AtomType) -> BoxedStrategy<Atom>) -> BoxedStrategy<Datum> {
    let max = kind.max.unwrap_or(6).min(if kind.key == AtomType::Boolean { 2 } else { 6 });
    match kind.value {
        None => {
            prop::collection::btree_set(atom(kind.key), kind.min..=max).prop_map(Datum::Set).boxed()
        }
        Some(value) => prop::collection::btree_map(atom(kind.key), atom(value), kind.min..=max)
            .prop_map(Datum::Map)
            .boxed(),
    }
}

fn typed_datum() -> impl Strategy<Value = (ColumnType, Datum)> {
    column_type().prop_flat_map(|kind| (Just(kind), datum(kind, atom)))
}

fn two_data() -> impl Strategy<Value = (ColumnType, Datum, Datum)> {
    column_type().prop_flat_map(|kind| (Just(kind), datum(kind, few), datum(kind, few)))
}

/// Any JSON, with the words that mean something here more often than chance would have them.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "set",
        "map",
        "uuid",
        "named-uuid",
        "36bef046-7da7-43a5-905a-c17899216fcb",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            (word.clone(), prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(word, parts)| json!([word, parts])),
            prop::collection::hash_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|parts| parts.into_iter().collect::<Value>()),
        ]
    })
}

/// What ovsdb-server sends for a change from `old` to `new`, written from the manual's words and
/// not from `patched`: "elements in one set and not the other"; of maps the pairs of keys in one
/// only, and new values of keys in both.
fn difference(old: &Datum, new: &Datum, kind: &ColumnType) -> Datum {
    if kind.max == Some(1) {
        return new.clone();
    }
    match (old, new) {
        (Datum::Set(old), Datum::Set(new)) => {
            Datum::Set(old.symmetric_difference(new).cloned().collect())
        }
        (Datum::Map(old), Datum::Map(new)) => {
            let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
            let other = new.iter().filter(|(key, value)| old.get(*key) != Some(*value));
            Datum::Map(gone.chain(other).map(|(k, v)| (k.clone(), v.clone())).collect())
        }
        _ => unreachable!("both are of one type"),
    }
}

proptest! {
    #[test]
    fn a_value_survives_the_wire((kind, datum) in typed_datum()) {
        let text = datum.to_json().to_string();
        let json: Value = serde_json::from_str(&text).unwrap();
        // Read from text, a real may be off by one in its last place: serde_json is built without
        // exact floats, and no column of the switch that anybody monitors is a real.
        let has_real = kind.key == AtomType::Real || kind.value == Some(AtomType::Real);
        if !has_real {
            prop_assert_eq!(Datum::from_json(json, &kind), Ok(datum.clone()));
        }
        prop_assert_eq!(Datum::from_json(datum.to_json(), &kind), Ok(datum));
    }

    #[test]
    fn any_json_is_a_value_or_an_error(json in any_json(), kind in column_type()) {
        if let Ok(datum) = Datum::from_json(json, &kind) {
            prop_assert_eq!(Datum::from_json(datum.to_json(), &kind), Ok(datum));
        }
    }

    #[test]
    fn a_difference_leads_from_old_to_new((kind, old, new) in two_data()) {
        prop_assert_eq!(old.patched(difference(&old, &new, &kind), &kind), new);
    }
}

#[test]
fn a_set_of_one_is_written_as_its_element() {
    assert_eq!(Datum::from("a").to_json(), json!("a"));
    assert_eq!(Datum::empty_set().to_json(), json!(["set", []]));
    assert_eq!(Datum::set([1, 2]).to_json(), json!(["set", [1, 2]]));
    assert_eq!(Datum::empty_map().to_json(), json!(["map", []]));
    assert_eq!(Datum::map([("a", 1)]).to_json(), json!(["map", [["a", 1]]]));
    let id = Uuid::from_u128(1);
    assert_eq!(Datum::from(id).to_json(), json!(["uuid", "00000000-0000-0000-0000-000000000001"]));
    assert_eq!(Datum::from(NamedUuid(3)).to_json(), json!(["named-uuid", "row3"]));
}

#[test]
fn a_set_of_one_is_read_in_both_spellings() {
    let kind = ColumnType::set(AtomType::Integer);
    assert_eq!(Datum::from_json(json!(1), &kind), Ok(Datum::from(1)));
    assert_eq!(Datum::from_json(json!(["set", [1]]), &kind), Ok(Datum::from(1)));
}

#[test]
fn whole_reals_are_reals_and_integers_stay_integers() {
    let real = Datum::from_json(json!(2), &ColumnType::scalar(AtomType::Real)).unwrap();
    assert_eq!(real, Datum::from(Real::new(2.0).unwrap()));
    assert!(Datum::from_json(json!(2.0), &ColumnType::scalar(AtomType::Integer)).is_err());
    assert_eq!((Real::new(f64::NAN), Real::new(f64::INFINITY)), (None, None));
    assert_eq!(Real::new(-0.0), Real::new(0.0));
}

#[test]
fn values_of_a_wrong_type_or_size_are_refused() {
    let id = "36bef046-7da7-43a5-905a-c17899216fcb";
    for (json, kind) in [
        (json!("1"), ColumnType::scalar(AtomType::Integer)),
        (json!(9223372036854775808u64), ColumnType::scalar(AtomType::Integer)),
        (json!(null), ColumnType::scalar(AtomType::String)),
        (json!(["set", []]), ColumnType::scalar(AtomType::String)),
        (json!(["set", [1, 2]]), ColumnType::optional(AtomType::Integer)),
        (json!(["set", [1, 1]]), ColumnType::set(AtomType::Integer)),
        (json!(["set", 1]), ColumnType::set(AtomType::Integer)),
        (json!(["map", []]), ColumnType::set(AtomType::Integer)),
        (json!("a"), ColumnType::map(AtomType::String, AtomType::String)),
        (json!(["map", [["a"]]]), ColumnType::map(AtomType::String, AtomType::String)),
        (
            json!(["map", [["a", "b"], ["a", "c"]]]),
            ColumnType::map(AtomType::String, AtomType::String),
        ),
        (json!(id), ColumnType::scalar(AtomType::Uuid)),
        (json!(["uuid", id.replace('-', "")]), ColumnType::scalar(AtomType::Uuid)),
        (json!(["uuid", format!("{{{id}}}")]), ColumnType::scalar(AtomType::Uuid)),
        (json!(["named-uuid", "row1"]), ColumnType::scalar(AtomType::Uuid)),
    ] {
        assert!(Datum::from_json(json.clone(), &kind).is_err(), "{json} as {kind}");
    }
}

#[test]
fn errors_show_what_was_found_but_not_all_of_it() {
    let error = Datum::from_json(json!("ä".repeat(500)), &ColumnType::scalar(AtomType::Integer));
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("expected a integer, found \"ä") && text.len() < 250, "{text}");
}

#[test]
fn an_optional_is_replaced_and_a_set_is_toggled() {
    let optional = ColumnType::optional(AtomType::Integer);
    assert_eq!(Datum::from(5).patched(Datum::from(7), &optional), Datum::from(7));
    assert_eq!(Datum::from(5).patched(Datum::empty_set(), &optional), Datum::empty_set());
    let set = ColumnType::set(AtomType::Integer);
    assert_eq!(Datum::from(5).patched(Datum::from(7), &set), Datum::set([5, 7]));
    assert_eq!(Datum::from(5).patched(Datum::from(5), &set), Datum::empty_set());
    let map = ColumnType::map(AtomType::String, AtomType::Integer);
    let patched = Datum::map([("a", 1), ("b", 2), ("c", 3)])
        .patched(Datum::map([("a", 1), ("b", 9), ("d", 4)]), &map);
    assert_eq!(patched, Datum::map([("b", 9), ("c", 3), ("d", 4)]));
}

#[test]
fn defaults_are_those_of_the_types() {
    assert_eq!(ColumnType::scalar(AtomType::String).default_datum(), Datum::from(""));
    assert_eq!(ColumnType::scalar(AtomType::Boolean).default_datum(), Datum::from(false));
    assert_eq!(ColumnType::optional(AtomType::Integer).default_datum(), Datum::empty_set());
    let map = ColumnType::map(AtomType::String, AtomType::String);
    assert_eq!(map.default_datum(), Datum::empty_map());
    // Port.interfaces is a set of at least one.
    let at_least_one = ColumnType { key: AtomType::Uuid, value: None, min: 1, max: None };
    assert_eq!(at_least_one.default_datum(), Datum::from(Uuid::nil()));
}
