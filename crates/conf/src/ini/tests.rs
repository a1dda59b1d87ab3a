use proptest::prelude::*;

use super::*;

fn pairs(text: &str) -> Vec<(String, String, String)> {
    let ini = Ini::parse(text);
    assert_eq!(ini.errors, [], "{text}");
    ini.assignments.into_iter().map(|a| (a.group, a.key, a.value)).collect()
}

fn values(text: &str) -> Vec<String> {
    pairs(&format!("[DEFAULT]\n{text}")).into_iter().map(|(_, _, value)| value).collect()
}

#[test]
fn groups_keys_and_values_are_read_in_order() {
    let text = "[DEFAULT]\nbind_port = 9696\n[ml2]\ntype_drivers=flat,vlan\n";
    let expected = [("DEFAULT", "bind_port", "9696"), ("ml2", "type_drivers", "flat,vlan")];
    assert_eq!(pairs(text), expected.map(|(a, b, c)| (a.into(), b.into(), c.into())));
}

#[test]
fn the_first_of_equals_sign_and_colon_separates() {
    assert_eq!(values("a = x:y\nb: c=d\nc=a=b"), ["x:y", "c=d", "a=b"]);
}

#[test]
fn comments_and_empty_lines_are_skipped() {
    assert_eq!(values("# a = 1\n; b = 2\n\n   \nc = 3\n#\n"), ["3"]);
}

#[test]
fn a_sign_of_comment_inside_a_value_belongs_to_it() {
    assert_eq!(values("password = a#b ; c"), ["a#b ; c"]);
}

#[test]
fn a_line_that_begins_with_a_blank_continues_the_value() {
    assert_eq!(values("a = 1,\n  2,\n\t3\nb = 4"), ["1,\n2,\n3", "4"]);
}

#[test]
fn an_empty_line_ends_a_value() {
    let ini = Ini::parse("[DEFAULT]\na = 1\n\n  2\n");
    assert_eq!(ini.assignments[0].value, "1");
    assert_eq!(ini.errors, [(4, SyntaxError::NothingToContinue)]);
}

#[test]
fn quotes_around_a_whole_value_are_dropped_once() {
    assert_eq!(
        values("a = \" x \"\nb = 'y'\nc = '\"z\"'\nd = \"\ne = it's\nf = \"a' "),
        [" x ", "y", "\"z\"", "\"", "it's", "\"a'"]
    );
}

#[test]
fn repeated_keys_are_all_kept() {
    assert_eq!(values("a = 1\na = 2\na =\n"), ["1", "2", ""]);
}

#[test]
fn groups_are_compared_without_case() {
    assert_eq!(pairs("[ML2]\na=1\n[default]\nb=2")[0].0, "ml2");
    assert_eq!(pairs("[default]\nb=2")[0].0, "DEFAULT");
}

#[test]
fn carriage_returns_and_a_byte_order_mark_do_no_harm() {
    assert_eq!(
        pairs("\u{feff}[DEFAULT]\r\na = 1\r\n"),
        [("DEFAULT".to_owned(), "a".to_owned(), "1".to_owned())]
    );
}

#[test]
fn every_bad_line_is_reported_with_its_number() {
    let ini = Ini::parse("x = 1\n[DEFAULT\n  a\n[]\nnonsense\n= 3\n[ok]\ny = 2\n");
    assert_eq!(
        ini.errors,
        [
            (1, SyntaxError::NoGroup("x".into())),
            (2, SyntaxError::OpenGroup("[DEFAULT".into())),
            (4, SyntaxError::UnnamedGroup),
            (5, SyntaxError::NoSign("nonsense".into())),
            (6, SyntaxError::UnnamedOption),
        ]
    );
    assert_eq!(ini.assignments.len(), 1);
    assert_eq!(ini.assignments[0].line, 8);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(?s).{0,200}") {
        let _ = Ini::parse(&text);
    }

    #[test]
    fn text_of_the_grammar_s_own_signs_is_read_without_a_panic(
        text in "[\\[\\]=: \t\n\"'#;a$\\\\]{0,60}"
    ) {
        let _ = Ini::parse(&text);
    }

    #[test]
    fn what_is_written_is_read_back(
        written in prop::collection::vec(
            ("[a-z_]{1,8}", "[a-z][a-z0-9_]{0,10}", "([!-&(-~]([ -~]{0,20}[!-&(-~])?)?"),
            0..20,
        )
    ) {
        let written: Vec<(String, String, String)> =
            written.into_iter().filter(|(_, _, value)| unquoted(value) == value).collect();
        let sections: Vec<String> = written
            .iter()
            .map(|(group, key, value)| format!("[{group}]\n{key} = {value}\n"))
            .collect();
        let text = sections.concat();
        let expected: Vec<_> = written
            .into_iter()
            .map(|(group, key, value)| (normal_group(&group), key, value))
            .collect();
        prop_assert_eq!(pairs(&text), expected);
    }
}
