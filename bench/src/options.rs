//! How long, how much, how often.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;

use crate::pg::Session;

/// Flags of every line.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Rounds; each measures both sides once, and the median of their ratios counts
    #[arg(long, global = true, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Seconds of each run that is measured by time
    #[arg(long, global = true, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Share of the full row counts, such as 0.01
    #[arg(long, global = true, default_value_t = 1.0)]
    pub(crate) share: f64,
    /// Write the figures to docs/benchmarks.md
    #[arg(long, global = true)]
    pub(crate) write: bool,
    /// Remove one row of this table before the figures are checked: proves that the check sees it
    #[arg(long, global = true, value_name = "TABLE")]
    pub(crate) spoil: Option<String>,
}

impl Options {
    /// One round of everything, small enough to end within five minutes.
    pub(crate) fn quick(&self) -> Self {
        Self {
            rounds: 1,
            seconds: 2,
            share: self.share.min(0.003),
            ..self.clone()
        }
    }

    /// The length of a run that is measured by time.
    pub(crate) fn span(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// A full row count, cut to the share that is asked for and to a multiple of `step`.
    pub(crate) fn rows(&self, full: u32, step: u32) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count is a count"
        )]
        let wanted = (f64::from(full) * self.share.clamp(0.0, 1.0)) as u32;
        wanted.max(step).div_ceil(step) * step
    }

    /// Removes a row when asked to.
    pub(crate) async fn spoil(&self, session: &Session) -> Result<()> {
        let Some(table) = &self.spoil else {
            return Ok(());
        };
        let text = format!(
            "DELETE FROM {table} WHERE ctid = (SELECT ctid FROM {table} ORDER BY ctid DESC LIMIT 1)"
        );
        ensure!(
            session.run(&text, &[]).await? == 1,
            "there is nothing in {table} to remove"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_never_leaves_a_line_without_rows() {
        let mut options = Options {
            rounds: 5,
            seconds: 10,
            share: 1.0,
            write: false,
            spoil: None,
        };
        assert_eq!(options.rows(200_000, 50), 200_000);
        options.share = 0.000_001;
        assert_eq!(options.rows(200_000, 50), 50);
    }
}
