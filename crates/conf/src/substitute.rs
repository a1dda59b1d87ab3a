//! `$other` and `${group.other}` in values.

/// Why a reference could not be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SubstituteError {
    #[error("'${0}' names no option; write '$$' for a dollar sign")]
    Unknown(String),
    #[error("'${0}' refers to itself")]
    Loop(String),
}

/// What finds the text that stands for `(group, name)`.
pub(crate) type LookUp<'l> = dyn FnMut(Option<&str>, &str) -> Result<String, SubstituteError> + 'l;

/// The value with its references replaced by what `look_up` gives for `(group, name)`; `None` as
/// group is the option's own group or DEFAULT. `$$` and `\$` stand for a dollar sign, and so does
/// one that begins no name, as in oslo.config.
pub(crate) fn substitute(value: &str, look_up: &mut LookUp<'_>) -> Result<String, SubstituteError> {
    let mut result = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        let (before, from_sign) = rest.split_at(at);
        let after = from_sign.strip_prefix('$').unwrap_or_default();
        if let Some(before) = before.strip_suffix('\\') {
            result.push_str(before);
            result.push('$');
            rest = after;
            continue;
        }
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            let (group, option) =
                name.split_once('.').map_or((None, name), |(group, name)| (Some(group), name));
            result.push_str(&look_up(group, option)?);
            rest = after;
        } else {
            result.push('$');
            rest = after;
        }
    }
    result.push_str(rest);
    Ok(result)
}

/// The name after a dollar sign, bare or in braces, and what follows it.
fn reference(after: &str) -> Option<(&str, &str)> {
    if let Some(braced) = after.strip_prefix('{') {
        let (name, rest) = braced.split_once('}')?;
        return (name_length(name) == name.len() && !name.is_empty()).then_some((name, rest));
    }
    let length = name_length(after);
    // A full stop or colon at the end of a path is not part of the name.
    let name = after.get(..length)?.trim_end_matches('.');
    (!name.is_empty()).then(|| (name, after.get(name.len()..).unwrap_or_default()))
}

fn name_length(text: &str) -> usize {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(value: &str) -> Result<String, SubstituteError> {
        substitute(value, &mut |group, name| match (group, name) {
            (None, "state_path") => Ok("/var/lib/x".to_owned()),
            (Some("ovs"), "integration_bridge") => Ok("br-int".to_owned()),
            _ => Err(SubstituteError::Unknown(name.to_owned())),
        })
    }

    #[test]
    fn references_are_replaced_bare_and_in_braces() {
        for (value, expected) in [
            ("$state_path/lock", "/var/lib/x/lock"),
            ("${state_path}s", "/var/lib/xs"),
            ("a${ovs.integration_bridge}b", "abr-intb"),
            ("$ovs.integration_bridge", "br-int"),
            ("in $state_path.", "in /var/lib/x."),
        ] {
            assert_eq!(replaced(value).as_deref(), Ok(expected), "{value}");
        }
    }

    #[test]
    fn dollar_signs_that_begin_no_name_stay() {
        for (value, expected) in [
            ("a$$b", "a$b"),
            ("a\\$state_path", "a$state_path"),
            ("5$", "5$"),
            ("$5", "$5"),
            ("${", "${"),
            ("${}", "${}"),
            ("$$$state_path", "$/var/lib/x"),
        ] {
            assert_eq!(replaced(value).as_deref(), Ok(expected), "{value}");
        }
    }

    #[test]
    fn a_name_that_is_no_option_is_an_error_that_says_how_to_write_a_dollar_sign() {
        let error = replaced("pa$word").unwrap_err();
        assert_eq!(error.to_string(), "'$word' names no option; write '$$' for a dollar sign");
    }

    proptest! {
        #[test]
        fn any_value_is_replaced_or_refused(value in "[$a-c{}.\\\\_é0-9]{0,30}") {
            let _ = replaced(&value);
        }

        #[test]
        fn a_value_without_dollar_signs_stays_as_it_is(value in "[^$]{0,40}") {
            prop_assert_eq!(replaced(&value), Ok(value));
        }
    }
}
