//! The ids of tunnels that are Nucleon's to give out.

use super::list::pieces;
use super::{FromText, Invalid};

/// `vni_ranges`, `tunnel_id_ranges`: first and last ids, apart from each other, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TunnelRanges(Vec<(i64, i64)>);

impl TunnelRanges {
    pub fn as_slice(&self) -> &[(i64, i64)] {
        &self.0
    }
}

impl FromText for TunnelRanges {
    const KIND: &'static str = "list of first:last";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for piece in pieces(text) {
            let wrong = |reason| Invalid::Piece { piece: piece.to_owned(), reason };
            let (first, last) =
                piece.split_once(':').ok_or_else(|| wrong("is not of the form first:last"))?;
            // GRE's keys are the longest.
            let id = |text: &str| {
                let id = text.trim().parse::<u32>().ok().filter(|id| *id > 0);
                id.map(i64::from).ok_or_else(|| wrong("has an id that is not between 1 and 2^32-1"))
            };
            let (first, last) = (id(first)?, id(last)?);
            if first > last {
                return Err(wrong("has its first id behind the last"));
            }
            if ranges.iter().any(|range| range.0 <= last && first <= range.1) {
                return Err(wrong("overlaps a range given before"));
            }
            ranges.push((first, last));
        }
        ranges.sort_unstable();
        Ok(Self(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn ranges_are_in_order_and_apart() {
        let ranges: TunnelRanges = parsed("1000:2000, 1:10").unwrap();
        assert_eq!(ranges.as_slice(), [(1, 10), (1000, 2000)]);
        assert_eq!(parsed::<TunnelRanges>("").unwrap().as_slice(), []);
        for (text, reason) in [
            ("5", "form"),
            ("0:5", "between"),
            ("a:5", "between"),
            ("1:4294967296", "between"),
            ("9:5", "behind"),
            ("1:9,5:20", "overlaps"),
        ] {
            let error = parsed::<TunnelRanges>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
