//! What is asked of look-ups.

use msgflash_contacts::{GroupId, rules};
use msgflash_kernel::Problems;
use msgflash_messaging::InstanceId;
use msgflash_messaging::lookup::MOST_NUMBERS;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// Numbers to look up.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewNumberLookup)]
pub struct LookupBody {
    /// The instance that asks; it must be connected.
    #[serde(default)]
    #[schema(value_type = uuid::Uuid, required = true,
        example = "0197b3c0-1111-7000-8000-000000000001")]
    pub instance_id: Field<String>,
    /// 1 to 10,000 international numbers. Each is asked about once, however often it comes; what is
    /// no possible number is told under `invalid`.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = true, min_items = 1, max_items = 10_000,
        example = json!(["+33612345678", "+5531987654321"]))]
    pub numbers: Field<Vec<Value>>,
}

impl LookupBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(&self, mut check: Check) -> Result<(InstanceId, Vec<String>), Problems> {
        let instance = check.id("instanceId", &self.instance_id, Need::Must);
        let given = check.given("numbers", &self.numbers, Need::Must, "an array");
        let numbers = given.map(|given| check.phones("numbers", given, MOST_NUMBERS));
        check.finish()?;
        let missing = || Problems::one("instanceId", "required", "Required");
        Ok((instance.ok_or_else(missing)?, numbers.unwrap_or_default()))
    }
}

/// What becomes of the numbers that were found.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportNumberLookup)]
pub struct ImportFoundBody {
    /// A group that the contacts join.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub group_id: Field<String>,
    /// A label that they get, up to 50 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 50, example = "on-whatsapp")]
    pub tag: Field<String>,
}

impl ImportFoundBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
    ) -> Result<(Option<GroupId>, Vec<String>), Problems> {
        let group = check.id("groupId", &self.group_id, Need::May);
        let tag = check.given("tag", &self.tag, Need::May, "text");
        let tag = tag.and_then(|tag| check.also(|it| rules::noted(it, "tag", rules::tag(tag))));
        check.finish()?;
        Ok((group, tag.into_iter().collect()))
    }
}
