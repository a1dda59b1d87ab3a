//! What the tests work with: a table of things, and a store on each database.

use std::sync::Arc;
use std::time::Duration;

use nucleon_db::migrate::{MIGRATIONS, Migration, Phase, State, Step, check_with, upgrade_with};
use nucleon_db::{Change, Error, Operation, Row, Store, StoreOptions, Tx};
use nucleon_testkit::{Kind, TestDatabase, databases};
use sea_query::{Expr, ExprTrait, ForeignKeyAction, InsertStatement, Query};

/// A store on a database of its own. The store comes first: it is closed before the database is dropped.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) database: TestDatabase,
}

/// A scene on each database: SQLite, MariaDB, PostgreSQL.
pub(crate) async fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for database in databases() {
        scenes.push(scene(database).await);
    }
    scenes
}

pub(crate) async fn scene(database: TestDatabase) -> Scene {
    let store = open(&database.url).await;
    upgrade_with(&store, &migrations()).await.unwrap();
    // Galera's other node applies what was certified a moment later.
    for node in &database.nodes {
        let node = open(node).await;
        while check_with(&node, &migrations()).await.unwrap() != State::Current {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Scene { store, database }
}

pub(crate) async fn open(url: &str) -> Store {
    Store::open(&url.parse().unwrap(), StoreOptions::default()).await.unwrap()
}

impl Scene {
    pub(crate) fn kind(&self) -> Kind {
        self.database.kind
    }

    /// A second store on the same database, as another server has it.
    pub(crate) async fn other(&self) -> Store {
        open(&self.database.url).await
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        names(&self.store).await
    }
}

/// The names of all things, as the database sorts them.
pub(crate) async fn names(store: &Store) -> Vec<String> {
    let rows = store
        .read(|tx| {
            Box::pin(async move {
                let query = Query::select()
                    .column("name")
                    .from("thing")
                    .order_by("name", sea_query::Order::Asc)
                    .take();
                tx.fetch_all(&query).await
            })
        })
        .await;
    rows.unwrap().iter().map(|row: &Row| row.get("name").unwrap()).collect::<Vec<String>>()
}

/// All migrations of the program, and one with the tests' tables.
pub(crate) fn migrations() -> Vec<Migration> {
    let number = MIGRATIONS.last().unwrap().number + 1;
    let things = Migration { number, name: "things", phase: Phase::Expand, up, down };
    MIGRATIONS.iter().copied().chain([things]).collect()
}

fn up(schema: &nucleon_db::schema::Schema) -> Vec<Step> {
    let mut thing = schema.table("thing");
    thing
        .col(schema.id("id").primary_key())
        .col(schema.text("name", 64))
        .col(schema.number("shelf"))
        .col(schema.number("place"))
        .col(schema.number("revision"))
        .col(schema.flag("heavy"))
        .col(schema.long_text("note").null());
    let mut part = schema.table("part");
    part.col(schema.id("id").primary_key()).col(schema.id("thing_id")).foreign_key(
        &mut schema.reference(
            "part_thing_fk",
            ("part", "thing_id"),
            ("thing", "id"),
            ForeignKeyAction::Restrict,
        ),
    );
    vec![
        Step::Create(thing),
        Step::CreateIndex(schema.unique("thing_name_uq", "thing", &["name"])),
        Step::CreateIndex(schema.unique("thing_place_uq", "thing", &["shelf", "place"])),
        Step::CreateIndex(schema.index("thing_shelf_ix", "thing", &["shelf"])),
        Step::Create(part),
    ]
}

fn down(schema: &nucleon_db::schema::Schema) -> Vec<Step> {
    vec![Step::Drop(schema.drop_table("part")), Step::Drop(schema.drop_table("thing"))]
}

#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) shelf: i64,
    pub(crate) place: i64,
    pub(crate) heavy: bool,
    pub(crate) note: Option<String>,
}

pub(crate) fn thing(name: &str, place: i64) -> Thing {
    let id = uuid::Uuid::now_v7().to_string();
    Thing { id, name: name.to_owned(), shelf: 1, place, heavy: false, note: None }
}

impl Thing {
    pub(crate) fn insert(&self) -> InsertStatement {
        Query::insert()
            .into_table("thing")
            .columns(["id", "name", "shelf", "place", "revision", "heavy", "note"])
            .values_panic([
                self.id.as_str().into(),
                self.name.as_str().into(),
                self.shelf.into(),
                self.place.into(),
                0i64.into(),
                self.heavy.into(),
                self.note.clone().into(),
            ])
            .take()
    }

    pub(crate) fn change(&self, scopes: &[&str]) -> Change {
        change(&self.id, Operation::Create, 0, scopes)
    }
}

pub(crate) fn change(id: &str, operation: Operation, revision: i64, scopes: &[&str]) -> Change {
    Change {
        kind: "thing".into(),
        id: id.to_owned(),
        operation,
        revision,
        request: Some("req-7".to_owned()),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    }
}

/// Stores a thing, without a word to the journal.
pub(crate) async fn put(store: &Store, thing: Thing) -> Result<(), Error> {
    let thing = Arc::new(thing);
    store
        .write("thing put", move |tx| {
            let thing = thing.clone();
            Box::pin(async move { tx.execute(&thing.insert()).await.map(drop) })
        })
        .await
}

/// Stores a thing, and says so.
pub(crate) async fn put_loudly(store: &Store, thing: Thing, scopes: &[&str]) -> uuid::Uuid {
    let change = thing.change(scopes);
    store
        .write("thing put", move |tx| {
            let (insert, change) = (thing.insert(), change.clone());
            Box::pin(async move {
                tx.execute(&insert).await?;
                tx.emit(change);
                Ok::<_, Error>(tx.id())
            })
        })
        .await
        .unwrap()
}

/// Raises a thing's place by one, and waits for whoever holds the row.
pub(crate) async fn raise(tx: &mut Tx, id: &str) -> Result<u64, Error> {
    let update = Query::update()
        .table("thing")
        .value("place", Expr::col("place").add(1i64))
        .and_where(Expr::col("id").eq(id))
        .take();
    tx.execute(&update).await
}
