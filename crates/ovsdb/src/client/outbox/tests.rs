use super::*;
use crate::row::Row;
use crate::snapshot::ChangeKind;

fn row(name: &str) -> Arc<Row> {
    Arc::new(Row::new().with("name", name))
}

fn change(number: u128, old: Option<&str>, new: Option<&str>) -> Change {
    let kind = ChangeKind::between(old.map(row), new.map(row)).unwrap();
    Change { table: "T".into(), uuid: Uuid::from_u128(number), kind }
}

fn lost() -> Event {
    Event::Disconnected(Arc::new(Disconnect::Closed))
}

fn drain(outbox: &mut Outbox) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(event) = outbox.pop() {
        told.push(match event {
            Event::Connected(snapshot) => format!("connected {}", snapshot.len()),
            Event::Changed(changes) => format!("changed {}", changes.len()),
            Event::Disconnected(_) => "lost".to_owned(),
        });
    }
    told
}

fn merged(changes: impl IntoIterator<Item = Change>) -> Vec<Change> {
    let mut outbox = Outbox::default();
    for change in changes {
        outbox.push(Event::Changed(vec![change]));
    }
    match outbox.pop() {
        Some(Event::Changed(changes)) => changes,
        None => vec![],
        other => panic!("{other:?}"),
    }
}

#[test]
fn changes_of_one_row_become_one() {
    let cases = [
        (
            vec![change(1, None, Some("a")), change(1, Some("a"), Some("b"))],
            Some((None, Some("b"))),
        ),
        (vec![change(1, None, Some("a")), change(1, Some("a"), None)], None),
        (vec![change(1, Some("a"), Some("b")), change(1, Some("b"), Some("a"))], None),
        (
            vec![change(1, Some("a"), Some("b")), change(1, Some("b"), Some("c"))],
            Some((Some("a"), Some("c"))),
        ),
        (
            vec![change(1, Some("a"), Some("b")), change(1, Some("b"), None)],
            Some((Some("a"), None)),
        ),
        (
            vec![change(1, Some("a"), None), change(1, None, Some("c"))],
            Some((Some("a"), Some("c"))),
        ),
    ];
    for (changes, expected) in cases {
        let expected: Vec<Change> =
            expected.into_iter().map(|(old, new)| change(1, old, new)).collect();
        assert_eq!(merged(changes.clone()), expected, "{changes:?}");
    }
}

#[test]
fn what_waits_is_bounded_by_rows_and_not_by_changes() {
    let names = ["a", "b", "c"];
    let changes = (0..3000usize).map(|step| {
        let (old, new) = (names[step / 2 % 3], names[(step / 2 + 1) % 3]);
        change(if step % 2 == 0 { 1 } else { 2 }, Some(old), Some(new))
    });
    assert!(merged(changes).len() <= 2);
}

#[test]
fn changes_go_into_a_snapshot_that_waits() {
    let mut outbox = Outbox::default();
    assert_eq!(outbox.push(Event::Connected(Snapshot::default())), Pushed::Alone);
    let inserted = Event::Changed(vec![change(1, None, Some("a"))]);
    assert_eq!(outbox.push(inserted), Pushed::Merged);
    assert_eq!(drain(&mut outbox), ["connected 1"]);
}

#[test]
fn a_new_snapshot_voids_what_came_before_but_not_the_loss() {
    let mut outbox = Outbox::default();
    outbox.push(Event::Changed(vec![change(1, None, Some("a"))]));
    outbox.push(lost());
    outbox.push(Event::Connected(Snapshot::default()));
    assert_eq!(drain(&mut outbox), ["lost", "connected 0"]);
}

#[test]
fn a_snapshot_that_nobody_saw_goes_with_its_connection() {
    let mut outbox = Outbox::default();
    outbox.push(Event::Connected(Snapshot::default()));
    outbox.push(lost());
    assert_eq!(drain(&mut outbox), ["lost"]);
    for _ in 0..5 {
        outbox.push(lost());
        outbox.push(Event::Connected(Snapshot::default()));
    }
    assert_eq!(drain(&mut outbox), ["lost", "connected 0"]);
}

#[test]
fn changes_before_a_loss_are_still_told() {
    let mut outbox = Outbox::default();
    outbox.push(Event::Changed(vec![change(1, None, Some("a"))]));
    outbox.push(lost());
    assert_eq!(drain(&mut outbox), ["changed 1", "lost"]);
}
