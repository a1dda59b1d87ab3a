use super::*;
use Expr::{Always, Never};

fn printed(text: &str) -> String {
    parse(text).unwrap().to_string()
}

fn refused(text: &str) -> ParseError {
    parse(text).unwrap_err()
}

fn at(text: &str) -> usize {
    refused(text).at
}

#[test]
fn the_empty_text_allows_everybody_and_marks_say_all_or_none() {
    assert_eq!(parse("").unwrap(), Always);
    assert_eq!(parse("@").unwrap(), Always);
    assert_eq!(parse("!").unwrap(), Never);
    assert_eq!(parse("(!)").unwrap(), Never);
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    assert_eq!(printed("rule:a or rule:b and rule:c"), "(rule:a or (rule:b and rule:c))");
    assert_eq!(printed("rule:a and rule:b or rule:c"), "((rule:a and rule:b) or rule:c)");
    assert_eq!(printed("not rule:a and rule:b"), "(not rule:a and rule:b)");
    assert_eq!(printed("not (rule:a and rule:b)"), "not (rule:a and rule:b)");
    assert_eq!(printed("not not rule:a"), "not not rule:a");
    assert_eq!(printed("rule:a or not rule:b and rule:c"), "(rule:a or (not rule:b and rule:c))");
}

#[test]
fn chains_are_flat_and_parentheses_keep_their_own() {
    assert_eq!(printed("rule:a or rule:b or rule:c"), "(rule:a or rule:b or rule:c)");
    assert_eq!(printed("(rule:a or rule:b) or rule:c"), "((rule:a or rule:b) or rule:c)");
    assert_eq!(printed("((rule:a))"), "rule:a");
}

#[test]
fn operators_may_be_written_in_capitals_and_spread_over_lines() {
    assert_eq!(
        printed("rule:a AND\n\t( rule:b Or NOT rule:c )"),
        "(rule:a and (rule:b or not rule:c))"
    );
}

#[test]
fn parentheses_inside_a_word_belong_to_it() {
    assert_eq!(
        printed("(role:member and project_id:%(project_id)s)"),
        "(role:member and project_id:%(project_id)s)"
    );
    assert_eq!(printed("(project_id:%(network:project_id)s)"), "project_id:%(network:project_id)s");
}

#[test]
fn a_bad_rule_is_refused_with_its_place() {
    assert_eq!(refused(" "), ParseError { at: 2, what: Fault::Blank });
    assert_eq!(refused("rule:a and").what, Fault::EndsEarly);
    assert_eq!(refused("not").what, Fault::EndsEarly);
    assert_eq!(at("rule:a rule:b"), 8);
    assert_eq!(refused("rule:a rule:b").what, Fault::NoOperatorBefore("rule:b".to_owned()));
    assert_eq!(refused("or rule:b").what, Fault::NoCheckBefore("or".to_owned()));
    assert_eq!(
        refused("rule:a or or rule:b"),
        ParseError { at: 11, what: Fault::NoCheckBefore("or".to_owned()) }
    );
    assert_eq!(
        refused("rule:a (rule:b)"),
        ParseError { at: 8, what: Fault::NoOperatorBefore("(".to_owned()) }
    );
    assert_eq!(refused("rule:a not rule:b").what, Fault::NoOperatorBefore("not".to_owned()));
    assert_eq!(refused("()"), ParseError { at: 2, what: Fault::NoCheckBefore(")".to_owned()) });
    assert_eq!(refused("rule:a and ((rule:b)"), ParseError { at: 12, what: Fault::NeverClosed });
    assert_eq!(refused("(rule:a))"), ParseError { at: 9, what: Fault::NeverOpened });
    assert_eq!(refused("'rule:a'").what, Fault::Quoted);
}

#[test]
fn places_count_characters() {
    assert_eq!(at("role:ä and bogus"), 12);
}

