//! The hours in which a campaign sends, as they are written.

use msgflash_messaging::campaign::SendWindow;
use msgflash_messaging::campaign::window::{Day, Flaw};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// The longest name of a place on earth there is, and some more.
const MAX_ZONE: u64 = 64;
const TIME: &str = "Must be a time such as 09:00";

/// Hours on a wall clock: they follow the clock when it is changed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignWindow)]
pub struct WindowBody {
    /// When it opens, `HH:MM`.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "09:00")]
    pub start: Field<String>,
    /// When it closes, `HH:MM`. Before `start` it means on the next day.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "18:00")]
    pub end: Field<String>,
    /// Where that clock hangs, as in the tz database.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 64, example = "Europe/Paris")]
    pub timezone: Field<String>,
    /// The days on which it opens: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`. Left out, every day; one that
    /// comes twice counts once.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, example = json!(["mon", "tue", "wed", "thu", "fri"]))]
    pub days: Field<Vec<Value>>,
}

/// Reads the member `window`. What is missing does not keep the others from being looked at.
pub(super) fn window(check: &mut Check, written: &Field<Map<String, Value>>) -> Option<SendWindow> {
    let written = check.given("window", written, Need::May, "an object")?;
    let read = serde_json::from_value::<WindowBody>(Value::Object(written.clone()));
    // Its members take whatever is in them.
    let body = read.unwrap_or_default();
    let start = check.given("window.start", &body.start, Need::Must, "text");
    let end = check.given("window.end", &body.end, Need::Must, "text");
    let zone = check.text("window.timezone", &body.timezone, Need::Must, MAX_ZONE);
    let days = days(check, &body.days);
    let parsed = SendWindow::parse(
        start.map_or("00:00", String::as_str),
        end.map_or("12:00", String::as_str),
        zone.as_deref().unwrap_or("UTC"),
        days.as_deref().unwrap_or(&[1]),
    );
    let is_whole = start.is_some() && end.is_some() && zone.is_some() && days.is_some();
    match parsed {
        Ok(window) => is_whole.then_some(window),
        Err(flaws) => {
            for flaw in flaws {
                match flaw {
                    Flaw::Start => check.refuse("window.start", "invalid_time", TIME),
                    Flaw::End => check.refuse("window.end", "invalid_time", TIME),
                    Flaw::Empty if start.is_some() && end.is_some() => {
                        let message = "Must differ from start; without a window it is always open";
                        check.refuse("window.end", "out_of_range", message);
                    }
                    Flaw::Empty => {}
                    Flaw::Zone => {
                        let message = "Must be a name of the tz database such as Europe/Paris";
                        check.refuse("window.timezone", "invalid_timezone", message);
                    }
                    Flaw::Days => {
                        check.refuse("window.days", "length", "Give at least one day");
                    }
                }
            }
            None
        }
    }
}

/// The days of the week; all of them when none are named. `None` when one of them is none.
fn days(check: &mut Check, written: &Field<Vec<Value>>) -> Option<Vec<Day>> {
    let given = check.given("window.days", written, Need::May, "an array");
    let Some(given) = given else {
        return written.is_empty().then(|| (1..=7).collect());
    };
    let mut days = Vec::with_capacity(given.len());
    for (at, value) in given.iter().enumerate() {
        let day = value.as_str().map(|word| {
            let at = SendWindow::DAYS.iter().position(|it| *it == word);
            at.and_then(|at| Day::try_from(at + 1).ok())
        });
        let (code, message) = match day {
            Some(Some(day)) => {
                days.push(day);
                continue;
            }
            Some(None) => (
                "invalid_enum",
                format!("Must be one of {}", SendWindow::DAYS.join(", ")),
            ),
            None => ("invalid_type", "Must be text".to_owned()),
        };
        check.refuse(format!("window.days.{at}"), code, message);
    }
    (days.len() == given.len()).then_some(days)
}
