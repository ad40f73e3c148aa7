//! What goes back over HTTP, and the gateway's several ways of saying no.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

/// One HTTP answer of the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    body: Vec<u8>,
    is_doubled: bool,
}

/// An answer, where `Err` is a refusal. Both travel the same way; `?` leaves early.
pub(crate) type Reply = Result<Answer, Answer>;

impl Answer {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            body: serde_json::to_vec(body).unwrap_or_default(),
            is_doubled: false,
        }
    }

    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(200, body)
    }

    /// An answer whose JSON is already written.
    pub(crate) fn raw(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            body: body.to_vec(),
            is_doubled: false,
        }
    }

    /// No answer at all: the connection is cut.
    pub(crate) const fn cut() -> Self {
        Self {
            status: 0,
            body: Vec::new(),
            is_doubled: false,
        }
    }

    /// The same answer, given twice.
    pub(crate) fn doubled(self) -> Self {
        Self {
            is_doubled: true,
            ..self
        }
    }

    /// What goes over the wire when it is given twice: as if two requests had been asked.
    pub(crate) fn twice(&self) -> Option<Vec<u8>> {
        if !self.is_doubled {
            return None;
        }
        let head = format!(
            "HTTP/1.1 {} X\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            self.status,
            self.body.len()
        );
        let one = [head.as_bytes(), &self.body].concat();
        Some(one.repeat(2))
    }

    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn into_response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY);
        HttpResponse::build(status)
            .insert_header(("X-Powered-By", "Express"))
            .insert_header(("Vary", "Origin, Accept-Encoding"))
            .insert_header(("Access-Control-Allow-Credentials", "true"))
            .content_type("application/json; charset=utf-8")
            .body(self.body)
    }
}

/// What a proxy, a crash or another version may say with 201: a page, half an answer, an answer without
/// an id or with one of another kind, nothing, and bytes that are no text.
pub(crate) const GARBAGE: &[&[u8]] = &[
    b"<!DOCTYPE html><html><body>Welcome to nginx!</body></html>",
    br#"{"key":{"remoteJid":"33612345678@s.whatsapp.net","fromMe":true,"id":"3EB0"#,
    br#"{"key":{"remoteJid":"33612345678@s.whatsapp.net","fromMe":true}}"#,
    br#"{"key":{"remoteJid":null,"fromMe":"yes","id":17}}"#,
    br#"{"key":{"remoteJid":"","fromMe":true,"id":""}}"#,
    br#"[{"key":[]}]"#,
    b"null",
    b"",
    b"\xff\xfe{\x00\"\xc3\x28",
];

/// 201 with such a body.
pub(crate) fn garbage(body: &[u8]) -> Answer {
    Answer::raw(201, body)
}

#[derive(Serialize)]
struct Refusal<'a> {
    status: u16,
    error: &'a str,
    response: Message,
}

#[derive(Serialize)]
struct Message {
    message: Value,
}

fn refusal(status: u16, error: &str, message: Value) -> Answer {
    Answer::json(
        status,
        &Refusal {
            status,
            error,
            response: Message { message },
        },
    )
}

/// 400 with one sentence.
pub(crate) fn bad_request(text: &str) -> Answer {
    refusal(400, "Bad Request", json!([text]))
}

/// 400 with an object instead of a sentence.
pub(crate) fn bad_request_object(object: &Value) -> Answer {
    refusal(400, "Bad Request", json!([object]))
}

/// 400 from the schema check: an array inside the array.
pub(crate) fn invalid(problems: &[String]) -> Answer {
    refusal(400, "Bad Request", json!([problems]))
}

/// The body was no JSON; the gateway calls that its own error.
pub(crate) fn malformed(text: &str) -> Answer {
    refusal(400, "Internal Server Error", json!(text))
}

pub(crate) fn unauthorized() -> Answer {
    refusal(401, "Unauthorized", json!("Unauthorized"))
}

pub(crate) fn forbidden(text: &str) -> Answer {
    refusal(403, "Forbidden", json!([text]))
}

pub(crate) fn not_found(text: &str) -> Answer {
    refusal(404, "Not Found", json!([text]))
}

pub(crate) fn no_instance(name: &str) -> Answer {
    not_found(&format!("The \"{name}\" instance does not exist"))
}

/// An exception nobody caught: 500 with the bare text.
pub(crate) fn crashed(text: &str) -> Answer {
    refusal(500, "Internal Server Error", json!(text))
}

/// 500 the gateway raised itself: the text in an array.
pub(crate) fn internal(text: &str) -> Answer {
    refusal(500, "Internal Server Error", json!([text]))
}

/// `connect` and `restart` fail with 200.
pub(crate) fn failed_ok() -> Answer {
    Answer::ok(&json!({ "error": true, "message": "[object Object]" }))
}

/// The 2.4 answer to everything until an operator activates the installation.
pub(crate) fn licence_required() -> Answer {
    Answer::json(
        503,
        &json!({
            "error": "service not activated",
            "code": "LICENSE_REQUIRED",
            "register_url": "http://gateway.example.test/license/register",
            "instance_id": "00000000-0000-4000-8000-000000000000",
            "docs_url": "https://doc.evolution-api.com",
            "message": "Service not activated. Register this installation to use it.",
        }),
    )
}
