//! Removing a file before its time.

use std::sync::Arc;

use msgflash_kernel::WorkspaceId;
use tracing::warn;

use super::ports::{MediaFiles, MediaUnits};
use super::{MediaError, MediaId};

/// Removes files.
pub struct DeleteMedia {
    units: Arc<dyn MediaUnits>,
    files: Arc<dyn MediaFiles>,
}

impl DeleteMedia {
    /// Wires it.
    pub fn new(units: Arc<dyn MediaUnits>, files: Arc<dyn MediaFiles>) -> Self {
        Self { units, files }
    }

    /// Removes a file: its address leads nowhere at once, and messages that wait cannot send it.
    pub async fn delete(&self, workspace: WorkspaceId, id: MediaId) -> Result<(), MediaError> {
        let mut unit = self.units.begin().await?;
        let media = unit.media().delete(workspace, id).await?;
        let media = media.ok_or(MediaError::NoMedia(id))?;
        unit.commit().await?;
        if let Err(cause) = self.files.delete(&media.key()).await {
            // Nobody can have it any more, and it goes by its age.
            warn!(media.id = %id, %cause, "a file could not be removed yet");
        }
        Ok(())
    }
}
