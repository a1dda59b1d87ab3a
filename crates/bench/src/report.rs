//! Rows, and what becomes of them: a table for people, JSON for machines.

use std::fmt::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::stats::Figure;

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Unit {
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "/s")]
    PerSecond,
    #[serde(rename = "MB")]
    Megabytes,
    #[serde(rename = "")]
    Count,
    /// How many times faster.
    #[serde(rename = "x")]
    Times,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    Ok,
    Missed,
}

/// What the machine itself does, in the same minute.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    pub what: String,
    pub value: f64,
    pub unit: Unit,
}

/// One measured thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub suite: String,
    pub name: String,
    pub unit: Unit,
    pub median: f64,
    pub min: f64,
    pub max: f64,
    pub rounds: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    pub limits: Vec<Limit>,
}

/// What was not measured, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub suite: String,
    pub why: String,
}

/// All that one run measured.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// When it began, RFC 3339.
    pub started_at: String,
    pub seconds: f64,
    pub machine: Machine,
    pub rows: Vec<Row>,
    pub skipped: Vec<Skipped>,
}

/// What it ran on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Machine {
    pub processors: usize,
    pub kernel: String,
    /// Load averages at the start and at the end: whether others worked beside.
    pub load: Vec<String>,
}

impl Target {
    pub fn verdict(self, value: f64) -> Verdict {
        let met = match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        };
        if met { Verdict::Ok } else { Verdict::Missed }
    }
}

impl Limit {
    pub fn new(what: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self { what: what.into(), value, unit }
    }
}

impl Row {
    pub fn new(suite: &str, name: impl Into<String>, unit: Unit, figure: Figure) -> Self {
        let Figure { median, min, max, rounds } = figure;
        Self {
            suite: suite.to_owned(),
            name: name.into(),
            unit,
            median,
            min,
            max,
            rounds,
            target: None,
            verdict: None,
            limits: Vec::new(),
        }
    }

    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self.verdict = Some(target.verdict(self.median));
        self
    }

    #[must_use]
    pub fn beside(mut self, limits: impl IntoIterator<Item = Limit>) -> Self {
        self.limits.extend(limits);
        self
    }
}

impl Report {
    /// Whether a row misses its target.
    pub fn misses(&self) -> bool {
        self.rows.iter().any(|row| row.verdict == Some(Verdict::Missed))
    }

    pub fn skip(&mut self, suite: &str, why: impl Into<String>) {
        let why = why.into();
        eprintln!("SKIPPED: {suite}: {why}");
        self.skipped.push(Skipped { suite: suite.to_owned(), why });
    }

    /// Adds rows, and says each at once: a run takes minutes.
    pub fn add(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            eprintln!("  {row}");
            self.rows.push(row);
        }
    }

    pub fn write_json(&self, path: &Path) -> Result<()> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("make {}", directory.display()))?;
        }
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").with_context(|| format!("write {}", path.display()))
    }

    pub fn table(&self) -> String {
        let heads = ["suite", "what", "median", "min", "max", "target", "", "of this machine"];
        let mut lines = vec![heads.map(str::to_owned)];
        lines.extend(self.rows.iter().map(Row::cells));
        let width = |column: usize| {
            let cell = |line: &[String; 8]| line.get(column).map_or(0, |cell| cell.chars().count());
            lines.iter().map(cell).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                // Figures to the right, words to the left.
                let _ = match column {
                    2..=4 => write!(text, "{cell:>width$}  "),
                    7 => write!(text, "{cell}"),
                    _ => write!(text, "{cell:<width$}  "),
                };
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        let Machine { processors, kernel, load } = &self.machine;
        let _ = writeln!(
            text,
            "\n{processors} processors, Linux {kernel}, load {}; {:.0} s",
            load.join(" -> "),
            self.seconds
        );
        for Skipped { suite, why } in &self.skipped {
            let _ = writeln!(text, "SKIPPED: {suite}: {why}");
        }
        text
    }
}

impl Row {
    fn cells(&self) -> [String; 8] {
        let limits: Vec<String> = self.limits.iter().map(ToString::to_string).collect();
        [
            self.suite.clone(),
            self.name.clone(),
            format!("{} {}", number(self.median), self.unit).trim_end().to_owned(),
            number(self.min),
            number(self.max),
            self.target.map(|target| target.to_string()).unwrap_or_default(),
            self.verdict.map(|verdict| verdict.to_string()).unwrap_or_default(),
            limits.join(", "),
        ]
    }
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [suite, name, median, min, max, target, verdict, limits] = self.cells();
        write!(f, "{suite}: {name}: {median} ({min}-{max})")?;
        if !target.is_empty() {
            write!(f, " target {target}: {verdict}")?;
        }
        if !limits.is_empty() {
            write!(f, " [{limits}]")?;
        }
        Ok(())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, value, unit } = self;
        write!(f, "{}", format!("{what} {} {unit}", number(*value)).trim_end())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::Megabytes => "MB",
            Self::Count => "",
            Self::Times => "x",
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "<= {}", number(*most)),
            Self::AtLeast(least) => write!(f, ">= {}", number(*least)),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Missed => "MISSED",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64) -> Row {
        let figure = Figure::of([value, value / 2.0, value * 2.0]).unwrap();
        Row::new("sqlite", "port create", Unit::Milliseconds, figure)
    }

    #[test]
    fn a_row_says_whether_it_meets_its_target() {
        assert_eq!(row(1.0).target(Target::AtMost(1.0)).verdict, Some(Verdict::Ok));
        assert_eq!(row(1.1).target(Target::AtMost(1.0)).verdict, Some(Verdict::Missed));
        assert_eq!(row(999.0).target(Target::AtLeast(1000.0)).verdict, Some(Verdict::Missed));
        let mut report = Report::default();
        report.add([row(2.0), row(2.0).target(Target::AtMost(3.0))]);
        assert!(!report.misses());
        report.add([row(4.0).target(Target::AtMost(3.0))]);
        assert!(report.misses());
    }

    #[test]
    fn the_table_has_the_noise_and_the_limits_beside_every_figure() {
        let mut report = Report::default();
        let limit = Limit::new("bare commit", 0.3333, Unit::Milliseconds);
        report.add([row(1.5).target(Target::AtMost(1.0)).beside([limit])]);
        let table = report.table();
        let line = table.lines().nth(1).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let expected = "sqlite port create 1.50 ms 0.75 3 <= 1 MISSED bare commit 0.33 ms";
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn the_json_can_be_read_again() {
        let mut report = Report::default();
        report.add([row(1.5).target(Target::AtLeast(1.0))]);
        report.skip("wiring", "not root");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/latest.json");
        report.write_json(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["rows"][0]["verdict"], "OK");
        assert_eq!(read["rows"][0]["target"]["at_least"], 1.0);
        assert_eq!(read["rows"][0]["unit"], "ms");
        assert_eq!(read["skipped"][0]["why"], "not root");
    }
}
