//! Probes, the provider's callback, and the document.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use msgflash_kernel::StoreError;
use msgflash_messaging::provider::ProviderEvent;
use serde_json::json;

use crate::services::MockProbe;
use crate::testing::samples::instance;
use crate::testing::{Fake, Running};

fn probe(works: bool) -> Arc<MockProbe> {
    let mut probe = MockProbe::new();
    probe.expect_name().return_const("database");
    probe.expect_check().returning(move || {
        if works {
            Ok(())
        } else {
            Err(StoreError::Unavailable("refused".into()))
        }
    });
    Arc::new(probe)
}

#[actix_web::test]
async fn ready_means_the_database_answers_and_nobody_shuts_down() {
    for (works, draining, status) in [(true, false, 200), (false, false, 503), (true, true, 503)] {
        let mut fake = Fake::bare();
        fake.probes = vec![probe(works)];
        if draining {
            fake.draining.cancel();
        }
        let running = Running::over(fake);
        let answer = running.call(TestRequest::get().uri("/readyz")).await;
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.json()["checks"]["database"],
            if works { "ok" } else { "failed" }
        );
        assert_eq!(answer.header("retry-after").is_some(), status == 503);
        assert!(!answer.text.contains("refused"));
        assert_eq!(
            running
                .call(TestRequest::get().uri("/healthz"))
                .await
                .status,
            200
        );
    }
}

#[actix_web::test]
async fn numbers_are_shown_without_asking_anybody() {
    // Every port of this server refuses to be asked.
    let answer = Running::over(Fake::bare())
        .call(TestRequest::get().uri("/metrics"))
        .await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
}

fn event() -> TestRequest {
    TestRequest::post()
        .uri("/provider/evolution/main")
        .insert_header(("authorization", "Bearer callback-secret"))
        .set_json(json!({ "event": "connection.update", "data": { "state": "open" } }))
}

/// A server that knows one session and stores what it gets, or fails to.
fn receiver(stored: Result<(), ()>) -> Running {
    let mut fake = Fake::bare();
    fake.instances
        .expect_find_by_session()
        .returning(|session| Ok((session == "main").then(instance)));
    fake.decoder.expect_decode().returning(|event, _| {
        if event == "connection.update" {
            ProviderEvent::Opened { number: None }
        } else {
            ProviderEvent::Ignored
        }
    });
    fake.inbox
        .expect_store()
        .returning(move |_| stored.map_err(|()| StoreError::Failed("disk full".into())));
    Running::over(fake)
}

#[actix_web::test]
async fn an_event_is_stored_and_answered() {
    let answer = receiver(Ok(())).call(event()).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
}

#[actix_web::test]
async fn what_a_repetition_cannot_mend_is_answered_with_200() {
    let running = receiver(Ok(()));
    let large = "a".repeat((8 << 20) + 1);
    for request in [
        event().uri("/provider/evolution/nobody"),
        event().set_json(json!({ "event": "chats.update", "data": [] })),
        event().set_payload("{"),
        event().set_json(json!({ "data": {} })),
        event().set_payload(large),
    ] {
        let answer = running.call(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    }
}

#[actix_web::test]
async fn a_payment_event_of_no_provider_is_not_even_read() {
    let running = Running::over(Fake::bare());
    let large = "a".repeat((1 << 20) + 1);
    for body in ["{}".to_owned(), large] {
        let call = TestRequest::post().uri("/api/payments/webhook");
        let answer = running.call(call.set_payload(body)).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()));
    }
}

#[actix_web::test]
async fn a_wrong_secret_is_401() {
    let running = receiver(Ok(()));
    for header in [
        "Bearer wrong",
        "Bearer ",
        "callback-secret",
        "Basic callback-secret",
    ] {
        let answer = running
            .call(event().insert_header(("authorization", header)))
            .await;
        assert_eq!(
            answer.refusal(),
            (401, "UNAUTHORIZED".to_owned()),
            "{header}"
        );
    }
}

#[actix_web::test]
async fn what_cannot_be_stored_is_503_whatever_the_reason() {
    let answer = receiver(Err(())).call(event()).await;
    assert_eq!(answer.refusal(), (503, "SERVICE_UNAVAILABLE".to_owned()));
    assert!(answer.header("retry-after").is_some());
}

#[actix_web::test]
async fn other_methods_are_405_everywhere() {
    let running = Running::over(Fake::bare());
    for (path, allow) in [
        ("/provider/evolution/main", "POST"),
        ("/healthz", "GET, HEAD"),
        ("/openapi.json", "GET"),
        ("/docs", "GET"),
    ] {
        let answer = running
            .call(TestRequest::with_uri(path).method(Method::PUT))
            .await;
        assert_eq!(
            answer.refusal(),
            (405, "METHOD_NOT_ALLOWED".to_owned()),
            "{path}"
        );
        assert_eq!(answer.header("allow"), Some(allow));
    }
}

#[actix_web::test]
async fn the_document_names_this_server_and_the_page_asks_nobody_else() {
    let running = Running::over(Fake::bare());
    let document = running
        .call(TestRequest::get().uri("/openapi.json"))
        .await
        .json();
    assert_eq!(document["servers"][0]["url"], "https://api.example.com");
    let moved = running.call(TestRequest::get().uri("/docs")).await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (308, Some("/docs/"))
    );
    let page = running.call(TestRequest::get().uri("/docs/")).await;
    assert_eq!(page.status, 200);
    let script = running
        .call(TestRequest::get().uri("/docs/swagger-initializer.js"))
        .await;
    assert!(script.text.contains("/openapi.json"));
    assert!(
        script.text.contains("\"validatorUrl\": \"none\""),
        "{}",
        script.text
    );
    for text in [page.text, script.text] {
        assert!(
            !text.contains("http://") && !text.contains("https://"),
            "{text}"
        );
    }
    let missing = running
        .call(TestRequest::get().uri("/docs/nothing.js"))
        .await;
    assert_eq!(missing.refusal(), (404, "NOT_FOUND".to_owned()));
}
