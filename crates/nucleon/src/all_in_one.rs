//! `nucleon all-in-one`: server and agents in one process.

use std::sync::Arc;

use nucleon_bus::ServerAt;

use crate::program::Start;
use crate::{agents, server};

/// Starts the server, and the agents on a connection that never leaves the process.
pub(crate) async fn run(start: Start) -> anyhow::Result<()> {
    let hub = Arc::new(server::start_server(&start).await?);
    agents::start_ovs(&start, vec![ServerAt::InProcess(hub.clone())])?;
    agents::start_dhcp(&start, vec![ServerAt::InProcess(hub)])?;
    let api = &start.settings.api;
    tracing::info!(
        "try: openstack --os-auth-type none --os-endpoint http://{}:{} network list",
        api.bind_host,
        api.bind_port
    );
    Ok(())
}
