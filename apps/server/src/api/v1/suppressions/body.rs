//! What is asked of opt-out lists.

use msgflash_contacts::rules::noted;
use msgflash_contacts::suppression::{MOST_NUMBERS, OptOutChange, settings};
use msgflash_kernel::Problems;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// Numbers for the list: exactly one of `phone` and `phones`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewSuppressions)]
pub struct SuppressionsBody {
    /// One number, E.164 or as people write it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "+33698765432")]
    pub phone: Field<String>,
    /// 1 to 10,000 numbers. What is no possible number is told under `invalid`, and the others are taken.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 10_000,
        example = json!(["+33698765432", "+33698765433"]))]
    pub phones: Field<Vec<Value>>,
    /// Why, for people: up to 200 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 200, example = "Asked by phone")]
    pub reason: Field<String>,
}

impl SuppressionsBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
    ) -> Result<(Vec<String>, Option<String>), Problems> {
        let both = "Give exactly one of phone and phones";
        let numbers = match (self.phone.is_empty(), self.phones.is_empty()) {
            (true, true) => {
                check.refuse("phone", "required", both);
                Vec::new()
            }
            (false, false) => {
                check.refuse("phones", "not_allowed", both);
                Vec::new()
            }
            (false, true) => {
                let phone = check.phone("phone", &self.phone, Need::Must);
                phone.iter().map(ToString::to_string).collect()
            }
            (true, false) => {
                let given = check.given("phones", &self.phones, Need::Must, "an array");
                given.map_or_else(Vec::new, |given| {
                    check.phones("phones", given, MOST_NUMBERS)
                })
            }
        };
        let reason = check.given("reason", &self.reason, Need::May, "text");
        let reason = reason.filter(|it| !it.trim().is_empty());
        let reason =
            reason.and_then(|it| check.also(|all| noted(all, "reason", settings::reason(it))));
        check.finish()?;
        Ok((numbers, reason))
    }
}

/// What changes about stop words; at least one member. What is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OptOutSettingsChange)]
pub struct OptOutSettingsBody {
    /// Up to 50 words of 1 to 40 characters. A message that is one of them, whatever its letter case,
    /// accents and punctuation, puts its sender on the list.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 50, example = json!(["stop", "unsubscribe"]))]
    pub stop_words: Field<Vec<Value>>,
    /// What is answered then, 1 to 1024 characters; `null` answers nothing.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1024,
        example = "You will not hear from us any more.")]
    pub confirmation: Field<String>,
}

impl OptOutSettingsBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(&self, mut check: Check) -> Result<OptOutChange, Problems> {
        let words = check.given("stopWords", &self.stop_words, Need::May, "an array");
        let stop_words = words.map(|given| words_of(&mut check, given));
        let confirmation = if self.confirmation == Field::Null {
            Some(None)
        } else {
            let text = check.given("confirmation", &self.confirmation, Need::May, "text");
            let text = text.and_then(|it| {
                check.also(|all| noted(all, "confirmation", settings::confirmation(it)))
            });
            text.map(Some)
        };
        check.finish()?;
        Ok(OptOutChange {
            stop_words,
            confirmation,
        })
    }
}

fn words_of(check: &mut Check, given: &[Value]) -> Vec<String> {
    let mut words = Vec::with_capacity(given.len().min(settings::MAX_WORDS + 1));
    // One more than allowed is enough to refuse, however many follow.
    for (at, value) in given.iter().take(settings::MAX_WORDS + 1).enumerate() {
        match value.as_str() {
            Some(word) => words.push(word),
            None => check.refuse(format!("stopWords.{at}"), "invalid_type", "Must be text"),
        }
    }
    check.also(|all| settings::stop_words(all, "stopWords", &words))
}
