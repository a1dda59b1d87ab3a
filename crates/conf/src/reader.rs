//! Values to types, with all that is wrong noted on the way.

use crate::option::OptionSpec;
use crate::place::Place;
use crate::problem::{Problem, Warning};
use crate::value::{FromText, Invalid};
use crate::values::{Value, Values, Written};

#[derive(Debug)]
pub(crate) struct Reader<'v> {
    values: &'v Values,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'v> Reader<'v> {
    pub(crate) fn new(values: &'v Values) -> Self {
        Self { values, problems: Vec::new(), warnings: Vec::new() }
    }

    /// Where the option was written; `None` where its default holds.
    pub(crate) fn place(&self, spec: &OptionSpec) -> Option<Place> {
        self.values.of(spec).last().map(|written| written.value.place.clone())
    }

    /// The option's value; `None` when it is bad, which is noted.
    pub(crate) fn read<T: FromText>(&mut self, spec: &OptionSpec) -> Option<T> {
        let written = self.values.of(spec);
        self.note_former_names(spec, &written);
        let default =
            Value { text: self.values.default_of(spec), place: Place::Default, source: 0 };
        let chosen: Vec<&Value> = match written.as_slice() {
            [] => vec![&default],
            all if T::MANY => all.iter().map(|written| written.value).collect(),
            [.., last] => vec![last.value],
        };
        let place = chosen.last().map_or(&Place::Default, |value| &value.place);
        let mut texts = Vec::new();
        for value in &chosen {
            match self.values.substituted(spec.group, &value.text) {
                Ok(text) => texts.push(text),
                Err(error) => {
                    self.problem(spec, &value.place, error.to_string());
                    return None;
                }
            }
        }
        let texts: Vec<&str> = texts.iter().map(|text| text.trim()).collect();
        let mut notes = Vec::new();
        let outcome = T::from_texts(&texts, &mut notes).and_then(|value| within(spec, value));
        // What a default names and is not built is no news to the operator, who did not write it.
        if !written.is_empty() {
            let title = spec.title();
            self.warnings.extend(
                notes.into_iter().map(|note| warning(place.clone(), format!("{title}: {note}"))),
            );
        }
        match outcome {
            Ok(value) => Some(value),
            Err(error) if T::SECRET => {
                self.problem(spec, place, error.to_string());
                None
            }
            Err(error) => {
                let shown = texts.join(" | ").replace('\n', " ");
                self.problem(spec, place, format!("'{shown}': {error}"));
                None
            }
        }
    }

    pub(crate) fn problem(&mut self, spec: &OptionSpec, place: &Place, message: String) {
        self.problems.push(Problem {
            place: Some(place.clone()),
            option: Some(spec.title()),
            message,
        });
    }

    fn note_former_names(&mut self, spec: &OptionSpec, written: &[Written<'_>]) {
        for Written { value, former } in written {
            if let Some((group, name)) = former {
                let message = format!("[{group}] {name} is now called {}", spec.title());
                self.warnings.push(warning(value.place.clone(), message));
            }
        }
    }
}

fn within<T: FromText>(spec: &OptionSpec, value: T) -> Result<T, Invalid> {
    match (spec.within, value.number()) {
        (Some((least, most)), Some(number)) if number < least || number > most => {
            Err(Invalid::OutOfRange { least, most })
        }
        _ => Ok(value),
    }
}

fn warning(place: Place, message: String) -> Warning {
    Warning { place: Some(place), message }
}
