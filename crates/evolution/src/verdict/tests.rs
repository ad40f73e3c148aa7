use serde_json::{Value, json};

use super::*;

fn judged(status: u16, message: &Value, is_media: bool) -> &'static str {
    let body = json!({ "status": status, "response": { "message": message } });
    name(&of_send(
        &Answer {
            status,
            body: Some(body),
        },
        is_media,
    ))
}

fn name(verdict: &Result<Accepted, SendFailure>) -> &'static str {
    match verdict {
        Ok(Accepted {
            key_id: Some(_), ..
        }) => "sent",
        Ok(Accepted { key_id: None, .. }) => "sent without id",
        Err(SendFailure::GatewayDown(_)) => "gateway down",
        Err(SendFailure::NotConnected(_)) => "not connected",
        Err(SendFailure::Transient(_)) => "transient",
        Err(SendFailure::NoWhatsApp) => "no whatsapp",
        Err(SendFailure::Refused(_)) => "refused",
        Err(SendFailure::Unknown(_)) => "unknown",
    }
}

#[test]
fn the_text_decides() {
    let table = [
        (400, json!(["Error: Connection Closed"]), "not connected"),
        (500, json!("Connection Closed"), "not connected"),
        (500, json!("Timed Out"), "not connected"),
        (400, json!(["Error: Timed Out"]), "unknown"),
        (
            400,
            json!(["Error: Media upload failed on all hosts"]),
            "transient",
        ),
        (400, json!(["Error"]), "unknown"),
        (400, json!(["TypeError: x is not a function"]), "unknown"),
        (400, json!(["Error: rate-overlimit"]), "unknown"),
        (
            400,
            json!([
                "PrismaClientKnownRequestError: \nInvalid `this.prismaRepository.message.create()` invocation"
            ]),
            "sent without id",
        ),
        (
            400,
            json!(["Error: \nCan't reach database server at `db:5432`"]),
            "sent without id",
        ),
        (
            500,
            json!("PrismaClientInitializationError: Can't reach database server"),
            "unknown",
        ),
        (400, json!(["[object Object]"]), "refused"),
        (400, json!(["Text is required"]), "refused"),
        (
            400,
            json!([["instance requires property \"text\""]]),
            "refused",
        ),
        (
            400,
            json!([{ "jid": "1@s.whatsapp.net", "exists": false, "number": "1" }]),
            "no whatsapp",
        ),
        (400, json!([]), "unknown"),
        (
            500,
            json!("Cannot read properties of undefined (reading 'textMessage')"),
            "not connected",
        ),
        (
            500,
            json!("Cannot read properties of undefined (reading 'buttonMessage')"),
            "not connected",
        ),
        (
            500,
            json!("Cannot read properties of undefined (reading 'statusMessage')"),
            "not connected",
        ),
        (
            500,
            json!("Cannot read properties of undefined (reading 'onWhatsApp')"),
            "not connected",
        ),
        (
            500,
            json!("Cannot read properties of undefined (reading 'length')"),
            "unknown",
        ),
        (
            500,
            json!("Cannot read properties of undefined (reading 'textMessageId')"),
            "unknown",
        ),
        (
            404,
            json!(["The \"ghost\" instance does not exist"]),
            "not connected",
        ),
        (
            404,
            json!(["Cannot POST /message/sendText/x"]),
            "gateway down",
        ),
        (401, json!("Unauthorized"), "gateway down"),
        (413, json!("request entity too large"), "refused"),
        (302, json!(null), "gateway down"),
        (303, json!(null), "unknown"),
        (502, json!(null), "unknown"),
        (503, json!(null), "gateway down"),
        (504, json!(null), "unknown"),
    ];
    for (status, message, verdict) in table {
        assert_eq!(
            judged(status, &message, false),
            verdict,
            "{status} {message}"
        );
    }
}

#[test]
fn trouble_with_a_file_is_from_before_the_send() {
    let table = [
        (
            500,
            json!(["Error: getaddrinfo ENOTFOUND example.test"]),
            "transient",
        ),
        (
            500,
            json!(["AxiosError: Request failed with status code 404"]),
            "transient",
        ),
        (
            500,
            json!(["Error: Input buffer contains unsupported image format"]),
            "transient",
        ),
        (
            500,
            json!(["TypeError: Cannot read properties of undefined (reading 'waUploadToServer')"]),
            "not connected",
        ),
        (500, json!("Connection Closed"), "not connected"),
        (500, json!("PrismaClientInitializationError: x"), "unknown"),
        (500, json!([]), "unknown"),
    ];
    for (status, message, verdict) in table {
        assert_eq!(
            judged(status, &message, true),
            verdict,
            "{status} {message}"
        );
    }
}

#[test]
fn an_answer_that_is_not_the_gateways_proves_little() {
    let of = |status| name(&of_send(&Answer { status, body: None }, true));
    assert_eq!([200, 201, 400, 500, 502].map(of), ["unknown"; 5]);
    assert_eq!([503, 404, 301].map(of), ["gateway down"; 3]);
}

#[test]
fn a_missing_licence_is_told_apart() {
    let body = Some(json!({ "error": "service not activated", "code": "LICENSE_REQUIRED" }));
    let answer = Answer { status: 503, body };
    assert_eq!(of_call(&answer), ProviderError::LicenceRequired);
    let text = "503 licence required".to_owned();
    assert_eq!(of_send(&answer, false), Err(SendFailure::GatewayDown(text)));
    assert_eq!(
        of_call(&Answer {
            status: 503,
            body: None
        }),
        ProviderError::Unavailable
    );
}

#[test]
fn users_never_see_the_gateways_words() {
    let body = Some(json!({ "response": { "message": ["secret path /evolution/src"] } }));
    let error = of_call(&Answer { status: 500, body });
    assert_eq!(error.to_string(), "Provider error");
}
