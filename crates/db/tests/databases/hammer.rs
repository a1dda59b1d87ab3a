//! The journal under the hammer: writer processes, two sequencing servers, readers on every node, and processes that
//! are killed or frozen at random. At the end every reader has seen every change of every acknowledged write once, in
//! one order.
//!
//! ```text
//!   writer x2: acknowledged writes ------------------+            killed now and then
//!   server x2: acknowledged writes, announced batches +--> verdict
//!   readers on each node (in this process) ----------+            killed, or frozen for longer than the idle limit
//! ```

mod reader;
mod verdict;
mod writer;

use std::time::Duration;

use nucleon_testkit::{Kind, Process, Signal, part, say};
use rand::Rng;

use crate::hammer::reader::Reader;
use crate::hammer::verdict::Witness;
use crate::scene::{Scene, open, scene};

/// Processes that write and do not sequence.
const WRITERS: usize = 2;

/// Processes that write and sequence.
const SERVERS: usize = 2;

/// How long it goes on.
fn duration() -> Duration {
    let long = std::env::var_os("NUCLEON_LONG").is_some_and(|value| value == "1");
    if long { Duration::from_mins(2) } else { Duration::from_secs(6) }
}

/// Plays a writer or a server, when this test program was started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process() {
    let Some(part) = part() else { return };
    let mut words = part.split(' ');
    let (role, number, url) = (words.next(), words.next().unwrap(), words.next().unwrap());
    let store = open(url).await;
    match role.unwrap() {
        "writer" => writer::run(&store, number).await,
        "server" => server(&store, number).await,
        other => panic!("{other:?} is no part"),
    }
}

/// Writes and sequences, as a server does, and tells which batches it announces.
async fn server(store: &nucleon_db::Store, number: &str) {
    let mut batches = store.batches();
    store.start_journal();
    say("ready");
    let listen = async {
        loop {
            if let Ok(batch) = batches.recv().await {
                say(&verdict::batch_line(&batch));
            }
        }
    };
    tokio::select! {
        () = writer::run(store, number) => {}
        () = listen => {}
    }
    // What it has committed last is sequenced by itself or by the other; it waits to tell.
    let listen = async {
        while let Ok(batch) = batches.recv().await {
            say(&verdict::batch_line(&batch));
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), listen).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite() {
    hammer(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_mariadb() {
    hammer(Kind::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgresql() {
    hammer(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_two_galera_nodes() {
    hammer(Kind::Galera).await;
}

/// The processes of one run, and what those that are gone have said.
struct Cast {
    nodes: Vec<String>,
    writers: Vec<(usize, Process)>,
    servers: Vec<(usize, Process)>,
    witness: Witness,
    started: usize,
}

impl Cast {
    fn new(scene: &Scene) -> Self {
        let nodes = scene.database.nodes.clone();
        let (writers, servers) = (Vec::new(), Vec::new());
        let mut cast = Self { nodes, writers, servers, witness: Witness::default(), started: 0 };
        for node in 0..SERVERS {
            let process = cast.start("server", node);
            process.wait_for("ready");
            cast.servers.push((node, process));
        }
        for node in 0..WRITERS {
            let process = cast.start("writer", node);
            cast.writers.push((node, process));
        }
        cast
    }

    /// Starts a process on one of the nodes, by turns.
    fn start(&mut self, role: &str, node: usize) -> Process {
        let url = &self.nodes[node % self.nodes.len()];
        let part = format!("{role} {} {url}", self.started);
        self.started += 1;
        Process::again("hammer::a_process", &part)
    }

    /// Does one of them some harm.
    async fn harm(&mut self) {
        let victim = rand::rng().random_range(0..SERVERS);
        let (node, process) = self.servers.swap_remove(victim);
        match rand::rng().random_range(0..4) {
            0 => {
                // Longer than the limit for idle transactions: the other takes over, and this one must notice.
                process.signal(Signal::SIGSTOP).unwrap();
                tokio::time::sleep(Duration::from_millis(2600)).await;
                process.signal(Signal::SIGCONT).unwrap();
                self.servers.push((node, process));
            }
            1 => {
                self.servers.push((node, process));
                let victim = rand::rng().random_range(0..WRITERS);
                let (node, process) = self.writers.swap_remove(victim);
                self.witness.hear(&process.kill());
                let process = self.start("writer", node);
                self.writers.push((node, process));
            }
            _ => {
                self.witness.hear(&process.kill());
                let process = self.start("server", node);
                self.servers.push((node, process));
            }
        }
    }

    /// Has all of them finish. What they leave in the outbox is for those who come after.
    fn end(mut self) -> Witness {
        for (_, process) in self.writers.drain(..).chain(self.servers.drain(..)) {
            self.witness.hear(&process.finish());
        }
        self.witness
    }
}

async fn hammer(kind: Kind) {
    let Some(database) = nucleon_testkit::database(kind) else { return };
    let scene = scene(database).await;
    writer::prepare(&scene.store, &scene.database.nodes).await;
    let readers = Reader::start_all(&scene.database.nodes).await;
    let mut cast = Cast::new(&scene);

    let end = tokio::time::Instant::now() + duration();
    while tokio::time::Instant::now() < end {
        let pause = rand::rng().random_range(300..1200);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        cast.harm().await;
    }
    let witness = tokio::task::block_in_place(|| cast.end());
    scene.store.start_journal();
    let last = verdict::settled(&scene.store).await;
    let mut seen = Vec::new();
    for reader in readers {
        seen.push(reader.until(last).await);
    }
    let figures = verdict::judge(&scene.store, &witness, &seen).await;
    eprintln!("{kind}: {figures}");
}
