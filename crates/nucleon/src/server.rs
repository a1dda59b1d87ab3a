//! `nucleon server`: the API, the control plane, the hub.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use nucleon_api::{ApiOptions, ApiParts, Server, UnknownFilters};
use nucleon_bus::{Hub, HubOptions, ListenAt};
use nucleon_conf::Settings;
use nucleon_core::Core;
use nucleon_db::Store;
use nucleon_obs::Group;

use crate::gauges::Gauges;
use crate::program::Start;
use crate::{database, door, identity, policy, wiring};

/// Starts everything and returns once requests are answered.
pub(crate) async fn run(start: Start) -> anyhow::Result<()> {
    start_server(&start).await.map(drop)
}

/// As [`run`], and hands out the hub, for agents in the same process.
pub(crate) async fn start_server(start: &Start) -> anyhow::Result<Hub> {
    let Start { settings, tasks, clock, random, metrics } = start;
    let authenticator = identity::authenticator(start)?;
    let rules = policy::load(settings)?;
    policy::warn(rules.warnings());
    // The group made last stops first: requests, then what serves them, the store at the end.
    let store_tasks = tasks.group("store", Duration::from_secs(10));
    let core_tasks = tasks.group("control plane", Duration::from_secs(5));
    let hub_tasks = tasks.group("hub", Duration::from_secs(5));
    let api_tasks = tasks.group("api", Duration::from_secs(15));

    let store = database::open(settings, clock).await?;
    database::upgrade(&store).await?;
    store.start_journal();
    let core = Core::new(
        store.clone(),
        wiring::core_settings(settings),
        wiring::drivers(settings),
        rules.policy().clone(),
        clock.clone(),
        random.clone(),
    );
    database::told("waiting to record the segment ranges", core.network_segment_ranges_record())
        .await
        .context("the configured segment ranges cannot be recorded")?;
    let options =
        HubOptions { server: settings.process.host.as_str().to_owned(), ..HubOptions::default() };
    let hub = Hub::new(Arc::new(core.clone()), options, metrics, hub_tasks);
    listen(&hub, settings).await?;

    let parts = ApiParts {
        core: core.clone(),
        authenticator,
        clock: clock.clone(),
        random: random.clone(),
        metrics: metrics.clone(),
    };
    let server = Server::bind(parts, api_options(settings).await?).await?;
    tracing::info!(address = %server.local_addr(), "the API answers");

    api_tasks.spawn_vital("api", |stop| server.serve(stop));
    core_tasks.spawn_vital("hints", {
        let (core, hub) = (core.clone(), hub.clone());
        |stop| async move {
            tokio::select! {
                () = core.send_hints(hub) => {}
                () = stop.cancelled() => {}
            }
        }
    });
    core_tasks.spawn_vital("gauges", {
        let (gauges, core) = (Gauges::new(metrics), core.clone());
        |stop| gauges.follow(core, stop)
    });
    core_tasks.spawn_vital("policy", {
        let core = core.clone();
        |stop| policy::follow(rules, core, stop)
    });
    core_tasks.spawn_vital("maintenance", |stop| core.maintain(stop));
    close_store(&store_tasks, store);
    Ok(hub)
}

/// Closes the store when its turn in the shutdown comes.
fn close_store(group: &Group, store: Store) {
    group.spawn("close", |stop| async move {
        stop.cancelled().await;
        store.close().await;
    });
}

async fn listen(hub: &Hub, settings: &Settings) -> anyhow::Result<()> {
    for place in wiring::hub_listen(settings).await? {
        if let ListenAt::Unix(path) = &place
            && let Some(directory) = path.parent()
        {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("the directory {} cannot be made", directory.display()))?;
        }
        hub.listen(&place).await?;
    }
    Ok(())
}

async fn api_options(settings: &Settings) -> anyhow::Result<ApiOptions> {
    let api = &settings.api;
    let limit = api.pagination_max_limit.0.map(NonZeroU64::from);
    Ok(ApiOptions {
        bind: wiring::resolve(&api.bind_host, api.bind_port.get()).await?,
        unknown_filters: if api.filter_validation {
            UnknownFilters::Refused
        } else {
            UnknownFilters::Ignored
        },
        bulk_limit: if api.allow_bulk { ApiOptions::default().bulk_limit } else { None },
        page_limit: limit,
        link_prefix: api.network_link_prefix.clone(),
        trusted_proxies: door::trusted_proxies(&settings.middleware),
        tls: door::tls(settings)?,
        cors: door::cors(&settings.cors),
        body_limit: usize::try_from(settings.middleware.max_request_body_size)?,
        ..ApiOptions::default()
    })
}
