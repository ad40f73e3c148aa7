//! Choices, and what each kind of them needs.

use serde_json::{Value, json};

use super::{Bench, button, least};
use crate::surface::with;

#[tokio::test(flavor = "multi_thread")]
async fn buttons_have_kinds_with_their_own_needs() {
    let bench = Bench::start().await;
    let good = [
        json!({ "type": "reply", "id": "yes" }),
        json!({ "type": null, "title": "reply" }),
        json!({ "type": "reply", "title": "reply" }),
        json!({ "type": "copy", "copyCode": "SPRING" }),
        json!({ "type": "url", "url": "https://example.com/a" }),
        json!({ "type": "call", "phoneNumber": "+33612345678" }),
        json!({ "type": "pix", "currency": "BRL", "name": "Ada", "keyType": "email", "key": "a@b.c" }),
    ];
    for members in good {
        bench.accepts(&members.to_string(), &button(&members)).await;
    }
    let bad: [(Value, &[&str]); 9] = [
        (json!({ "type": "reply", "id": null }), &["buttons.0.id"]),
        (json!({ "type": "copy" }), &["buttons.0.copyCode"]),
        (json!({ "type": "url" }), &["buttons.0.url"]),
        (json!({ "type": "url", "url": "/a" }), &["buttons.0.url"]),
        (
            json!({ "type": "call", "phoneNumber": "0612" }),
            &["buttons.0.phoneNumber"],
        ),
        (json!({ "type": "list" }), &["buttons.0.type"]),
        (json!({ "type": null }), &["buttons.0.type"]),
        (
            json!({ "type": "copy", "title": "url", "copyCode": "x" }),
            &["buttons.0.title"],
        ),
        (
            json!({ "type": "pix", "currency": "R$", "keyType": "iban" }),
            &[
                "buttons.0.currency",
                "buttons.0.name",
                "buttons.0.keyType",
                "buttons.0.key",
            ],
        ),
    ];
    for (members, fields) in bad {
        bench
            .refuses(&members.to_string(), &button(&members), fields)
            .await;
    }
    let one = json!({ "type": "reply", "displayText": "Yes", "id": "yes" });
    for count in [0, 3] {
        let body = with(
            least("buttons"),
            &json!({ "buttons": vec![one.clone(); count] }),
        );
        bench
            .refuses("a number of buttons", &body, &["buttons"])
            .await;
    }
    for (items, field) in [
        (json!(["yes"]), "buttons.0"),
        (json!([["reply"]]), "buttons.0"),
        (json!({}), "buttons"),
    ] {
        bench
            .refuses(
                "odd buttons",
                &with(least("buttons"), &json!({ "buttons": items })),
                &[field],
            )
            .await;
    }
}
