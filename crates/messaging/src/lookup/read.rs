//! Reading look-ups.

use std::sync::Arc;

use msgflash_kernel::{Cursor, Page, PageRequest, Phone, Problems, WorkspaceId};

use super::ports::LookupReader;
use super::{LookupError, LookupId, LookupStatus, NumberLookup, Results};

/// Names the list, for its cursors.
pub const SCOPE: &str = "number-lookups";

/// Reads the look-ups of a workspace.
pub struct ReadLookups {
    lookups: Arc<dyn LookupReader>,
}

impl ReadLookups {
    /// Wires the use case.
    pub fn new(lookups: Arc<dyn LookupReader>) -> Self {
        Self { lookups }
    }

    /// One look-up, and what came of it so far.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: LookupId,
    ) -> Result<(NumberLookup, Results), LookupError> {
        let found = self.lookups.find(workspace, id).await?;
        let lookup = found.ok_or(LookupError::NoLookup(id))?;
        let results = self.lookups.results(workspace, id).await?;
        Ok((lookup, results))
    }

    /// The numbers a completed look-up found, as they are at WhatsApp.
    pub async fn found(
        &self,
        workspace: WorkspaceId,
        id: LookupId,
    ) -> Result<Vec<Phone>, LookupError> {
        let (lookup, results) = self.find(workspace, id).await?;
        if lookup.status != LookupStatus::Completed {
            return Err(LookupError::NotReady);
        }
        let found = results.on_whatsapp.into_iter();
        Ok(found.map(|(_, found)| found).collect())
    }

    /// A page, the newest first.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<NumberLookup>, LookupError> {
        let is_key = |key: &str| LookupId::parse(key).is_some();
        let after = cursor.map(|text| Cursor::given(text, SCOPE, is_key));
        let after = after.transpose().map_err(Problems::from)?;
        let page = PageRequest { limit, after };
        Ok(self.lookups.page(workspace, &page).await?)
    }
}
