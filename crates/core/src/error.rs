//! The one error of the control plane, free of any transport.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use nucleon_model::ResourceDecl;

/// What an error means to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong, and would be at any time.
    Invalid,
    Forbidden,
    NotFound,
    /// The request is fine but the cloud is not in a state for it.
    Conflict,
    /// The object is not at the revision that the request names.
    Stale,
    /// Some resource or service is not to be had now.
    Unavailable,
    /// A fault of ours; the text for the client says nothing of it.
    Internal,
}

/// Why an operation was not carried out.
///
/// `name` and `message` go to the client: they are Neutron's type and wording. The source is for the log.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    name: Cow<'static, str>,
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Never seen outside of this crate.
const COLLIDED: &str = "Collided";

impl Error {
    pub fn new(kind: Kind, name: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { kind, name: name.into(), message: message.into(), source: None }
    }

    pub fn invalid(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, name, message)
    }

    pub fn conflict(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, name, message)
    }

    /// "Bad router request: Either subnet_id or port_id must be specified."
    pub(crate) fn bad_request(resource: &str, reason: impl fmt::Display) -> Self {
        Self::invalid("BadRequest", format!("Bad {resource} request: {reason}."))
    }

    /// "Port x could not be found."
    pub fn not_found(resource: &ResourceDecl, id: impl fmt::Display) -> Self {
        let (name, text) = resource.missing;
        Self::new(Kind::NotFound, name, text.replace("{}", &id.to_string()))
    }

    /// "(rule:create_network and rule:create_network:shared) is disallowed by policy"
    pub fn forbidden(expression: impl fmt::Display) -> Self {
        let message = format!("{expression} is disallowed by policy");
        Self::new(Kind::Forbidden, "PolicyNotAuthorized", message)
    }

    /// "Constrained to 77, but current revision is 1"
    pub fn revision_mismatch(expected: i64, current: i64) -> Self {
        Self::new(
            Kind::Stale,
            "RevisionNumberConstraintFailed",
            format!("Constrained to {expected}, but current revision is {current}"),
        )
    }

    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind: Kind::Internal,
            name: "HTTPInternalServerError".into(),
            message: "Request Failed: internal server error while processing your request."
                .to_owned(),
            source: Some(source.into().into()),
        }
    }

    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            kind: Kind::Unavailable,
            name: "ServiceUnavailable".into(),
            message: "The service is unavailable.".to_owned(),
            source: Some(source.into().into()),
        }
    }

    /// What this transaction had chosen was taken by another before it was written: it has to choose again.
    pub(crate) fn collided() -> Self {
        Self::conflict(COLLIDED, "what was chosen was taken by another request meanwhile")
    }

    pub(crate) fn is_collided(&self) -> bool {
        self.name == COLLIDED
    }

    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Neutron's name for it, the `type` of an error body.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the client is told.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

impl From<nucleon_db::Error> for Error {
    /// The errors of the store that no operation has a better word for.
    fn from(error: nucleon_db::Error) -> Self {
        use nucleon_db::Error as Db;
        match error {
            Db::Down { .. } | Db::Closed | Db::Retry { .. } | Db::OutcomeUnknown { .. } => {
                Self::unavailable(error)
            }
            error @ Db::Late { .. } => Self { source: Some(Arc::new(error)), ..Self::collided() },
            error => Self::internal(error),
        }
    }
}
