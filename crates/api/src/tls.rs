//! TLS of the API's socket, from files that may change under way: certificates are renewed more often than servers are
//! restarted.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use nucleon_obs::{Clock, Mono};
use nucleon_tls::{Clients, ServerConfig, ServerOptions, TlsError};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at, when somebody connects.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The certificate, as it was read last.
pub(crate) struct Tls {
    options: ServerOptions,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    stamps: Stamps,
    looked_at: Mono,
}

/// When each of the files was written, and how long it is.
type Stamps = Vec<Option<(SystemTime, u64)>>;

impl Tls {
    pub(crate) fn load(options: ServerOptions, clock: Clock) -> Result<Self, TlsError> {
        // Before the files themselves: what changes in between is read again.
        let stamps = stamps(&options);
        let config = Arc::new(nucleon_tls::server(&options)?);
        let state = Mutex::new(State { config, stamps, looked_at: clock.mono() });
        Ok(Self { options, clock, state })
    }

    /// For one connection. Files that have changed are read again; as long as they are wrong, the former ones hold.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.mono();
        if now - state.looked_at >= LOOK_EVERY {
            state.looked_at = now;
            self.look(&mut state);
        }
        TlsAcceptor::from(state.config.clone())
    }

    fn look(&self, state: &mut State) {
        let stamps = stamps(&self.options);
        if stamps == state.stamps {
            return;
        }
        state.stamps = stamps;
        match nucleon_tls::server(&self.options) {
            Ok(config) => {
                state.config = Arc::new(config);
                tracing::info!("read the API's certificate again");
            }
            Err(error) => {
                tracing::error!(%error, "the API's new certificate cannot be used; the former one stays");
            }
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("options", &self.options).finish_non_exhaustive()
    }
}

fn stamps(options: &ServerOptions) -> Stamps {
    let stamp = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let authority = match &options.clients {
        Clients::Anybody => None,
        Clients::Of(path) => Some(path),
    };
    [&options.own.chain, &options.own.key]
        .into_iter()
        .chain(authority)
        .map(|path| stamp(path))
        .collect()
}
