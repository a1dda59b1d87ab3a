//! `Authorization: Basic …`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

/// A name and a password.
#[derive(PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Vec<u8>,
}

/// Why there are none; in oslo.middleware's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("No authorization header")]
    Missing,
    #[error("Could not parse Authorization header")]
    Header,
    #[error("Unsupported authorization type")]
    Scheme,
    #[error("Could not decode authorization token")]
    Token,
}

impl Credentials {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Malformed> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().ok_or(Malformed::Missing)?;
        if values.next().is_some() {
            return Err(Malformed::Header);
        }
        let text = value.to_str().map_err(|_| Malformed::Header)?.trim();
        let (scheme, token) = text.split_once(' ').ok_or(Malformed::Header)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(Malformed::Scheme);
        }
        let pair = STANDARD.decode(token.trim()).map_err(|_| Malformed::Token)?;
        let colon = pair.iter().position(|byte| *byte == b':').ok_or(Malformed::Token)?;
        let (user, password) = pair.split_at(colon);
        let user = String::from_utf8(user.to_vec()).map_err(|_| Malformed::Token)?;
        Ok(Self { user, password: password.get(1..).unwrap_or_default().to_vec() })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?}, ***)", self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Result<(String, String), Malformed> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        let credentials = Credentials::of(&headers)?;
        assert!(!format!("{credentials:?}").contains("s3cret"));
        Ok((credentials.user, String::from_utf8(credentials.password).unwrap()))
    }

    #[test]
    fn a_name_ends_at_the_first_colon() {
        let expected = |password: &str| Ok(("ann".to_owned(), password.to_owned()));
        assert_eq!(of(&[&format!("Basic {}", STANDARD.encode("ann:s3cret"))]), expected("s3cret"));
        assert_eq!(of(&[&format!("basic   {}", STANDARD.encode("ann:a:b"))]), expected("a:b"));
        assert_eq!(of(&[&format!("BASIC {}", STANDARD.encode("ann:"))]), expected(""));
    }

    #[test]
    fn what_is_no_credentials_is_told_apart() {
        assert_eq!(of(&[]), Err(Malformed::Missing));
        assert_eq!(of(&["Basic"]), Err(Malformed::Header));
        assert_eq!(of(&["Bearer abc"]), Err(Malformed::Scheme));
        assert_eq!(of(&["Basic !!"]), Err(Malformed::Token));
        assert_eq!(of(&[&format!("Basic {}", STANDARD.encode("no colon"))]), Err(Malformed::Token));
        assert_eq!(of(&["Basic YTpi", "Basic YTpi"]), Err(Malformed::Header));
    }
}
