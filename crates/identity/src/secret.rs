//! Tokens and passwords, and how they are looked up without being kept.

use std::fmt;

use http::HeaderValue;
use sha2::{Digest as _, Sha256};

/// The longest token that is asked about. Fernet's are some 200 bytes long, JWS ones some 1,000.
const TOKEN_BYTES: usize = 8 * 1024;

/// A token as a client or Keystone gave it. Whoever knows it is its owner, so it is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(HeaderValue);

/// A password, which is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What stands for a secret where it is kept: nothing leads back.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Token {
    /// The token in a header; what cannot be one is not.
    pub(crate) fn parse(value: &HeaderValue) -> Option<Self> {
        let text = value.as_bytes().trim_ascii();
        if text.is_empty() || text.len() > TOKEN_BYTES || !text.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let mut value = if text.len() == value.len() {
            value.clone()
        } else {
            HeaderValue::from_bytes(text).ok()?
        };
        value.set_sensitive(true);
        Some(Self(value))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&[self.0.as_bytes()])
    }
}

impl Digest {
    /// Of several texts, each of which counts with its length.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// What stands for the same secret when something else is asked about it.
    pub(crate) fn of_kind(&self, kind: &[u8]) -> Self {
        Self::of(&[&self.0, kind])
    }
}

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Token> {
        Token::parse(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn a_token_is_one_word_whatever_stands_around_it() {
        let token = parse("gAAAAABk-x_y=").unwrap();
        assert_eq!(parse("  gAAAAABk-x_y=\t").unwrap().digest(), token.digest());
        for text in ["", "  ", "two words", "a,b c", &"x".repeat(TOKEN_BYTES + 1)] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(Token::parse(&HeaderValue::from_bytes(b"caf\xe9").unwrap()), None);
    }

    #[test]
    fn secrets_do_not_show() {
        let token = parse("gAAAA-secret").unwrap();
        let shown = format!("{token:?} {:?} {:?}", token.digest(), Secret::new("hunter2"));
        assert_eq!(shown, "Token(***) Digest(***) Secret(***)");
        assert!(!format!("{:?}", token.header()).contains("secret"));
    }

    #[test]
    fn a_digest_tells_apart_what_only_reads_the_same() {
        assert_ne!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"a", b"bc"]));
        assert_eq!(Digest::of(&[b"ab", b"c"]), Digest::of(&[b"ab", b"c"]));
    }
}
