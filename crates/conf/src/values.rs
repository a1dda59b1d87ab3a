//! All that was written, by group and name.

use std::collections::BTreeMap;

use crate::option::OptionSpec;
use crate::place::Place;
use crate::substitute::{SubstituteError, substitute};

/// One written value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) place: Place,
    /// The place in the order of sources: what comes later wins.
    pub(crate) source: usize,
}

/// A value of an option, and the former name that it was written under, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written<'a> {
    pub(crate) value: &'a Value,
    pub(crate) former: Option<(&'static str, &'static str)>,
}

#[derive(Debug, Default)]
pub(crate) struct Values {
    written: BTreeMap<(String, String), Vec<Value>>,
    /// What this machine or this way of starting changes in the declared defaults.
    defaults: BTreeMap<(&'static str, &'static str), String>,
}

impl Values {
    pub(crate) fn add(&mut self, group: &str, name: &str, value: Value) {
        self.written.entry((group.to_owned(), name.to_owned())).or_default().push(value);
    }

    pub(crate) fn set_default(&mut self, group: &'static str, name: &'static str, text: String) {
        self.defaults.insert((group, name), text);
    }

    /// The option's values, the one that counts last: later sources after earlier ones, and within
    /// a source the present name after former ones.
    pub(crate) fn of(&self, spec: &OptionSpec) -> Vec<Written<'_>> {
        let former = spec.former_names().map(|name| (name, Some(name)));
        let names = former.chain([((spec.group, spec.name), None)]);
        let mut all: Vec<Written<'_>> = names
            .flat_map(|(name, former)| {
                self.under(name).iter().map(move |value| Written { value, former })
            })
            .collect();
        all.sort_by_key(|written| written.value.source);
        all
    }

    pub(crate) fn default_of(&self, spec: &OptionSpec) -> String {
        let changed = self.defaults.get(&(spec.group, spec.name));
        changed.map_or_else(|| spec.default.to_owned(), String::clone)
    }

    /// `text`, written for an option of `group`, with references to other options replaced.
    pub(crate) fn substituted(&self, group: &str, text: &str) -> Result<String, SubstituteError> {
        self.substituted_within(group, text, &mut Vec::new())
    }

    fn substituted_within(
        &self,
        group: &str,
        text: &str,
        path: &mut Vec<(String, String)>,
    ) -> Result<String, SubstituteError> {
        substitute(text, &mut |in_group, name| {
            // A bare name is looked for beside the option first, then in DEFAULT (oslo.config).
            let groups: &[&str] = match &in_group {
                Some(other) => &[other],
                None => &[group, "DEFAULT"],
            };
            let found = groups
                .iter()
                .find_map(|group| self.raw(group, name).map(|text| (*group, text)))
                .ok_or_else(|| SubstituteError::Unknown(dotted(in_group, name)))?;
            let step = (found.0.to_owned(), name.to_owned());
            if path.contains(&step) {
                return Err(SubstituteError::Loop(dotted(in_group, name)));
            }
            path.push(step);
            let replaced = self.substituted_within(found.0, &found.1, path);
            path.pop();
            replaced
        })
    }

    fn raw(&self, group: &str, name: &str) -> Option<String> {
        let spec = crate::settings::specs().find(|spec| spec.group == group && spec.name == name);
        match spec {
            Some(spec) => Some(match self.of(spec).last() {
                Some(written) => written.value.text.clone(),
                None => self.default_of(spec),
            }),
            None => self.under((group, name)).last().map(|value| value.text.clone()),
        }
    }

    fn under(&self, (group, name): (&str, &str)) -> &[Value] {
        self.written.get(&(group.to_owned(), name.to_owned())).map_or(&[], Vec::as_slice)
    }
}

fn dotted(group: Option<&str>, name: &str) -> String {
    group.map_or_else(|| name.to_owned(), |group| format!("{group}.{name}"))
}
