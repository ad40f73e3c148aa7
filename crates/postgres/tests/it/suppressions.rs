//! Opt-out lists.

mod calls;
mod lists;

use msgflash_contacts::Suppression;
use msgflash_contacts::suppression::Source;
use msgflash_contacts::suppression::ports::SuppressionUnits;
use msgflash_kernel::{Phone, Workspace};
use msgflash_postgres::Postgres;
use time::OffsetDateTime;

use crate::messaging::sample::phone;
use crate::stage::NOW;

fn unwilling(n: u32) -> Suppression {
    since(phone(n), NOW)
}

fn since(phone: Phone, created_at: OffsetDateTime) -> Suppression {
    Suppression {
        phone,
        source: Source::Manual,
        reason: Some("Asked by phone".into()),
        instance: None,
        created_at,
    }
}

/// Puts numbers on a list as the use case does, and answers which are new.
async fn add(postgres: &Postgres, workspace: Workspace, new: &[Suppression]) -> Vec<Phone> {
    let mut unit = SuppressionUnits::begin(postgres).await.expect("a unit");
    let added = unit.suppressions().add(workspace.id, new).await;
    let added = added.expect("added");
    let holding = unit.suppressions().hold_lanes(workspace.account).await;
    holding.expect("held");
    unit.commit().await.expect("committed");
    added
}
