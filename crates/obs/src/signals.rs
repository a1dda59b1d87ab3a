//! What the operator asks of a running process.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// The signals a process here answers to, as a stream.
#[derive(Debug)]
pub struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hangup: unix::Signal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: take no new work, finish what was begun, leave.
    Drain,
    /// SIGINT: leave now.
    Interrupt,
    /// SIGHUP: read again what can be read again.
    Reload,
}

impl Signals {
    /// From here on the signals come to this stream instead of ending the process.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            hangup: unix::signal(SignalKind::hangup())?,
        })
    }

    pub async fn next(&mut self) -> Signal {
        // The one that ends soonest first, should several be waiting.
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Drain,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}
