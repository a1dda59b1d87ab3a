//! Names in DNS: letters, digits and hyphens, as RFC 952 and section 2.1 of RFC 1123 have them, in small letters.

use super::Invalid;

/// The most characters of a whole name.
const MOST: usize = 255;

/// The most characters between two dots.
const MOST_OF_LABEL: usize = 63;

/// What stands for something about whoever asks.
const STAND_INS: &[&str] = &["<project_id>", "<project_name>", "<user_name>", "<user_id>"];

/// A name within a domain that is said elsewhere; empty for none.
pub(super) fn name(text: &str) -> Result<String, Invalid> {
    let text = text.to_lowercase();
    if text.ends_with('.') {
        let reason = format!("'{text}' is a FQDN. It should be a relative domain name");
        return Err(Invalid::rule(reason));
    }
    check(&text)?;
    // A domain of one letter with its dots.
    with_room(text, 3, "a domain name")
}

/// The name of a host, with its domain or without; empty for none.
pub(super) fn host(text: &str) -> Result<String, Invalid> {
    let text = text.to_lowercase();
    check(&text)?;
    Ok(text)
}

/// A whole domain, which ends with a dot; empty for none.
pub(super) fn domain(text: &str) -> Result<String, Invalid> {
    let text = text.to_lowercase();
    if !text.is_empty() && !text.ends_with('.') {
        return Err(Invalid::rule(format!("'{text}' is not a FQDN")));
    }
    check(&text)?;
    // A name of one letter with its dot.
    with_room(text, 2, "a sub-domain")
}

fn with_room(text: String, room: usize, what: &str) -> Result<String, Invalid> {
    let length = text.chars().count();
    if length <= MOST - room {
        return Ok(text);
    }
    let verb = "will cause it to exceed the maximum length of a FQDN of";
    let reason = format!("'{text}' contains {length} characters. Adding {what} {verb} '{MOST}'");
    Err(Invalid::rule(reason))
}

fn check(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Ok(());
    }
    let refused = |reason: String| {
        Invalid::rule(format!("'{text}' not a valid PQDN or FQDN. Reason: {reason}"))
    };
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    if trimmed.chars().count() > MOST {
        return Err(refused(format!("'{trimmed}' exceeds the {MOST} character FQDN limit")));
    }
    for label in trimmed.split('.') {
        check_label(label).map_err(refused)?;
    }
    // By RFC 1123 a whole name is not taken for an address.
    match trimmed.rsplit_once('.') {
        Some((_, top)) if top.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(refused(format!("TLD '{top}' must not be all numeric")))
        }
        _ => Ok(()),
    }
}

fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() {
        return Err("Encountered an empty component".to_owned());
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(format!("Name '{label}' must not start or end with a hyphen"));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if STAND_INS.contains(&label) || (label.len() <= MOST_OF_LABEL && label.bytes().all(plain)) {
        return Ok(());
    }
    Err(format!(
        "Name '{label}' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_in_small_letters() {
        assert_eq!(name("My-VM.Web"), Ok("my-vm.web".to_owned()));
        assert_eq!(domain("Example.ORG."), Ok("example.org.".to_owned()));
        assert_eq!((name(""), domain("")), (Ok(String::new()), Ok(String::new())));
        assert_eq!(host("Web.Example.ORG."), Ok("web.example.org.".to_owned()));
        assert!(domain("<project_id>.example.org.").is_ok());
    }

    #[test]
    fn what_is_no_name_is_refused_in_neutrons_words() {
        let long = "a".repeat(64);
        for (text, reason) in [
            ("vm.", "'vm.' is a FQDN. It should be a relative domain name".to_owned()),
            ("a..b", "'a..b' not a valid PQDN or FQDN. Reason: Encountered an empty component".to_owned()),
            ("-a", "'-a' not a valid PQDN or FQDN. Reason: Name '-a' must not start or end with a hyphen".to_owned()),
            ("a.1", "'a.1' not a valid PQDN or FQDN. Reason: TLD '1' must not be all numeric".to_owned()),
            (
                long.as_str(),
                format!(
                    "'{long}' not a valid PQDN or FQDN. Reason: Name '{long}' must be 1-63 characters long, each of \
                     which can only be alphanumeric or a hyphen"
                ),
            ),
        ] {
            assert_eq!(name(text), Err(Invalid::rule(reason)), "{text}");
        }
        assert_eq!(domain("a.b"), Err(Invalid::rule("'a.b' is not a FQDN")));
        assert!(name("a_b").is_err() && name("<user>").is_err());
    }

    #[test]
    fn a_name_and_a_domain_leave_room_for_each_other() {
        let labels = |length: usize| "a.".repeat(127).chars().take(length).collect::<String>();
        assert!(name(&labels(251)).is_ok());
        assert!(
            name(&format!("{}b", labels(252))).unwrap_err().to_string().contains("253 characters")
        );
        assert!(domain(&labels(252)).is_ok());
        assert!(domain(&labels(254)).unwrap_err().to_string().contains("Adding a sub-domain"));
    }
}
