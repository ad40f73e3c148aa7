//! Putting numbers on the list.

use std::sync::Arc;

use msgflash_kernel::{Clock, Once, Outcome, Phone, Workspace};

use super::ports::{Silence, SuppressionUnits};
use super::{Source, Suppression};
use crate::error::ContactError;
use crate::file::{ReadFile, ReportEntry, SuppressionRow};
use crate::once;

/// How many numbers one call takes.
pub const MOST_NUMBERS: usize = 10_000;

/// A number for the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSuppression {
    /// The number.
    pub phone: Phone,
    /// Why, for people.
    pub reason: Option<String>,
}

/// An order to put numbers on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddOrder {
    /// Whose list it is.
    pub workspace: Workspace,
    /// How they come there.
    pub source: Source,
    /// The numbers.
    pub numbers: Vec<NewSuppression>,
    /// What came with them and is no possible number.
    pub refused: Vec<ReportEntry>,
}

impl AddOrder {
    /// Numbers as they were written. What is no possible number is told by its place, from 0.
    pub fn of_numbers(workspace: Workspace, written: &[String], reason: Option<&str>) -> Self {
        let mut order = Self {
            workspace,
            source: Source::Manual,
            numbers: Vec::with_capacity(written.len()),
            refused: Vec::new(),
        };
        for (place, text) in (0..).zip(written) {
            match Phone::parse(text) {
                Ok(phone) => order.numbers.push(NewSuppression {
                    phone,
                    reason: reason.map(str::to_owned),
                }),
                Err(why) => order.refused.push(ReportEntry {
                    line: place,
                    phone: text.clone(),
                    reason: why.to_string(),
                }),
            }
        }
        order
    }

    /// What was read from a file.
    pub fn of_file(workspace: Workspace, file: ReadFile<SuppressionRow>) -> Self {
        let numbers = file.rows.into_iter().map(|row| NewSuppression {
            phone: row.phone,
            reason: row.reason,
        });
        Self {
            workspace,
            source: Source::Import,
            numbers: numbers.collect(),
            refused: file.report,
        }
    }
}

/// What became of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// How many numbers are new on the list.
    pub added: u32,
    /// How many were on it before, or came twice.
    pub already_present: u32,
    /// What is no possible number.
    pub refused: Vec<ReportEntry>,
}

/// Puts numbers on lists.
pub struct AddSuppressions {
    units: Arc<dyn SuppressionUnits>,
    silence: Arc<dyn Silence>,
    clock: Arc<dyn Clock>,
}

impl AddSuppressions {
    /// Wires the use case.
    pub fn new(
        units: Arc<dyn SuppressionUnits>,
        silence: Arc<dyn Silence>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            units,
            silence,
            clock,
        }
    }

    /// Puts them on the list. Once this answered, no call to any of them begins, but for messages that
    /// were sent to go out all the same.
    pub async fn add(
        &self,
        order: AddOrder,
        once: Option<Once<'_, Added>>,
    ) -> Result<Outcome<Added>, ContactError> {
        let now = self.clock.now();
        let workspace = order.workspace;
        let new: Vec<Suppression> = order
            .numbers
            .into_iter()
            .map(|it| Suppression {
                phone: it.phone,
                source: order.source,
                reason: it.reason,
                instance: None,
                created_at: now,
            })
            .collect();
        let mut unit = self.units.begin().await?;
        if let Some(answer) = once::claim(unit.replays(), once.as_ref(), now).await? {
            // Whoever gave it may still be waiting. Not with the connection in hand.
            drop(unit);
            self.silence.fall(workspace).await?;
            return Ok(Outcome::Replayed(answer));
        }
        let fresh = unit.suppressions().add(workspace.id, &new).await?.len();
        let added = Added {
            added: count(fresh),
            already_present: count(new.len().saturating_sub(fresh)),
            refused: order.refused,
        };
        once::keep(unit.replays(), once, &added, now).await?;
        // Also when nothing is new: whoever put them there may have held no line.
        unit.suppressions().hold_lanes(workspace.account).await?;
        unit.commit().await?;
        self.silence.fall(workspace).await?;
        Ok(Outcome::Done(added))
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
