//! What is asked about plans.

use msgflash_kernel::Problems;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// Longer than the code of any plan.
const MAX_CODE: u64 = 64;

/// A plan to buy.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanPurchase)]
pub struct CheckoutBody {
    /// Its code.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 64, example = "max")]
    pub plan_code: Field<String>,
    /// The same under its other name: it may stand in place of `planCode`.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    pub plan: Field<String>,
}

impl CheckoutBody {
    /// The code, or everything that is wrong.
    pub(super) fn check(&self, check: Check) -> Result<String, Problems> {
        one_of(check, ("planCode", &self.plan_code), ("plan", &self.plan))
    }
}

/// A lower plan.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PlanDowngrade)]
pub struct DowngradeBody {
    /// Its code.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 64, example = "pro")]
    pub plan: Field<String>,
    /// The same under its other name: it may stand in place of `plan`.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    pub plan_code: Field<String>,
}

impl DowngradeBody {
    /// The code, or everything that is wrong.
    pub(super) fn check(&self, check: Check) -> Result<String, Problems> {
        one_of(check, ("plan", &self.plan), ("planCode", &self.plan_code))
    }
}

/// A member of a body, by its name.
type Named<'a> = (&'static str, &'a Field<String>);

/// What a body says under a name, or under the other one; under both only if it is the same.
fn one_of(mut check: Check, meant: Named<'_>, other: Named<'_>) -> Result<String, Problems> {
    let (is_meant, is_other) = (!meant.1.is_empty(), !other.1.is_empty());
    let need = |must: bool| if must { Need::Must } else { Need::May };
    let one = check.text(meant.0, meant.1, need(is_meant || !is_other), MAX_CODE);
    let two = check.text(other.0, other.1, need(is_other), MAX_CODE);
    if one.is_some() && two.is_some() && one != two {
        let message = format!("Give either {} or {}", meant.0, other.0);
        check.refuse("", "exactly_one", message);
    }
    check.finish()?;
    Ok(one.or(two).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bought(body: Value) -> Result<String, Vec<(String, &'static str)>> {
        let body: CheckoutBody = serde_json::from_value(body).expect("members are never refused");
        told(body.check(Check::default()))
    }

    fn lowered(body: Value) -> Result<String, Vec<(String, &'static str)>> {
        let body: DowngradeBody = serde_json::from_value(body).expect("members are never refused");
        told(body.check(Check::default()))
    }

    fn told(checked: Result<String, Problems>) -> Result<String, Vec<(String, &'static str)>> {
        checked.map_err(|them| them.0.into_iter().map(|it| (it.field, it.code)).collect())
    }

    #[test]
    fn both_names_are_known_to_both() {
        for body in [
            json!({ "plan": "pro" }),
            json!({ "planCode": "pro" }),
            json!({ "planCode": "pro", "plan": null }),
            json!({ "planCode": "pro", "plan": "pro", "more": 1 }),
        ] {
            assert_eq!(bought(body.clone()), Ok("pro".to_owned()), "{body}");
            assert_eq!(lowered(body.clone()), Ok("pro".to_owned()), "{body}");
        }
    }

    #[test]
    fn a_missing_plan_is_missed_under_the_name_that_is_meant() {
        for body in [json!({}), json!({ "plan": null, "planCode": null })] {
            let one = |name: &str| Err(vec![(name.to_owned(), "required")]);
            assert_eq!(bought(body.clone()), one("planCode"));
            assert_eq!(lowered(body), one("plan"));
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        for (body, expected) in [
            (json!({ "planCode": 7 }), vec![("planCode", "invalid_type")]),
            (json!({ "plan": " " }), vec![("plan", "too_short")]),
            (
                json!({ "planCode": "x".repeat(65), "plan": [] }),
                vec![("planCode", "too_long"), ("plan", "invalid_type")],
            ),
            (
                json!({ "planCode": "a\u{0}", "plan": "" }),
                vec![("planCode", "invalid_characters"), ("plan", "too_short")],
            ),
            (
                json!({ "planCode": "max", "plan": "pro" }),
                vec![("", "exactly_one")],
            ),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(field, code)| (field.to_owned(), code))
                .collect();
            assert_eq!(bought(body.clone()), Err(expected), "{body}");
        }
    }
}
