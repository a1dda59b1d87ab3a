//! Closed sets of words.

use std::fmt;

use super::{FromText, Invalid};

macro_rules! choices {
    (
        $(#[$about:meta])*
        pub enum $Name:ident { $($(#[$note:meta])* $Choice:ident = $word:literal),+ $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name {
            $($(#[$note])* $Choice),+
        }

        impl $Name {
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Choice => $word),+ }
            }
        }

        impl FromText for $Name {
            const KIND: &'static str = concat!("one of", $(" ", $word),+);

            fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
                match text {
                    $($word => Ok(Self::$Choice),)+
                    _ => Err(Invalid::NotOneOf(Self::WORDS)),
                }
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

choices! {
    /// Who may use the API, and how they say who they are.
    pub enum AuthStrategy {
        /// Keystone's tokens.
        Keystone = "keystone",
        /// Everybody is an administrator: loopback only.
        Noauth = "noauth",
        HttpBasic = "http_basic",
    }
}

choices! {
    /// Which of a service's addresses in the catalog.
    pub enum Interface {
        Public = "public",
        Internal = "internal",
        Admin = "admin",
    }
}

/// How a service proves to Keystone who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    Password,
    ApplicationCredential,
}

impl FromText for AuthType {
    const KIND: &'static str = "one of password v3password v3applicationcredential";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        match text {
            "password" | "v3password" => Ok(Self::Password),
            "v3applicationcredential" => Ok(Self::ApplicationCredential),
            _ => Err(Invalid::NotOneOf(&["password", "v3password", "v3applicationcredential"])),
        }
    }
}

/// Which versions of TLS are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    Both,
    Tls12,
    Tls13,
}

impl FromText for TlsVersion {
    const KIND: &'static str = "one of sslv23 tlsv1_2 tlsv1_3";

    /// In oslo.service's words; what is older than TLS 1.2 is not spoken.
    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        match text.to_ascii_lowercase().as_str() {
            // OpenSSL's old name for whatever both sides speak.
            "sslv23" => Ok(Self::Both),
            "tlsv1_2" => Ok(Self::Tls12),
            "tlsv1_3" => Ok(Self::Tls13),
            _ => Err(Invalid::NotOneOf(&["sslv23", "tlsv1_2", "tlsv1_3"])),
        }
    }
}

choices! {
    /// Which of Open vSwitch's datapaths carries the bridges.
    pub enum DatapathType {
        /// The kernel's.
        System = "system",
        /// In user space.
        Netdev = "netdev",
    }
}

choices! {
    /// A version of IP.
    pub enum IpVersion {
        V4 = "4",
        V6 = "6",
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn a_choice_is_one_of_its_words_exactly() {
        assert_eq!(parsed("http_basic"), Ok(AuthStrategy::HttpBasic));
        for text in ["", "Keystone", "none"] {
            let error = parsed::<AuthStrategy>(text).unwrap_err();
            assert_eq!(error.to_string(), "not one of keystone, noauth, http_basic");
        }
        assert!(AuthStrategy::WORDS.iter().all(|word| {
            parsed::<AuthStrategy>(word).is_ok_and(|choice| choice.as_str() == *word)
        }));
    }
}
