//! Figures: printed, kept in `bench/results.json`, and written into `docs/benchmarks.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use msgflash_kernel::{Clock as _, SystemClock};
use serde::{Deserialize, Serialize};
use time::macros::format_description;

use crate::machine::{Machine, root};
use crate::stats::median;

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// What a target asks of a figure.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
pub(crate) enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

impl Target {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }
}

/// One figure of a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured, and against what.
    pub(crate) what: String,
    /// Our side, in words.
    pub(crate) ours: String,
    /// The other side, in words.
    pub(crate) theirs: String,
    /// The figure that is held against the target.
    pub(crate) figure: Option<f64>,
    /// The lowest and the highest of the rounds.
    pub(crate) spread: Option<(f64, f64)>,
    /// What stands behind the figure, such as `×` or `MB`.
    pub(crate) unit: String,
    /// What it should be.
    pub(crate) target: Option<Target>,
}

/// Two sides of a figure, measured in turns.
#[derive(Debug, Default)]
pub(crate) struct Sides {
    /// Ours, one for each round.
    pub(crate) ours: Vec<f64>,
    /// Theirs, one for each round.
    pub(crate) theirs: Vec<f64>,
}

impl Sides {
    /// One round.
    pub(crate) fn push(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours);
        self.theirs.push(theirs);
    }

    /// The row: the median of the rounds' ratios, ours to theirs.
    pub(crate) fn row(&self, what: impl Into<String>, unit: &str, target: Target) -> Row {
        let ratios: Vec<f64> = self
            .ours
            .iter()
            .zip(&self.theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ratios.iter().copied().fold(0.0, f64::max);
        Row {
            what: what.into(),
            ours: format!("{} {unit}", number(median(&self.ours))),
            theirs: format!("{} {unit}", number(median(&self.theirs))),
            figure: Some(median(&ratios)),
            spread: Some((low, high)),
            unit: "×".to_owned(),
            target: Some(target),
        }
    }
}

/// A line, measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// What the line is about.
    pub(crate) title: String,
    /// Its figures; none when it failed.
    pub(crate) rows: Vec<Row>,
    /// Why it failed, or what of it could not be measured here.
    pub(crate) notes: Vec<String>,
    /// Sizes and settings of the run.
    pub(crate) settings: String,
    /// The share of the full sizes.
    #[serde(default = "whole")]
    pub(crate) share: f64,
    /// The command that measured it.
    pub(crate) command: String,
    /// The day.
    pub(crate) day: String,
    /// The machine.
    pub(crate) machine: Machine,
}

/// All of it.
fn whole() -> f64 {
    1.0
}

/// Says something to whoever started the benchmark.
pub(crate) fn say(text: &str) {
    // Nobody who listens any more is nobody to tell.
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Today.
pub(crate) fn today() -> Result<String> {
    let form = format_description!("[year]-[month]-[day]");
    Ok(SystemClock.now().format(form)?)
}

/// Prints a line's figures.
pub(crate) fn print(line: &str, outcome: &Outcome) {
    let mut text = format!(
        "\n{} {} ({})\n",
        line.to_uppercase(),
        outcome.title,
        outcome.settings
    );
    for row in &outcome.rows {
        let _ = writeln!(
            text,
            "  {}: {} against {}: {} {}",
            row.what,
            row.ours,
            row.theirs,
            figure(row),
            verdict(row, outcome.share)
        );
    }
    for note in &outcome.notes {
        let _ = writeln!(text, "  {note}");
    }
    say(text.trim_end());
}

/// Adds lines to the kept results and writes the table anew. Lines that were not measured now keep
/// their last figures.
pub(crate) fn write(measured: BTreeMap<String, Outcome>) -> Result<()> {
    let file = root().join("bench/results.json");
    let mut all: BTreeMap<String, Outcome> = match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).context("bench/results.json cannot be read")?,
        Err(_) => BTreeMap::new(),
    };
    all.extend(measured);
    fs::write(&file, serde_json::to_string_pretty(&all)? + "\n")?;
    let page = root().join("docs/benchmarks.md");
    let text = fs::read_to_string(&page).context("docs/benchmarks.md cannot be read")?;
    fs::write(&page, replace(&text, &block(&all)?)?)?;
    Ok(())
}

/// The page with another block between the marks.
fn replace(page: &str, block: &str) -> Result<String> {
    let (before, rest) = page
        .split_once(BEGIN)
        .context("the page has no begin mark")?;
    let (_, after) = rest.split_once(END).context("the page has no end mark")?;
    Ok(format!("{before}{BEGIN}\n\n{block}\n{END}{after}"))
}

