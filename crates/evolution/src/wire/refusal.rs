//! Error bodies of every shape, read into one.

use serde_json::Value;

use crate::verdict::is_about_the_database;

/// What an error body says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The operator must activate the installation first.
    Licence,
    /// The request did not fit the schema; each line names one mistake.
    Schema(String),
    /// The number is nobody's.
    NoWhatsApp,
    /// A text of the gateway.
    Text(String),
    /// A body that says nothing, or one that is not the gateway's.
    Mute,
}

impl Refusal {
    /// Reads an error body.
    pub(crate) fn of(body: Option<&Value>) -> Self {
        let Some(body) = body else { return Self::Mute };
        if body["code"] == "LICENSE_REQUIRED" {
            return Self::Licence;
        }
        // In this order: the normal shape, the number check's own, a raw socket error.
        let places = ["/response/message", "/message", "/output/payload/message"];
        let message = places.iter().find_map(|place| body.pointer(place));
        let first = match message {
            Some(Value::Array(list)) => list.first(),
            other => other,
        };
        match first {
            Some(Value::String(text)) => Self::Text(text.clone()),
            Some(Value::Array(lines)) => {
                let lines: Vec<_> = lines.iter().filter_map(Value::as_str).collect();
                Self::Schema(lines.join("; "))
            }
            Some(Value::Object(entry)) if entry.get("exists") == Some(&Value::Bool(false)) => {
                Self::NoWhatsApp
            }
            _ => Self::Mute,
        }
    }

    /// The text as written; empty for everything that has none.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Schema(text) => text,
            Self::Licence | Self::NoWhatsApp | Self::Mute => "",
        }
    }

    /// Whether it says that the session does not exist.
    pub(crate) fn is_unknown_session(&self) -> bool {
        let text = self.text();
        text.contains("instance does not exist")
            || (text.starts_with("Instance \"") && text.ends_with("not found"))
    }

    /// Whether an inner error object was turned into text, so that the cause is lost.
    pub(crate) fn is_opaque(&self) -> bool {
        self.text() == "[object Object]"
    }

    /// Whether the socket under a session is dead.
    pub(crate) fn is_dead_socket(&self) -> bool {
        self.text().to_lowercase().contains("connection closed")
    }

    /// The text as a log may show it: short, and without telephone numbers. What its database says
    /// repeats the statement, with the text of the message in it.
    pub(crate) fn for_log(&self, status: u16) -> String {
        let text = match self {
            Self::Licence => "licence required",
            Self::NoWhatsApp => "number not on WhatsApp",
            Self::Mute => "no reason given",
            Self::Text(text) | Self::Schema(text)
                if is_about_the_database(&text.to_lowercase()) =>
            {
                "its database failed"
            }
            Self::Text(text) | Self::Schema(text) => text,
        };
        format!("{status} {}", without_numbers(text))
    }
}

/// Hides runs of seven digits and more, and cuts to a length that a log line can bear.
fn without_numbers(text: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    for symbol in text.chars().take(300).chain(std::iter::once(' ')) {
        if symbol.is_ascii_digit() {
            run.push(symbol);
            continue;
        }
        if run.len() < 7 {
            shown.push_str(&run);
        } else {
            shown.push('…');
        }
        run.clear();
        shown.push(if symbol.is_control() { ' ' } else { symbol });
    }
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_shape() {
        let text = |text: &str| Refusal::Text(text.into());
        let shapes = [
            (
                json!({"response":{"message":"Unauthorized"}}),
                text("Unauthorized"),
            ),
            (
                json!({"response":{"message":["Text is required"]}}),
                text("Text is required"),
            ),
            (
                json!({"response":{"message":[["a","b"]]}}),
                Refusal::Schema("a; b".into()),
            ),
            (
                json!({"message":[["too short"]]}),
                Refusal::Schema("too short".into()),
            ),
            (
                json!({"response":{"message":[{"exists":false}]}}),
                Refusal::NoWhatsApp,
            ),
            (
                json!({"response":{"message":[{"exists":true}]}}),
                Refusal::Mute,
            ),
            (
                json!({"error":true,"message":"[object Object]"}),
                text("[object Object]"),
            ),
            (
                json!({"output":{"statusCode":428,"payload":{"message":"Connection Closed"}}}),
                text("Connection Closed"),
            ),
            (
                json!({"error":"service not activated","code":"LICENSE_REQUIRED","message":"x"}),
                Refusal::Licence,
            ),
            (json!({}), Refusal::Mute),
            (json!(null), Refusal::Mute),
            (json!([]), Refusal::Mute),
            (json!({"response":{"message":[]}}), Refusal::Mute),
            (json!("text"), Refusal::Mute),
        ];
        for (body, meaning) in shapes {
            assert_eq!(Refusal::of(Some(&body)), meaning, "{body}");
        }
        assert_eq!(Refusal::of(None), Refusal::Mute);
    }

    #[test]
    fn a_log_does_not_repeat_what_the_gateways_database_was_told() {
        let statement = "Invalid `this.prismaRepository.message.create()` invocation in\n\
            /evolution/dist/main.js:7:1\n\n{ data: { message: { conversation: \"see you at 8\" } } }";
        for told in [
            statement.to_owned(),
            format!("PrismaClientValidationError: \n{statement}"),
        ] {
            let shown = Refusal::Text(told).for_log(500);
            assert_eq!(shown, "500 its database failed");
        }
    }

    #[test]
    fn a_log_shows_no_numbers_and_no_novels() {
        let refusal = Refusal::Text(format!("no 5511987654321@lid in 12{}", "x".repeat(900)));
        let shown = refusal.for_log(400);
        assert!(shown.starts_with("400 no …@lid in 12x"), "{shown}");
        assert!(shown.len() < 320);
    }
}
