//! The name that a mistyped one was probably meant to be.

/// The candidate that is fewest edits away, when these are few enough for a typing error.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (name.chars().count() / 4).clamp(1, 3);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, case and the kind of dash aside.
fn distance(from: &str, to: &str) -> usize {
    let normal = |c: char| if c == '-' { '_' } else { c.to_ascii_lowercase() };
    let to: Vec<char> = to.chars().map(normal).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, a) in from.chars().map(normal).enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (b, &above) in to.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_edits() {
        for (from, to, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("bind_prot", "bind_port", 2),
            ("bind-port", "Bind_Port", 0),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), edits, "{from} {to}");
            assert_eq!(distance(to, from), edits, "{to} {from}");
        }
    }

    #[test]
    fn a_typing_error_finds_its_name_and_another_word_finds_none() {
        let names = || ["bind_host", "bind_port", "base_mac"].into_iter();
        assert_eq!(nearest("bind_prot", names()), Some("bind_port"));
        assert_eq!(nearest("bindhost", names()), Some("bind_host"));
        assert_eq!(nearest("quota_driver", names()), None);
    }
}
