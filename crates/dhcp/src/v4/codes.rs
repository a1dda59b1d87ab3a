//! A set of option codes.

/// A set of DHCPv4 option codes, as in the parameter request list (RFC 2132, section 9.8).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct OptionCodes([u64; 4]);

impl OptionCodes {
    pub fn contains(self, code: u8) -> bool {
        let word = self.0.get(usize::from(code >> 6)).copied().unwrap_or_default();
        word >> (code & 63) & 1 == 1
    }

    /// Adds `code`; false when it was there already.
    pub fn insert(&mut self, code: u8) -> bool {
        let new = !self.contains(code);
        if let Some(word) = self.0.get_mut(usize::from(code >> 6)) {
            *word |= 1 << (code & 63);
        }
        new
    }
}

impl FromIterator<u8> for OptionCodes {
    fn from_iter<I: IntoIterator<Item = u8>>(codes: I) -> Self {
        let mut set = Self::default();
        for code in codes {
            set.insert(code);
        }
        set
    }
}

impl std::fmt::Debug for OptionCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries((0..=u8::MAX).filter(|code| self.contains(*code))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set: OptionCodes = [0, 1, 63, 64, 121, 255].into_iter().collect();
        let held: Vec<u8> = (0..=u8::MAX).filter(|code| set.contains(*code)).collect();
        assert_eq!(held, [0, 1, 63, 64, 121, 255]);
        assert_eq!(format!("{set:?}"), "{0, 1, 63, 64, 121, 255}");
    }
}
