//! Several values in one, and one value several times.

use super::{FromText, Invalid};

/// A value that counts each time it is written (oslo.config's MultiOpt).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Many<T>(pub Vec<T>);

/// Values separated by commas, or by the line ends of a continued value; empty ones do not count.
impl<T: FromText> FromText for Vec<T> {
    const KIND: &'static str = "list";
    const SECRET: bool = T::SECRET;

    fn from_text(text: &str, notes: &mut Vec<String>) -> Result<Self, Invalid> {
        pieces(text).map(|piece| T::from_text(piece, notes)).collect()
    }
}

impl<T: FromText> FromText for Many<T> {
    const KIND: &'static str = T::KIND;
    const SECRET: bool = T::SECRET;
    const MANY: bool = true;

    fn from_text(text: &str, notes: &mut Vec<String>) -> Result<Self, Invalid> {
        Self::from_texts(&[text], notes)
    }

    fn from_texts(texts: &[&str], notes: &mut Vec<String>) -> Result<Self, Invalid> {
        let written = texts.iter().filter(|text| !text.is_empty());
        written.map(|text| T::from_text(text, notes)).collect::<Result<_, _>>().map(Self)
    }
}

pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '\n']).map(str::trim).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn commas_and_line_ends_separate_and_blanks_do_not_count() {
        let expected = vec!["flat".to_owned(), "vlan".to_owned()];
        for text in ["flat,vlan", " flat , vlan ", "flat,\nvlan", "flat\nvlan", ",flat,,vlan,"] {
            assert_eq!(parsed(text), Ok(expected.clone()), "{text:?}");
        }
        assert_eq!(parsed(""), Ok(Vec::<String>::new()));
    }

    #[test]
    fn one_bad_piece_is_enough() {
        assert_eq!(parsed::<Vec<u32>>("1,x"), Err(Invalid::NotInteger));
    }

    #[test]
    fn many_keeps_each_writing() {
        let many = Many::<u32>::from_texts(&["1", "", "2"], &mut Vec::new());
        assert_eq!(many, Ok(Many(vec![1, 2])));
    }
}
