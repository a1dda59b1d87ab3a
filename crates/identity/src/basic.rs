//! `auth_strategy = http_basic`: users and passwords in a file, as oslo.middleware's basic_auth has them. For clouds
//! without Keystone: whoever is in the file is an administrator.

mod header;
mod users;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use http::HeaderValue;
use http::request::Parts;
use nucleon_api::{AuthError, Authenticator, Challenge};
use nucleon_core::Caller;
use nucleon_obs::{Clock, Metrics, Mono, Random};
use tokio::sync::Semaphore;

use self::header::{Credentials, Malformed};
use self::users::{Stamp, Users};
use crate::cache::{Bounds, Cache};
use crate::identity::{Account, Identity, Named, Scope, Subject};
use crate::metrics::{IdentityMetrics, Outcome};
use crate::secret::Digest;

pub use self::users::FileError;

/// Passwords that are known to be right or wrong.
const KNOWN: Bounds = Bounds { entries: 10_000, bytes: 4 * 1024 * 1024 };

/// How long a right password need not be looked at again: bcrypt is slow on purpose.
const RIGHT_FOR: Duration = Duration::from_mins(5);
const WRONG_FOR: Duration = Duration::from_secs(5);

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Passwords that are looked at at once: whoever guesses must not take all processors.
const AT_ONCE: usize = 2;

const UNAUTHORIZED: &str = "This server could not verify that you are authorized to access the document you requested.  \
     Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply \
     the credentials required.";

const AWAY: &str = "The file of users cannot be read.";

/// `[oslo_middleware] http_basic_auth_user_file`, and whose administrators its users are.
#[derive(Debug, Clone)]
pub struct BasicOptions {
    pub user_file: PathBuf,
    /// The project of what they make.
    pub project_id: String,
    pub roles: Vec<String>,
}

/// Users by a file of passwords.
#[derive(Debug)]
pub struct HttpBasic {
    options: BasicOptions,
    file: Mutex<File>,
    /// Mixed into what passwords are known by, so that nobody can guess them from it at leisure.
    salt: [u8; 32],
    known: Mutex<Cache<bool>>,
    room: Semaphore,
    clock: Clock,
    metrics: IdentityMetrics,
}

/// The file as it was read last.
#[derive(Debug)]
struct File {
    /// `None` when it cannot be used: then nobody is let in, and nobody is told that their password is wrong.
    users: Result<Arc<Users>, Arc<FileError>>,
    stamp: Option<Stamp>,
    looked_at: Mono,
}

impl HttpBasic {
    /// Reads the file.
    pub fn new(
        options: BasicOptions,
        clock: Clock,
        random: &Random,
        metrics: &Metrics,
    ) -> Result<Self, FileError> {
        let (users, stamp) = Users::read(&options.user_file)?;
        let (users, looked_at) = (Ok(Arc::new(users)), clock.mono());
        Ok(Self {
            options,
            file: Mutex::new(File { users, stamp: Some(stamp), looked_at }),
            salt: random.bytes(),
            known: Mutex::new(Cache::new(KNOWN)),
            room: Semaphore::new(AT_ONCE),
            clock,
            metrics: IdentityMetrics::new(metrics),
        })
    }

    async fn sender(&self, parts: &Parts) -> Result<Identity, AuthError> {
        let credentials = Credentials::of(&parts.headers).map_err(malformed)?;
        let users = self
            .users()
            .await
            .map_err(|error| AuthError::Unavailable { message: AWAY, source: Box::new(error) })?;
        if self.is_right(&users, &credentials).await {
            Ok(self.identity(credentials.user))
        } else {
            Err(refused(UNAUTHORIZED))
        }
    }

