//! Notifications to the service manager.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::Group;

/// systemd's end of `Type=notify`; without systemd (no `NOTIFY_SOCKET`) every call does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notify;

impl Notify {
    /// The process serves; units ordered after it may start.
    pub fn ready(self, status: &str) {
        send(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
    }

    pub fn status(self, status: &str) {
        send(&[NotifyState::Status(&one_line(status))]);
    }

    /// A reload began; [`Notify::ready`] ends it. systemd wants the monotonic time with it
    /// (`Type=notify-reload`).
    pub fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => send(&[NotifyState::Reloading, now]),
            Err(error) => tracing::debug!(%error, "no monotonic time for the service manager"),
        }
    }

    pub fn stopping(self, status: &str) {
        send(&[NotifyState::Stopping, NotifyState::Status(&one_line(status))]);
    }

    /// How long the service manager waits for a sign of life, when it watches this process
    /// (`WatchdogSec=`).
    pub fn watchdog_period(self) -> Option<Duration> {
        sd_notify::watchdog_enabled()
    }

    /// Gives signs of life from a task of `group`, at half the period: a runtime that hangs is
    /// noticed.
    pub fn spawn_watchdog(self, group: &Group) {
        let Some(period) = self.watchdog_period() else { return };
        group.spawn("watchdog", move |cancel| async move {
            let mut ticks = tokio::time::interval(period / 2);
            loop {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    _ = ticks.tick() => send(&[NotifyState::Watchdog]),
                }
            }
        });
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be notified");
    }
}

/// A line feed would begin another assignment of the protocol.
fn one_line(status: &str) -> String {
    status.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_cannot_smuggle_another_assignment() {
        assert_eq!(one_line("fine\nSTOPPING=1"), "fine STOPPING=1");
    }
}
