//! Commands about the plans on offer.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use msgflash_billing::{Catalogue, Offer, StoredPlan};
use serde_json::{Value, json};

use super::exit;
use super::output::{Failure, Output};
use super::user::open;
use crate::api::v1::billing::view::PlanView;
use crate::config::Config;

/// `plans`.
#[derive(Debug, Subcommand)]
pub enum PlansCommand {
    /// Check a file of plans: every mistake is told, with its plan and key
    ///
    /// Nothing else is read, and nothing is changed: no setting and no database is needed.
    Check {
        /// The file, as `billing_catalogue` would name it
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List the plans as the database knows them: those on offer, then those that are retired
    List,
}

/// `plans check`.
pub(super) fn check(file: &Path, out: Output) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let told = format!("{}: {error}", file.display());
        match error.kind() {
            ErrorKind::NotFound => Failure::not_found(told),
            _ => Failure::from_error(told),
        }
    })?;
    let catalogue = Catalogue::parse(&text).map_err(|invalid| {
        let told = format!("{}: {invalid}", file.display());
        Failure::new(exit::FAILED, "VALIDATION_ERROR", told)
    })?;
    let offers = catalogue.offers();
    let (retired, sold): (Vec<_>, Vec<_>) = offers.iter().partition(|it| it.is_retired);
    let codes =
        |offers: &[&Offer]| -> Vec<String> { offers.iter().map(|it| it.code.clone()).collect() };
    let (sold, retired) = (codes(&sold), codes(&retired));
    let mut told = format!(
        "{} is valid. On offer: {}.",
        file.display(),
        sold.join(", ")
    );
    if !retired.is_empty() {
        told = format!("{told} Retired: {}.", retired.join(", "));
    }
    let value = json!({ "fallback": catalogue.fallback(), "onOffer": sold, "retired": retired });
    out.result(&value, told)
}

/// `plans list`.
pub(super) async fn list(config: &Config, out: Output) -> Result<(), Failure> {
    let (_database, backend) = open(config).await?;
    let plans = backend.billing_desk.operator.plans().await?;
    let rows: Vec<_> = plans.iter().map(row).collect();
    let values: Vec<_> = plans.iter().map(shown).collect();
    let headings = ["CODE", "NAME", "PRICE", "SOLD", "VERSION", "HELD BY"];
    out.table(&headings, &rows, &values)
}

fn row(it: &StoredPlan) -> Vec<String> {
    let sold = if it.plan.is_active { "yes" } else { "retired" };
    vec![
        it.plan.code.clone(),
        it.plan.name.clone(),
        format!("{} {}", it.plan.price, it.plan.currency),
        sold.to_owned(),
        it.version.to_string(),
        it.holders.to_string(),
    ]
}

/// As the API shows it, and what only operators see.
fn shown(it: &StoredPlan) -> Value {
    let mut shown = json!(PlanView::from(&it.plan));
    if let Some(members) = shown.as_object_mut() {
        members.insert("version".to_owned(), json!(it.version));
        members.insert("holders".to_owned(), json!(it.holders));
    }
    shown
}