    /// The users as the file has them now, or had them a second ago.
    async fn users(&self) -> Result<Arc<Users>, Arc<FileError>> {
        let now = self.clock.mono();
        {
            let mut file = lock(&self.file);
            if now - file.looked_at < LOOK_EVERY {
                return file.users.clone();
            }
            // Others need not look too.
            file.looked_at = now;
        }
        let path = self.options.user_file.clone();
        let before = lock(&self.file).stamp;
        let look = move || {
            let same = before.is_some() && Stamp::of(&path).ok() == before;
            if same { None } else { Some(Users::read(&path)) }
        };
        // A look that panics is one that found nothing new.
        if let Ok(Some(found)) = tokio::task::spawn_blocking(look).await {
            self.take(found);
        }
        lock(&self.file).users.clone()
    }

    fn take(&self, found: Result<(Users, Stamp), FileError>) {
        let mut file = lock(&self.file);
        let path = self.options.user_file.display();
        match found {
            Ok((users, stamp)) => {
                tracing::info!(%path, users = users.count(), "read the file of users again");
                (file.users, file.stamp) = (Ok(Arc::new(users)), Some(stamp));
            }
            Err(error) => {
                if file.stamp.is_some() {
                    tracing::error!(%error, "nobody is let in until the file of users is right again");
                }
                (file.users, file.stamp) = (Err(Arc::new(error)), None);
            }
        }
        lock(&self.known).clear();
    }

    async fn is_right(&self, users: &Users, credentials: &Credentials) -> bool {
        let key = Digest::of(&[&self.salt, credentials.user.as_bytes(), &credentials.password]);
        if let Some(right) = lock(&self.known).get(&key, self.clock.mono()) {
            self.metrics.known(outcome(right));
            return right;
        }
        let began = self.clock.mono();
        let hash = users.hash(&credentials.user);
        let known_user = hash.is_some();
        let right = match hash.or_else(|| users.decoy()) {
            Some(hash) => self.verify(credentials.password.clone(), hash).await && known_user,
            None => false,
        };
        let now = self.clock.mono();
        self.metrics.checked(outcome(right), now - began);
        let until = now + if right { RIGHT_FOR } else { WRONG_FOR };
        lock(&self.known).put(key, right, 0, until, now);
        right
    }

    async fn verify(&self, password: Vec<u8>, hash: Arc<str>) -> bool {
        // The semaphore is never closed.
        let _place = self.room.acquire().await;
        // bcrypt reads 72 bytes; a longer password is none that it has hashed whole.
        let verify = move || bcrypt::non_truncating_verify(password, &hash).unwrap_or(false);
        tokio::task::spawn_blocking(verify).await.unwrap_or(false)
    }

    fn identity(&self, user: String) -> Identity {
        let project = Named { id: self.options.project_id.clone(), name: String::new() };
        let subject = Subject {
            user: Account { id: user.clone(), name: user, domain: Named::default() },
            scope: Scope::Project { project, domain: Named::default() },
            roles: self.options.roles.clone(),
            expires_at: None,
            is_admin_project: None,
        };
        Identity { subject: Arc::new(subject), service: None }
    }
}

impl Authenticator for HttpBasic {
    fn identify<'a>(
        &'a self,
        parts: &'a Parts,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        async move { Ok(self.sender(parts).await?.caller(request_id)) }.boxed()
    }
}

const fn outcome(right: bool) -> Outcome {
    if right { Outcome::Valid } else { Outcome::Invalid }
}

fn malformed(malformed: Malformed) -> AuthError {
    match malformed {
        Malformed::Missing => refused(UNAUTHORIZED),
        other => refused(&other.to_string()),
    }
}

/// As oslo.middleware refuses; the scheme is named too, which HTTP demands (RFC 9110, 11.6.1).
fn refused(message: &str) -> AuthError {
    let body = serde_json::json!({"error": {"message": message, "code": 401}});
    AuthError::Unauthorized(Challenge {
        scheme: Some(HeaderValue::from_static("Basic realm=\"Networking\"")),
        body: Some(Bytes::from(body.to_string())),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is under these locks is whole at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
