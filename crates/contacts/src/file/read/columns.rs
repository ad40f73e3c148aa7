//! What the header says, and what a row says under it.

use std::borrow::Cow;

use msgflash_kernel::{Phone, Problems};

use super::{ImportRow, ReportEntry, SuppressionRow};
use crate::file::cell::{parted, unmarked};
use crate::rules;
use crate::suppression::settings;

/// A header has no more columns, and so no row has more cells.
pub(super) const MAX_CELLS: usize = 1000;
/// Longer cells than anybody's number are cut in a report.
const SHOWN: usize = 32;
/// So many tags are looked at, repetitions included: a row may hold millions.
const LOOKED_AT: usize = 1000;
/// So many problems of a row are told.
const TOLD: usize = 3;

/// What a row of some kind of file becomes.
pub(super) trait Row: Sized {
    /// The columns that are read besides the numbers.
    const OPTIONAL: &'static [&'static str];
    /// What a row says, or everything wrong with it.
    fn read(columns: &Columns, cells: &[&str], line: u64) -> Result<Self, String>;
    /// Its number.
    fn phone(&self) -> Phone;
}

impl Row for ImportRow {
    const OPTIONAL: &'static [&'static str] = &["name", "tags"];

    fn read(columns: &Columns, cells: &[&str], line: u64) -> Result<Self, String> {
        let (phone, mut problems) = columns.number(cells)?;
        let name = columns.cell(cells, 0);
        let name = name.filter(|name| !name.trim().is_empty());
        let name = name.and_then(|it| rules::noted(&mut problems, "name", rules::name(&it)));
        let tags = match columns.cell(cells, 1) {
            Some(cell) => tags(&mut problems, &cell),
            None => Vec::new(),
        };
        match phone {
            Some(phone) if problems.0.is_empty() => Ok(Self {
                line,
                phone,
                name,
                tags,
            }),
            _ => Err(sentence(&problems)),
        }
    }

    fn phone(&self) -> Phone {
        self.phone
    }
}

impl Row for SuppressionRow {
    const OPTIONAL: &'static [&'static str] = &["reason"];

    fn read(columns: &Columns, cells: &[&str], _: u64) -> Result<Self, String> {
        let (phone, mut problems) = columns.number(cells)?;
        let reason = columns.cell(cells, 0);
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let reason =
            reason.and_then(|it| rules::noted(&mut problems, "reason", settings::reason(&it)));
        match phone {
            Some(phone) if problems.0.is_empty() => Ok(Self { phone, reason }),
            _ => Err(sentence(&problems)),
        }
    }

    fn phone(&self) -> Phone {
        self.phone
    }
}

/// Where things stand in a row.
pub(super) struct Columns {
    count: usize,
    phone: usize,
    /// In the order in which they were asked for.
    optional: Vec<Option<usize>>,
}

impl Columns {
    /// Reads the header. Columns may come in any order, and others than ours are left alone: what
    /// we wrote can be read.
    pub(super) fn of(header: &[&str], optional: &[&str]) -> Result<Self, String> {
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
        let others = optional.iter().map(|wanted| place(wanted));
        Ok(Self {
            count: names.len(),
            phone: place("phone")?.ok_or_else(|| no_phone(&names, optional))?,
            optional: others.collect::<Result<_, _>>()?,
        })
    }

    /// The number of a row, and what is wrong with it.
    fn number(&self, cells: &[&str]) -> Result<(Option<Phone>, Problems), String> {
        if cells.len() > self.count {
            let message = "More cells than the header has; put cells with commas in double quotes";
            return Err(message.to_owned());
        }
        let mut problems = Problems::default();
        let cell = at(cells, self.phone);
        let phone = if cell.is_empty() {
            problems.add("phone", "required", "The number is missing");
            None
        } else {
            // A spreadsheet's user may have marked the number as text.
            rules::noted(&mut problems, "phone", rules::phone(&unmarked(cell)))
        };
        Ok((phone, problems))
    }

    /// What stands in one of the optional columns, if the file has it.
    fn cell<'a>(&self, cells: &[&'a str], which: usize) -> Option<Cow<'a, str>> {
        Some(unmarked(at(cells, self.optional[which]?)))
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

fn at<'a>(cells: &[&'a str], place: usize) -> &'a str {
    cells.get(place).copied().unwrap_or_default().trim()
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
fn no_phone(names: &[String], optional: &[&str]) -> String {
    let is_phone = |name: &str| name.trim().trim_matches('"').trim() == "phone";
    let parted_by = |sign: &char| names.iter().any(|name| name.split(*sign).any(is_phone));
    let hint = [';', '\t'].into_iter().find(parted_by).and_then(foreign);
    hint.map_or_else(
        || {
            let others: Vec<String> = optional.iter().map(|it| format!("\"{it}\"")).collect();
            let are = if others.len() > 1 { "are" } else { "is" };
            let others = others.join(" and ");
            format!("The header must name the column \"phone\"; {others} {are} optional")
        },
        str::to_owned,
    )
}

/// The problems of a row in one line.
fn sentence(problems: &Problems) -> String {
    let told = problems.0.iter().take(TOLD);
    let told = told.map(|problem| format!("{}: {}", problem.field, problem.message));
    let more = problems.0.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("and {more} more"));
    told.chain(more).collect::<Vec<_>>().join("; ")
}
