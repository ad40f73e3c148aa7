//! Reading lists, taking numbers off them, and what a workspace sets.

use std::sync::Arc;

use msgflash_kernel::{Clock, Cursor, Page, Phone, Problems, StoreError, WorkspaceId};
use time::OffsetDateTime;

use super::ports::{Place, SuppressionReader, SuppressionUnits};
use super::{OptOutChange, OptOutSettings, Suppression, SuppressionFilter};
use crate::error::ContactError;
use crate::list::foreign_cursor;

/// Reads lists.
pub struct ReadSuppressions {
    suppressions: Arc<dyn SuppressionReader>,
}

impl ReadSuppressions {
    /// Wires the use case.
    pub fn new(suppressions: Arc<dyn SuppressionReader>) -> Self {
        Self { suppressions }
    }

    /// One number.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Suppression, ContactError> {
        let found = self.suppressions.find(workspace, phone).await?;
        found.ok_or(ContactError::NotSuppressed)
    }

    /// A page, the newest first. A cursor belongs to the filter it was made with.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        filter: &SuppressionFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Suppression>, ContactError> {
        let scope = filter.scope();
        let place = |text: &str| {
            let cursor = Cursor::decode(text, &scope).ok()?;
            read_place(cursor.key())
        };
        let after = cursor
            .map(|text| place(text).ok_or_else(foreign_cursor))
            .transpose()?;
        let reading = self.suppressions.page(workspace, filter, after, limit + 1);
        let cursor_of = |it: &Suppression| Cursor::new(scope.clone(), write_place(it));
        Ok(Page::cut(reading.await?, limit, cursor_of))
    }

    /// What a workspace has set, or what everybody has.
    pub async fn settings(&self, workspace: WorkspaceId) -> Result<OptOutSettings, StoreError> {
        let found = self.suppressions.settings(workspace).await?;
        Ok(found.unwrap_or_default())
    }
}

fn write_place(it: &Suppression) -> String {
    format!("{};{}", it.created_at.unix_timestamp_nanos(), it.phone)
}

fn read_place(key: &str) -> Option<Place> {
    let (at, phone) = key.split_once(';')?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(at.parse().ok()?).ok()?;
    Some((at, Phone::from_e164(phone).ok()?))
}

/// Takes numbers off lists.
pub struct RemoveSuppression {
    units: Arc<dyn SuppressionUnits>,
}

impl RemoveSuppression {
    /// Wires the use case.
    pub fn new(units: Arc<dyn SuppressionUnits>) -> Self {
        Self { units }
    }

    /// Takes one off. What ended because of the list stays ended.
    pub async fn remove(&self, workspace: WorkspaceId, phone: Phone) -> Result<(), ContactError> {
        let mut unit = self.units.begin().await?;
        if !unit.suppressions().remove(workspace, phone).await? {
            return Err(ContactError::NotSuppressed);
        }
        Ok(unit.commit().await?)
    }
}

/// Changes what workspaces set.
pub struct ChangeOptOut {
    units: Arc<dyn SuppressionUnits>,
    clock: Arc<dyn Clock>,
}

impl ChangeOptOut {
    /// Wires the use case.
    pub fn new(units: Arc<dyn SuppressionUnits>, clock: Arc<dyn Clock>) -> Self {
        Self { units, clock }
    }

    /// Changes what is given, which must be something; answers what is set from now on.
    pub async fn change(
        &self,
        workspace: WorkspaceId,
        change: &OptOutChange,
    ) -> Result<OptOutSettings, ContactError> {
        if *change == OptOutChange::default() {
            let message = "Give at least one member to change";
            return Err(Problems::one("", "empty", message).into());
        }
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let changing = unit.suppressions().set_settings(workspace, change, now);
        let settings = changing.await?;
        unit.commit().await?;
        Ok(settings)
    }
}