fn block(all: &BTreeMap<String, Outcome>) -> Result<String> {
    let mut lines: Vec<_> = all.iter().collect();
    // P2 before P11, and growth behind all of them.
    lines.sort_by_key(|(name, _)| (name.starts_with('g'), name.len(), name.as_str()));
    let mut text = String::from(
        "| Line | Measured | MsgFlash | Baseline | Figure | Rounds | Target | |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let mut notes = String::new();
    let mut taken: Vec<(&Outcome, Vec<String>)> = Vec::new();
    for (name, outcome) in lines {
        let name = name.to_uppercase();
        for row in &outcome.rows {
            writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} | {} | {} |",
                row.what,
                row.ours,
                row.theirs,
                figure(row),
                row.spread
                    .map_or_else(String::new, |(low, high)| format!("{low:.2}-{high:.2}")),
                target(row),
                verdict(row, outcome.share),
            )?;
        }
        if outcome.rows.is_empty() {
            writeln!(
                text,
                "| {name} | {} | - | - | - | - | - | failed |",
                outcome.title
            )?;
        }
        for note in &outcome.notes {
            writeln!(notes, "- {name}: {note}")?;
        }
        let same = |it: &&mut (&Outcome, _)| it.0.machine.is_like(&outcome.machine);
        let run = format!(
            "- {name}: `{}` on {} at commit {}. {}.\n",
            outcome.command, outcome.day, outcome.machine.commit, outcome.settings
        );
        match taken.iter_mut().find(same) {
            Some((_, runs)) => runs.push(run),
            None => taken.push((outcome, vec![run])),
        }
    }
    if !notes.is_empty() {
        write!(text, "\n{notes}")?;
    }
    for (outcome, runs) in taken {
        let machine = &outcome.machine;
        write!(
            text,
            "\nOn {}, {} cores, {} GB, Linux {}; PostgreSQL {} ({}); {}:\n\n{}",
            machine.processor,
            machine.cores,
            machine.memory_gb,
            machine.kernel,
            machine.postgres,
            machine.settings,
            machine.rustc,
            runs.concat(),
        )?;
    }
    Ok(text)
}

fn figure(row: &Row) -> String {
    row.figure.map_or_else(
        || "-".to_owned(),
        |it| format!("{} {}", number(it), row.unit),
    )
}

fn target(row: &Row) -> String {
    match row.target {
        Some(Target::AtLeast(least)) => format!("≥ {} {}", short(least), row.unit),
        Some(Target::AtMost(most)) => format!("≤ {} {}", short(most), row.unit),
        None => "-".to_owned(),
    }
}

/// Whether the target is met; that not all rounds say so, and that less was measured than the target is about.
fn verdict(row: &Row, share: f64) -> String {
    let (Some(target), Some(figure)) = (row.target, row.figure) else {
        return String::new();
    };
    let is_met = target.is_met(figure);
    let of_all = row
        .spread
        .is_none_or(|(low, high)| target.is_met(low) == is_met && target.is_met(high) == is_met);
    let mut text = if is_met { "met" } else { "missed" }.to_owned();
    if !of_all {
        text.push_str(", not in every round");
    }
    if share < 1.0 {
        let _ = write!(text, ", at {share} of the size");
    }
    text
}

fn short(value: f64) -> String {
    format!("{value}")
}

/// Three digits that count, and thousands apart.
pub(crate) fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_ratios_counts_not_the_ratio_of_medians() {
        let mut sides = Sides::default();
        for (ours, theirs) in [(10.0, 10.0), (30.0, 10.0), (80.0, 40.0)] {
            sides.push(ours, theirs);
        }
        let row = sides.row("x", "/s", Target::AtLeast(2.0));
        assert_eq!(row.figure, Some(2.0));
        assert_eq!(row.spread, Some((1.0, 3.0)));
        assert_eq!(verdict(&row, 1.0), "met, not in every round");
        let of_all = sides.row("x", "/s", Target::AtLeast(0.5));
        assert_eq!(verdict(&of_all, 0.2), "met, at 0.2 of the size");
    }

    #[test]
    fn a_missed_target_is_said() {
        let mut sides = Sides::default();
        sides.push(21.0, 10.0);
        let row = sides.row("x", "s", Target::AtMost(2.0));
        assert_eq!(verdict(&row, 1.0), "missed");
    }

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = replace(&page, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert!(replace("no marks", "new").is_err());
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (1.234, "1.23"),
            (12.34, "12.3"),
            (999.6, "1,000"),
            (1_234_567.0, "1,234,567"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
