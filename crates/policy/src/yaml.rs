//! A file of rules, taken apart: a mapping of names to what they say, in YAML, of which JSON is a part.
//!
//! Every value is text. YAML would make a mark of the policy language something else in silence: `rule: !` is an empty
//! text with a tag there, and would allow everybody. Such are refused.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::compile::{Override, OverrideCheck};
use crate::problem::{Place, Problem, Wrong};

/// The rules of a file, in their order, and all that is wrong with it. Where anything is, the rules are not to be used.
pub fn read_rules(file: &str, text: &str) -> (Vec<Override>, Vec<Problem>) {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        file: file.into(),
        rules: Vec::new(),
        problems: Vec::new(),
        seen: HashMap::new(),
        anchors: HashMap::new(),
    };
    if let Err(Stop(line, what)) = reader.stream() {
        reader.problem(line, None, what);
    }
    (reader.rules, reader.problems)
}

/// Why a file cannot be read on, and in which line.
struct Stop(usize, Wrong);

/// A piece of a value, or why it is none.
type Value = Result<OverrideCheck, Wrong>;

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    file: Arc<str>,
    rules: Vec<Override>,
    problems: Vec<Problem>,
    /// In which line each rule was given.
    seen: HashMap<String, usize>,
    anchors: HashMap<usize, Value>,
}

