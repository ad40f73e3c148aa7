//! What the header says, and what a row says under it.

use msgflash_kernel::Problems;

use super::{ImportRow, ReportEntry};
use crate::file::cell::{parted, unmarked};
use crate::rules;

/// A header has no more columns, and so no row has more cells.
pub(super) const MAX_CELLS: usize = 1000;
/// Longer cells than anybody's number are cut in a report.
const SHOWN: usize = 32;
/// So many tags are looked at, repetitions included: a row may hold millions.
const LOOKED_AT: usize = 1000;
/// So many problems of a row are told.
const TOLD: usize = 3;

/// Where things stand in a row.
pub(super) struct Columns {
    count: usize,
    phone: usize,
    name: Option<usize>,
    tags: Option<usize>,
}

impl Columns {
    /// Reads the header. Columns may come in any order, and others than ours are left alone: what
    /// we wrote can be read.
    pub(super) fn of(header: &[&str]) -> Result<Self, String> {
        if header.len() > MAX_CELLS {
            return Err(format!("The header has more than {MAX_CELLS} columns"));
        }
        let names: Vec<String> = header
            .iter()
            .map(|cell| cell.trim().to_lowercase())
            .collect();
        let place = |wanted: &str| {
            let mut places = names.iter().enumerate().filter(|(_, name)| *name == wanted);
            match (places.next(), places.next()) {
                (Some(_), Some(_)) => Err(format!("The header has the column \"{wanted}\" twice")),
                (first, _) => Ok(first.map(|(place, _)| place)),
            }
        };
        Ok(Self {
            count: names.len(),
            phone: place("phone")?.ok_or_else(|| no_phone(&names))?,
            name: place("name")?,
            tags: place("tags")?,
        })
    }

    /// What a row says, or everything wrong with it.
    pub(super) fn row(&self, cells: &[&str], line: u64) -> Result<ImportRow, String> {
        if cells.len() > self.count {
            let message = "More cells than the header has; put cells with commas in double quotes";
            return Err(message.to_owned());
        }
        let cell = |place: usize| cells.get(place).copied().unwrap_or_default().trim();
        let mut problems = Problems::default();
        let phone = if cell(self.phone).is_empty() {
            problems.add("phone", "required", "The number is missing");
            None
        } else {
            // A spreadsheet's user may have marked the number as text.
            let phone = unmarked(cell(self.phone));
            rules::noted(&mut problems, "phone", rules::phone(&phone))
        };
        let name = self.name.map(|at| unmarked(cell(at)));
        let name = match name.filter(|name| !name.trim().is_empty()) {
            Some(name) => rules::noted(&mut problems, "name", rules::name(&name)),
            None => None,
        };
        let tags = match self.tags {
            Some(at) => tags(&mut problems, &unmarked(cell(at))),
            None => Vec::new(),
        };
        match phone {
            Some(phone) if problems.0.is_empty() => Ok(ImportRow {
                line,
                phone,
                name,
                tags,
            }),
            _ => Err(sentence(&problems)),
        }
    }

    /// A row that was not taken. What stands where the number should be is shown without what
    /// neither people nor the database can read.
    pub(super) fn report(&self, cells: &[&str], line: u64, reason: String) -> ReportEntry {
        let phone = cells.get(self.phone).copied().unwrap_or_default();
        let shown = phone.trim().chars().take(SHOWN);
        let plain = |sign: char| if sign.is_control() { '\u{fffd}' } else { sign };
        ReportEntry {
            line,
            phone: shown.map(plain).collect(),
            reason,
        }
    }
}

fn tags(problems: &mut Problems, cell: &str) -> Vec<String> {
    let tags = parted(cell).filter(|tag| !tag.trim().is_empty());
    let tags: Vec<_> = tags.take(LOOKED_AT + 1).collect();
    if tags.len() > LOOKED_AT {
        problems.add("tags", "length", "There are too many");
        return Vec::new();
    }
    rules::tags(problems, "tags", &tags)
}

/// What a line such as `sep=;` names: some programs write it for others, before the header.
pub(super) fn separator(cells: &[&str]) -> Option<char> {
    let (first, others) = cells.split_first()?;
    let (word, named) = first.split_at_checked(4)?;
    if !word.eq_ignore_ascii_case("sep=") || others.iter().any(|it| !it.trim().is_empty()) {
        return None;
    }
    let mut named = named.chars();
    match (named.next(), named.next()) {
        // The comma itself has parted the line.
        (None, _) => (!others.is_empty()).then_some(','),
        (Some(sign), None) => Some(sign),
        (Some(_), Some(_)) => None,
    }
}

/// What to do about a file that is separated by this.
pub(super) fn foreign(separator: char) -> Option<&'static str> {
    match separator {
        ';' => Some("The columns are separated by semicolons; separate them by commas"),
        '\t' => Some("The columns are separated by tabs; separate them by commas"),
        _ => None,
    }
}

/// Why a header without the column of numbers is none, as helpful as can be.
fn no_phone(names: &[String]) -> String {
    let is_phone = |name: &str| name.trim().trim_matches('"').trim() == "phone";
    let parted_by = |sign: &char| names.iter().any(|name| name.split(*sign).any(is_phone));
    let hint = [';', '\t'].into_iter().find(parted_by).and_then(foreign);
    let hint = hint
        .unwrap_or("The header must name the column \"phone\"; \"name\" and \"tags\" are optional");
    hint.to_owned()
}

/// The problems of a row in one line.
fn sentence(problems: &Problems) -> String {
    let told = problems.0.iter().take(TOLD);
    let told = told.map(|problem| format!("{}: {}", problem.field, problem.message));
    let more = problems.0.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("and {more} more"));
    told.chain(more).collect::<Vec<_>>().join("; ")
}
