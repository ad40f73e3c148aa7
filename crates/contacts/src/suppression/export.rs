//! Taking a list away as CSV, a part at a time.

use std::sync::Arc;

use msgflash_kernel::{Clock, Phone, StoreError, WorkspaceId};
use time::Date;

use super::ports::SuppressionReader;
use crate::file::Writer;

/// Numbers of one part.
const PART: u32 = 1000;

/// Writes lists.
pub struct ExportSuppressions {
    suppressions: Arc<dyn SuppressionReader>,
    clock: Arc<dyn Clock>,
}

impl ExportSuppressions {
    /// Wires the use case.
    pub fn new(suppressions: Arc<dyn SuppressionReader>, clock: Arc<dyn Clock>) -> Self {
        Self {
            suppressions,
            clock,
        }
    }

    /// Begins a file of a workspace's list.
    pub fn begin(&self, workspace: WorkspaceId) -> SuppressionsFile {
        SuppressionsFile {
            suppressions: Arc::clone(&self.suppressions),
            workspace,
            day: self.clock.now().date(),
            writer: Writer::default(),
            after: None,
            has_ended: false,
        }
    }
}

/// A file that is being written, by number. Numbers that come and go meanwhile may be in it or not; all
/// others are in it once.
pub struct SuppressionsFile {
    suppressions: Arc<dyn SuppressionReader>,
    workspace: WorkspaceId,
    day: Date,
    writer: Writer,
    after: Option<Phone>,
    has_ended: bool,
}

impl SuppressionsFile {
    /// What the file is called, such as `suppressions-2026-05-20.csv`.
    pub fn file_name(&self) -> String {
        format!("suppressions-{}.csv", self.day)
    }

    /// The next part of the file, which is never empty; `None` behind the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.has_ended {
            return Ok(None);
        }
        let reading = self.suppressions.walk(self.workspace, self.after, PART);
        let found = reading.await?;
        self.has_ended = found.len() < PART as usize;
        if found.is_empty() && self.after.is_some() {
            return Ok(None);
        }
        self.after = found.last().map(|it| it.phone).or(self.after);
        Ok(Some(self.writer.suppressions(&found)))
    }
}