impl<'a> Reader<'a> {
    fn stream(&mut self) -> Result<(), Stop> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::MappingStart(..) => break,
                Event::StreamEnd => return Ok(()),
                // An empty document, as a file of comments alone is.
                Event::Scalar(text, ScalarStyle::Plain, _, None) if is_null(&text) => return Ok(()),
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
                _ => return Err(Stop(span.start.line(), Wrong::NotMapping)),
            }
        }
        while self.rule()? {}
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentStart(_), span) => {
                    return Err(Stop(span.start.line(), Wrong::NotMapping));
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                Err(Stop(error.marker().line(), Wrong::Yaml(error.info().to_owned())))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Takes one entry; false at the end of the mapping.
    fn rule(&mut self) -> Result<bool, Stop> {
        let (key, span) = self.next()?;
        let line = span.start.line();
        let name = match key {
            Event::MappingEnd => return Ok(false),
            Event::Scalar(name, _, _, None) if !name.is_empty() => name.into_owned(),
            other => {
                self.skip(&other)?;
                self.problem(line, None, Wrong::Name);
                let (value, _) = self.next()?;
                return self.skip(&value).map(|()| true);
            }
        };
        let value = self.value()?;
        if let Some(first) = self.seen.insert(name.clone(), line) {
            self.problem(line, Some(name), Wrong::Duplicate(first));
            return Ok(true);
        }
        match value {
            Ok(check) => {
                let place = Place { file: self.file.clone(), line };
                self.rules.push(Override { name, check, place });
            }
            Err(what) => self.problem(line, Some(name), what),
        }
        Ok(true)
    }

    fn value(&mut self) -> Result<Value, Stop> {
        let (event, _) = self.next()?;
        let (value, anchor) = match event {
            Event::Alias(anchor) => {
                return Ok(self.anchors.get(&anchor).cloned().unwrap_or(Err(Wrong::NotText)));
            }
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(&text, style, tag.as_deref()).map(OverrideCheck::Text), anchor)
            }
            Event::SequenceStart(anchor, None) => (self.lists()?.map(OverrideCheck::Lists), anchor),
            other => {
                self.skip(&other)?;
                return Ok(Err(Wrong::NotText));
            }
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    /// The outer list: of lists, and of single checks.
    fn lists(&mut self) -> Result<Result<Vec<Vec<String>>, Wrong>, Stop> {
        let mut lists = Ok(Vec::new());
        loop {
            let list = match self.next()?.0 {
                Event::SequenceEnd => return Ok(lists),
                Event::SequenceStart(_, None) => self.list()?,
                Event::Scalar(text, style, _, tag) => {
                    scalar(&text, style, tag.as_deref()).map(|text| vec![text])
                }
                other => {
                    self.skip(&other)?;
                    Err(Wrong::NotText)
                }
            };
            lists = join(lists, list);
        }
    }

    fn list(&mut self) -> Result<Result<Vec<String>, Wrong>, Stop> {
        let mut checks = Ok(Vec::new());
        loop {
            let check = match self.next()?.0 {
                Event::SequenceEnd => return Ok(checks),
                Event::Scalar(text, style, _, tag) => scalar(&text, style, tag.as_deref()),
                other => {
                    self.skip(&other)?;
                    Err(Wrong::NotText)
                }
            };
            checks = join(checks, check);
        }
    }

    /// Passes over the rest of what `event` began.
    fn skip(&mut self, event: &Event<'_>) -> Result<(), Stop> {
        let mut depth =
            usize::from(matches!(event, Event::SequenceStart(..) | Event::MappingStart(..)));
        while depth > 0 {
            match self.next()?.0 {
                Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
                Event::SequenceEnd | Event::MappingEnd => depth -= 1,
                Event::StreamEnd => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    fn problem(&mut self, line: usize, rule: Option<String>, what: Wrong) {
        let place = Some(Place { file: self.file.clone(), line });
        self.problems.push(Problem { place, rule, what });
    }
}

fn join<T>(list: Result<Vec<T>, Wrong>, item: Result<T, Wrong>) -> Result<Vec<T>, Wrong> {
    let mut list = list?;
    list.push(item?);
    Ok(list)
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<String, Wrong> {
    match (tag.is_some(), style) {
        (true, _) => Err(Wrong::Tagged),
        (false, ScalarStyle::Plain) if is_null(text) => Err(Wrong::Empty),
        // An empty block looks like something that was forgotten.
        (false, ScalarStyle::Literal | ScalarStyle::Folded) if text.is_empty() => Err(Wrong::Empty),
        (false, _) => Ok(text.to_owned()),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<(String, OverrideCheck, usize)> {
        let (rules, problems) = read_rules("p", text);
        assert_eq!(problems, [], "{text}");
        rules.into_iter().map(|rule| (rule.name, rule.check, rule.place.line)).collect()
    }

    fn texts(text: &str) -> Vec<(String, String)> {
        let text_of = |check| match check {
            OverrideCheck::Text(text) => text,
            OverrideCheck::Lists(lists) => panic!("{lists:?}"),
        };
        rules(text).into_iter().map(|(name, check, _)| (name, text_of(check))).collect()
    }

    fn problems(text: &str) -> Vec<String> {
        read_rules("p", text).1.iter().map(ToString::to_string).collect()
    }

    fn pair(name: &str, check: &str) -> (String, String) {
        (name.to_owned(), check.to_owned())
    }

    #[test]
    fn a_mapping_is_read_in_its_order_with_lines() {
        let text = "# rules\n\"create_port\": \"rule:a or role:b\"\nget_port:binding:host_id: role:x\n'a': >\n  role:x\n  and role:y\n";
        let names: Vec<(String, usize)> =
            rules(text).into_iter().map(|(name, _, line)| (name, line)).collect();
        assert_eq!(
            names,
            [
                ("create_port".to_owned(), 2),
                ("get_port:binding:host_id".to_owned(), 3),
                ("a".to_owned(), 4)
            ]
        );
        assert_eq!(
            texts(text),
            [
                pair("create_port", "rule:a or role:b"),
                pair("get_port:binding:host_id", "role:x"),
                pair("a", "role:x and role:y\n"),
            ]
        );
    }

    #[test]
    fn json_is_read_too() {
        let text = "{\n\t\"a\": \"\",\n\t\"b\": \"!\",\n\t\"c\": [[\"role:x\", \"role:y\"], \"role:z\"]\n}\n";
        let lists = vec![vec!["role:x".to_owned(), "role:y".to_owned()], vec!["role:z".to_owned()]];
        assert_eq!(
            rules(text),
            [
                ("a".to_owned(), OverrideCheck::Text(String::new()), 2),
                ("b".to_owned(), OverrideCheck::Text("!".to_owned()), 3),
                ("c".to_owned(), OverrideCheck::Lists(lists), 4),
            ]
        );
    }

    #[test]
    fn a_file_without_rules_changes_nothing() {
        for text in ["", "\n", "# nothing\n", "---\n", "{}", "---\n{}\n...\n", "null", "~"] {
            assert_eq!(rules(text), [], "{text:?}");
        }
    }

    #[test]
    fn what_yaml_would_turn_into_permission_is_refused() {
        assert_eq!(
            problems("a: !"),
            ["p:1: rule a: has a YAML tag; put quotes around what it says"]
        );
        let empty = |line: usize| {
            format!(
                "p:{line}: rule a: says nothing; write \"\" to allow everybody, \"!\" to allow nobody"
            )
        };
        for text in ["a:", "a: null", "a: ~", "a: |\n", "a: >\n\n"] {
            assert_eq!(problems(text), [empty(1)], "{text:?}");
        }
        assert_eq!(problems("b: role:x\na:\n"), [empty(2)]);
        assert_eq!(problems("a: !!binary aGk=").len(), 1);
        assert_eq!(problems("a: [!]").len(), 1);
        assert_eq!(problems("a: [[role:x, null]]").len(), 1);
        assert_eq!(texts("a: ''\nb: \"\""), [pair("a", ""), pair("b", "")]);
    }

    #[test]
    fn duplicates_are_refused_with_both_lines() {
        assert_eq!(
            problems("a: role:x\nb: role:y\n\"a\": role:z"),
            ["p:3: rule a: is given twice, first in line 1"]
        );
    }

    #[test]
    fn every_problem_is_reported() {
        let text = "a: {b: c}\n? [x]\n: y\nd: [[[e]]]\nf: role:x\nf: role:y\n";
        assert_eq!(
            problems(text),
            [
                "p:1: rule a: says neither text nor a list of lists of texts",
                "p:2: a rule's name must be text",
                "p:4: rule d: says neither text nor a list of lists of texts",
                "p:6: rule f: is given twice, first in line 5",
            ]
        );
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        assert_eq!(problems("- a\n- b"), ["p:1: is not a mapping of rules to what they say"]);
        assert_eq!(problems("text"), ["p:1: is not a mapping of rules to what they say"]);
        assert_eq!(
            problems("a: role:x\n---\nb: role:y\n"),
            ["p:2: is not a mapping of rules to what they say"]
        );
        let [problem] = &problems("a: @")[..] else { panic!() };
        assert!(problem.starts_with("p:1: is not YAML: "), "{problem}");
        let [problem] = &problems("a: \"role:x\n")[..] else { panic!() };
        assert!(problem.contains("is not YAML: "), "{problem}");
    }

    #[test]
    fn anchors_stand_for_what_they_name() {
        let text = "a: &who role:x or role:y\nb: *who\nc: &list [[role:z]]\nd: *list\n";
        let values: Vec<OverrideCheck> =
            rules(text).into_iter().map(|(_, check, _)| check).collect();
        assert_eq!(values[0], values[1]);
        assert_eq!(values[2], values[3]);
        assert_eq!(problems("a: &a [*a]").len(), 1);
    }

    #[test]
    fn depth_does_not_matter() {
        let text = format!("a: {}x{}", "[".repeat(50), "]".repeat(50));
        assert_eq!(problems(&text).len(), 1);
    }
}
