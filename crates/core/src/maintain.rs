//! What the server does without being asked: heartbeats to disk, networks away from dead agents.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Core;

/// How often heartbeats are written.
const FLUSH: Duration = Duration::from_secs(1);
/// How often dead agents are looked for, at least.
const SLOWEST_LOOK: Duration = Duration::from_secs(15);

impl Core {
    /// Runs until cancelled; whatever fails is tried again at the next turn.
    pub async fn maintain(self, stop: CancellationToken) {
        let look = SLOWEST_LOOK.min(self.settings().agent_down_time / 4);
        let mut since_look = Duration::ZERO;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock().sleep(FLUSH) => {}
            }
            if let Err(error) = self.flush_heartbeats().await {
                tracing::warn!(error = %error, "heartbeats could not be written");
            }
            since_look += FLUSH;
            if since_look >= look {
                since_look = Duration::ZERO;
                match self.dhcp_failover().await {
                    Ok(0) => {}
                    Ok(moved) => tracing::info!(
                        networks = moved,
                        "moved networks away from dead DHCP agents"
                    ),
                    Err(error) => {
                        tracing::warn!(error = %error, "dead DHCP agents could not be relieved");
                    }
                }
            }
        }
    }
}
