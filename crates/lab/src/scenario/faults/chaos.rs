//! Who is killed, and when it comes back.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_obs::Clock;
use rand::Rng;
use rand::rngs::StdRng;

use crate::cloud::Role;
use crate::database::DatabaseServer;
use crate::host::Host;
use crate::stage::Stage;
use crate::switch::Daemon;

/// Kills at random, and starts again what it killed, as a service manager does.
#[derive(Debug)]
pub(super) struct Chaos<'s> {
    stage: &'s Stage,
    database: Option<&'s DatabaseServer>,
    random: StdRng,
    history: Vec<String>,
    clock: Clock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victims {
    /// Server and agents, and the database server where there is one.
    ControlPlane,
    /// The daemons of the switches as well.
    All,
}

#[derive(Debug, Clone, Copy)]
enum Victim<'s> {
    Program(&'s Host, Role),
    Switch(&'s Host, Daemon),
    Database(&'s DatabaseServer),
}

impl<'s> Chaos<'s> {
    pub(super) fn new(
        stage: &'s Stage,
        database: Option<&'s DatabaseServer>,
        random: StdRng,
    ) -> Self {
        Self { stage, database, random, history: Vec::new(), clock: Clock::system() }
    }

    /// What was killed so far.
    pub(super) fn history(&self) -> &[String] {
        &self.history
    }

    /// Kills one after another until `time` is over; everything runs again at its end. Each kind of
    /// victim is killed at least once.
    pub(super) async fn rage(&mut self, victims: Victims, time: Duration) -> Result<()> {
        let mut list = self.victims(victims)?;
        let end = self.clock.mono() + time;
        let mut round = 0;
        while self.clock.mono() < end || round < list.len() {
            // Through all in a random order first, then whoever it hits.
            let chosen = if round < list.len() {
                let other = self.random.random_range(round..list.len());
                list.swap(round, other);
                list.get(round)
            } else {
                list.get(self.random.random_range(0..list.len()))
            };
            round += 1;
            self.strike(*chosen.context("nobody to kill")?).await?;
            let pause = self.random.random_range(100..600);
            self.clock.sleep(Duration::from_millis(pause)).await;
        }
        Ok(())
    }

    fn victims(&self, victims: Victims) -> Result<Vec<Victim<'s>>> {
        let centre = &self.stage.centre;
        let (one, two) = (centre.compute(1)?, centre.compute(2)?);
        let network: &Host = &centre.network;
        let mut list = vec![
            Victim::Program(&centre.controller, Role::Server),
            Victim::Program(one, Role::OvsAgent),
            Victim::Program(two, Role::OvsAgent),
            Victim::Program(network, Role::OvsAgent),
            Victim::Program(network, Role::DhcpAgent),
        ];
        // Every third blow is for it.
        list.extend(self.database.iter().flat_map(|server| [Victim::Database(server); 3]));
        if victims == Victims::All {
            for host in [one, two, network] {
                list.push(Victim::Switch(host, Daemon::Vswitchd));
                list.push(Victim::Switch(host, Daemon::Database));
            }
        }
        Ok(list)
    }

    async fn strike(&mut self, victim: Victim<'s>) -> Result<()> {
        let down = Duration::from_millis(self.random.random_range(0..400));
        let name = match victim {
            Victim::Program(host, role) => format!("{role} on {}", host.name()),
            Victim::Switch(host, Daemon::Database) => format!("ovsdb-server on {}", host.name()),
            Victim::Switch(host, Daemon::Vswitchd) => format!("ovs-vswitchd on {}", host.name()),
            Victim::Database(_) => "the database server".to_owned(),
        };
        let text = format!("{name}, down for {down:?}");
        self.history.push(text.clone());
        let doing = async {
            match victim {
                Victim::Program(host, role) => {
                    self.stage.cloud.kill(host, role).await?;
                    self.clock.sleep(down).await;
                    self.stage.cloud.start_role(host, role).await
                }
                Victim::Switch(host, daemon) => {
                    host.switch().kill(daemon).await?;
                    self.clock.sleep(down).await;
                    host.switch().start_again(daemon).await
                }
                Victim::Database(server) => {
                    server.kill().await?;
                    self.clock.sleep(down).await;
                    server.start_again().await
                }
            }
        };
        doing.await.context(text)
    }
}
