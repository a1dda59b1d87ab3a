//! The first frame of a connection: who is it, and may it be that?

use nucleon_wire::{
    AgentMessage, FrameCodec, FrameError, Hello, RefusalReason, Version, VersionRange,
};
use tokio_util::codec::FramedRead;

use crate::source::{Identity, Peer};
use futures::StreamExt;
use tokio::io::AsyncRead;

/// As long as a DNS name may be, which is also what the database keeps of a host.
const HOST_LIMIT: usize = 255;
const PROGRAM_LIMIT: usize = 255;

/// Why a connection did not come to be.
#[derive(Debug, thiserror::Error)]
pub(super) enum HelloError {
    #[error("it did not say hello in time")]
    Silent,
    #[error("it closed the connection before saying hello")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Refused(RefusalReason),
}

impl HelloError {
    /// For the metric.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Closed => "closed",
            Self::Frame(_) => "bad frame",
            Self::Refused(RefusalReason::Version { .. }) => "version",
            Self::Refused(RefusalReason::NotYourHost { .. }) => "not its host",
            Self::Refused(_) => "invalid",
        }
    }
}

/// Waits for the hello.
pub(super) async fn receive<R: AsyncRead + Unpin>(
    reader: &mut FramedRead<R, FrameCodec<AgentMessage>>,
) -> Result<Hello, HelloError> {
    match reader.next().await {
        None => Err(HelloError::Closed),
        Some(Ok(AgentMessage::Hello(hello))) => Ok(hello),
        Some(Ok(_)) => Err(HelloError::Refused(RefusalReason::Unexpected {
            what: "a message before hello".into(),
        })),
        Some(Err(error)) => Err(error.into()),
    }
}

/// Who the peer is from now on, when its identity allows what it claims.
pub(super) fn admit(hello: Hello, identity: Identity) -> Result<Peer, RefusalReason> {
    let Hello { versions, role, host, mut program } = hello;
    let version: Version = VersionRange::OURS
        .common(versions)
        .ok_or(RefusalReason::Version { spoken: VersionRange::OURS })?;
    if host.is_empty() || host.len() > HOST_LIMIT || !host.chars().all(|c| c.is_ascii_graphic()) {
        return Err(RefusalReason::InvalidHost { host: host.escape_debug().to_string() });
    }
    if let Identity::Certificate { names } = &identity {
        // Compared as text, so that a certificate with a wildcard speaks for nobody.
        if !names.iter().any(|name| name.eq_ignore_ascii_case(&host)) {
            let why = format!("its certificate is for {}", names.join(", "));
            return Err(RefusalReason::NotYourHost { host, why });
        }
    }
    program.retain(|c| !c.is_control());
    let program = program.chars().take(PROGRAM_LIMIT).collect();
    Ok(Peer { role, host, identity, version, program })
}

#[cfg(test)]
mod tests {
    use nucleon_model::view::Role;

    use super::*;

    fn hello(host: &str) -> Hello {
        Hello {
            versions: VersionRange::OURS,
            role: Role::OvsAgent,
            host: host.into(),
            program: "nucleon 0.1\n".into(),
        }
    }

    fn certificate(names: &[&str]) -> Identity {
        Identity::Certificate { names: names.iter().map(|&name| name.to_owned()).collect() }
    }

    #[test]
    fn a_certificate_speaks_for_its_own_host_only() {
        assert_eq!(admit(hello("h1"), certificate(&["h0", "H1"])).unwrap().host, "h1");
        for names in [&["h2"][..], &["*"], &["*.h1"], &["h1.example"], &[]] {
            let refusal = admit(hello("h1"), certificate(names)).unwrap_err();
            assert!(matches!(refusal, RefusalReason::NotYourHost { .. }), "{refusal}");
        }
    }

    #[test]
    fn a_local_peer_is_believed() {
        let peer = admit(hello("h1"), Identity::Local).unwrap();
        assert_eq!((peer.host.as_str(), peer.program.as_str()), ("h1", "nucleon 0.1"));
    }

    #[test]
    fn a_text_that_is_no_host_is_refused() {
        for host in ["", "a b", "h\n1", "h\u{e4}", &"x".repeat(256)] {
            let refusal = admit(hello(host), Identity::Local).unwrap_err();
            assert!(matches!(refusal, RefusalReason::InvalidHost { .. }), "{refusal}");
        }
    }

    #[test]
    fn a_version_too_new_is_refused_with_those_that_are_spoken() {
        let mut hello = hello("h1");
        hello.versions = VersionRange { oldest: Version(9), newest: Version(10) };
        let refusal = admit(hello, Identity::Local).unwrap_err();
        assert_eq!(refusal, RefusalReason::Version { spoken: VersionRange::OURS });
    }
}
