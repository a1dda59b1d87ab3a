//! What the server does without being asked: heartbeats to disk, networks and routers away from dead agents, the journal kept short,
//! counters right.

use std::time::Duration;

use nucleon_db::journal::Keep;
use tokio_util::sync::CancellationToken;

use crate::Core;

/// How often heartbeats are written.
const FLUSH: Duration = Duration::from_secs(1);
/// How often dead agents are looked for, at least.
const SLOWEST_LOOK: Duration = Duration::from_secs(15);
/// How often the journal is cut.
const CUT: Duration = Duration::from_mins(10);
/// How often the counters of quotas are held against what there is.
const RECOUNT: Duration = Duration::from_hours(1);
/// What is kept of it: an agent that was away for longer takes a snapshot.
const KEPT: Keep = Keep { rows: 1_000_000, age: Duration::from_hours(24) };

impl Core {
    /// Runs until cancelled; whatever fails is tried again at the next turn.
    pub async fn maintain(self, stop: CancellationToken) {
        let look = SLOWEST_LOOK.min(self.settings().agent_down_time / 4);
        let mut since_look = Duration::ZERO;
        let mut since_cut = Duration::ZERO;
        // Limits of the configuration may be others than before.
        let mut since_count = RECOUNT;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock().sleep(FLUSH) => {}
            }
            if let Err(error) = self.flush_heartbeats().await {
                tracing::warn!(error = %error, "heartbeats could not be written");
            }
            since_look += FLUSH;
            since_cut += FLUSH;
            if since_cut >= CUT {
                since_cut = Duration::ZERO;
                if let Err(error) = self.store().journal_prune(KEPT).await {
                    tracing::warn!(%error, "the journal could not be cut");
                }
            }
            since_count += FLUSH;
            if since_count >= RECOUNT {
                since_count = Duration::ZERO;
                match self.quotas_recount().await {
                    Ok(0) => {}
                    Ok(mended) => tracing::info!(mended, "set counters of quotas right"),
                    Err(error) => tracing::warn!(%error, "quotas could not be counted again"),
                }
            }
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
                match self.l3_failover().await {
                    Ok(0) => {}
                    Ok(moved) => {
                        tracing::info!(routers = moved, "moved routers away from dead L3 agents");
                    }
                    Err(error) => tracing::warn!(%error, "dead L3 agents could not be relieved"),
                }
            }
        }
    }
}