#[test]
fn what_is_no_check_is_refused() {
    let check = |text: &str| match refused(text).what {
        Fault::Check(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(check("admin"), CheckError::NoColon("admin".to_owned()));
    assert_eq!(check(":admin"), CheckError::NoKind(":admin".to_owned()));
    assert_eq!(check("http://host/check"), CheckError::Remote("http://host/check".to_owned()));
    assert_eq!(check("https://host/check"), CheckError::Remote("https://host/check".to_owned()));
    for field in ["field:networks", "field:networks:shared", "field::shared=1", "field:networks:=1"]
    {
        assert_eq!(check(field), CheckError::Field(field.to_owned()));
    }
    for literal in ["007:x", "1.5:x", "-:x", "'a\\n':x", "'a'b':x", "[1]:x", "+1:x"] {
        let kind = literal.strip_suffix(":x").unwrap();
        assert_eq!(check(literal), CheckError::Literal(kind.to_owned()));
    }
    for template in ["role:%", "role:%s", "role:%(x", "role:%(x)d", "role:%()s", "role:100%x"] {
        assert!(matches!(check(template), CheckError::Template(_)), "{template}");
    }
}

#[test]
fn a_pattern_that_cannot_be_bounded_is_refused() {
    for pattern in
        ["field:port:name=~(?=x)", "field:port:name=~[", "field:port:name=~(a{1000}){1000}"]
    {
        assert!(
            matches!(refused(pattern).what, Fault::Check(CheckError::Pattern { .. })),
            "{pattern}"
        );
    }
}

#[test]
fn a_pattern_matches_from_the_start() {
    let Ok(Expr::Check(Check::Field { pattern: Some(pattern), .. })) =
        parse("field:port:device_owner=~network")
    else {
        panic!()
    };
    assert!(pattern.matches("network:dhcp"));
    assert!(!pattern.matches("a network"));
}

#[test]
fn a_field_is_split_at_its_first_marks() {
    let Ok(Expr::Check(Check::Field { resource, name, value, .. })) =
        parse("field:networks:router:external=a=b:c")
    else {
        panic!()
    };
    assert_eq!(
        (resource.as_str(), name.as_str(), value.as_str()),
        ("networks", "router:external", "a=b:c")
    );
}

#[test]
fn the_left_side_is_a_credential_or_a_literal() {
    let left = |text: &str| match parse(text) {
        Ok(Expr::Check(Check::Same { left, .. })) => left,
        other => panic!("{other:?}"),
    };
    let literal = |text: &str, written: &str| Left::Literal {
        text: text.to_owned(),
        written: written.to_owned(),
    };
    assert_eq!(left("'Member':%(x)s"), literal("Member", "'Member'"));
    assert_eq!(left("\"Member\":%(x)s"), literal("Member", "\"Member\""));
    assert_eq!(left("True:%(x)s"), literal("True", "True"));
    assert_eq!(left("-7:%(x)s"), literal("-7", "-7"));
    assert_eq!(left("user.id:%(x)s"), Left::Credential("user.id".to_owned()));
}

#[test]
fn a_template_takes_values_and_escaped_marks() {
    let parts = |text: &str| match parse(text) {
        Ok(Expr::Check(Check::Role(template))) => template.parts().to_vec(),
        other => panic!("{other:?}"),
    };
    let text = |text: &str| Part::Text(text.to_owned());
    let value = |name: &str| Part::Value(name.to_owned());
    assert_eq!(parts("role:a%%b"), [text("a%b")]);
    assert_eq!(parts("role:%(x)s"), [value("x")]);
    assert_eq!(parts("role:a%(x)s%(y)s-z"), [text("a"), value("x"), value("y"), text("-z")]);
    assert_eq!(parts("role:"), [text("")]);
    assert_eq!(printed("role:a%%%(x)s"), "role:a%%%(x)s");
}

#[test]
fn lists_are_alternatives_of_what_holds_together() {
    let lists = |lists: &[&[&str]]| {
        let lists: Vec<Vec<&str>> = lists.iter().map(|list| list.to_vec()).collect();
        parse_lists(&lists).unwrap()
    };
    assert_eq!(lists(&[]), Always);
    assert_eq!(lists(&[&[]]), Never);
    assert_eq!(lists(&[&["role:a"]]).to_string(), "role:a");
    assert_eq!(
        lists(&[&["role:a", "rule:b"], &[], &["@"]]).to_string(),
        "((role:a and rule:b) or @)"
    );
    assert!(parse_lists(&[vec!["role:a and role:b"], vec!["bogus"]]).is_err());
}

#[test]
fn nesting_is_bounded_and_length_is_not() {
    let nested = |depth: usize| format!("{}role:a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH - 1)).is_ok());
    assert_eq!(refused(&nested(MAX_DEPTH)).what, Fault::TooDeep);
    assert_eq!(refused(&format!("{}role:a", "not ".repeat(MAX_DEPTH))).what, Fault::TooDeep);
    assert_eq!(refused(&format!("{}role:a", "not (".repeat(100_000))).what, Fault::TooDeep);
    let long = vec!["role:a"; 100_000].join(" or ");
    assert!(parse(&long).is_ok());
    // What follows a negation does not lie under it.
    let negated = vec!["not role:a"; 1000].join(" and ");
    assert!(parse(&negated).is_ok());
}
