//! The declarations as text.

use std::fmt::Write;

use crate::option::OptionSpec;
use crate::settings::{STANDALONE, specs};

/// A configuration file with every option, its help and its default, all commented out.
pub fn sample() -> String {
    let mut page = String::new();
    for group in groups() {
        let _ = write!(page, "[{group}]\n\n");
        for spec in specs().filter(|spec| spec.group == group) {
            for line in spec.help {
                let _ = writeln!(page, "# {}", line.trim());
            }
            let _ = writeln!(page, "# ({}{})", spec.kind, limits(spec));
            if let Some(standalone) = standalone(spec) {
                let _ = writeln!(page, "# Without a configuration file: {standalone}");
            }
            if !spec.former.is_empty() {
                let _ = writeln!(page, "# Formerly: {}", spec.former.join(", "));
            }
            let _ = write!(page, "#{} = {}\n\n", spec.name, spec.default);
        }
    }
    page
}

/// The reference of all options as tables in Markdown, one for each group.
pub fn docs_table() -> String {
    let mut page = String::new();
    for group in groups() {
        let _ = writeln!(page, "## [{group}]\n");
        page.push_str("| Option | Kind | Default | Meaning |\n|---|---|---|---|\n");
        for spec in specs().filter(|spec| spec.group == group) {
            let mut default = code(spec.default);
            if let Some(standalone) = standalone(spec) {
                let _ = write!(default, "; without a file {}", code(standalone));
            }
            let mut meaning =
                spec.help.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
            if !spec.former.is_empty() {
                let _ = write!(meaning, " Formerly {}.", code(&spec.former.join(", ")));
            }
            if spec.ours {
                meaning.push_str(" Not an option of Neutron's.");
            }
            let kind = format!("{}{}", spec.kind, limits(spec));
            let cells =
                [code(spec.name), kind, default, meaning].map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(page, "| {} |", cells.join(" | "));
        }
        page.push('\n');
    }
    page
}

fn groups() -> Vec<&'static str> {
    let mut groups = Vec::new();
    for spec in specs() {
        if !groups.contains(&spec.group) {
            groups.push(spec.group);
        }
    }
    groups
}

fn limits(spec: &OptionSpec) -> String {
    spec.within.map_or_else(String::new, |(least, most)| format!(", {least} to {most}"))
}

fn standalone(spec: &OptionSpec) -> Option<&'static str> {
    let differs =
        STANDALONE.iter().find(|(group, name, _)| (*group, *name) == (spec.group, spec.name));
    differs.map(|(_, _, text)| *text)
}

fn code(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { format!("`{text}`") }
}
