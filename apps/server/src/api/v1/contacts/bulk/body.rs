//! Which contacts a bulk change is about.

use msgflash_contacts::ContactId;
use msgflash_contacts::bulk::MOST_IDS;
use msgflash_kernel::Problems;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// The contacts a bulk change is about.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactIds)]
pub struct ContactIdsBody {
    /// 1 to 10,000 ids of contacts.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>, required = true, min_items = 1, max_items = 10_000,
        example = json!(["5f0c2c5e-0f5e-4a0e-8f1b-6d9f1b0c7a10"]))]
    pub contact_ids: Field<Vec<Value>>,
}

impl ContactIdsBody {
    /// Notes every problem of the body at once.
    pub(in crate::api::v1::contacts) fn check(
        &self,
        mut check: Check,
    ) -> Result<Vec<ContactId>, Problems> {
        let given = check.given("contactIds", &self.contact_ids, Need::Must, "an array");
        let ids = given.map(|given| ids(&mut check, given));
        check.finish()?;
        Ok(ids.unwrap_or_default())
    }
}

fn ids(check: &mut Check, given: &[Value]) -> Vec<ContactId> {
    if !(1..=MOST_IDS).contains(&given.len()) {
        let message = format!("Give 1 to {MOST_IDS} ids");
        check.refuse("contactIds", "length", message);
        return Vec::new();
    }
    let mut ids = Vec::with_capacity(given.len());
    for (at, value) in given.iter().enumerate() {
        match value.as_str().map(ContactId::parse) {
            Some(Some(id)) => ids.push(id),
            Some(None) => refuse(check, at, "invalid_uuid"),
            None => refuse(check, at, "invalid_type"),
        }
    }
    ids
}

fn refuse(check: &mut Check, at: usize, code: &'static str) {
    check.refuse(format!("contactIds.{at}"), code, "Must be a UUID");
}
