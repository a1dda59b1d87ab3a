//! Who is killed, and when it comes back.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_obs::Clock;
use rand::Rng;
use rand::rngs::StdRng;

use crate::cloud::Role;
use crate::host::Host;
use crate::stage::Stage;
use crate::switch::Daemon;

/// Kills at random, and starts again what it killed, as a service manager does.
#[derive(Debug)]
pub(super) struct Chaos<'s> {
    stage: &'s Stage,
    random: StdRng,
    history: Vec<String>,
    clock: Clock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victims {
    /// Server and agents.
    ControlPlane,
    /// The daemons of the switches as well.
    All,
}

#[derive(Debug, Clone, Copy)]
enum Victim<'s> {
    Program(&'s Host, Role),
    Switch(&'s Host, Daemon),
}

impl<'s> Chaos<'s> {
    pub(super) fn new(stage: &'s Stage, random: StdRng) -> Self {
        Self { stage, random, history: Vec::new(), clock: Clock::system() }
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
        let (host, name) = match victim {
            Victim::Program(host, role) => (host, role.to_string()),
            Victim::Switch(host, Daemon::Database) => (host, "ovsdb-server".to_owned()),
            Victim::Switch(host, Daemon::Vswitchd) => (host, "ovs-vswitchd".to_owned()),
        };
        let text = format!("{name} on {}, down for {down:?}", host.name());
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
            }
        };
        doing.await.context(text)
    }
}
