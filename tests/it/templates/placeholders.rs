//! What may stand between braces, and what it becomes.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_placeholder_is_refused_with_its_place() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let wrong = [
        ("{{firstname}}", "missing_namespace"),
        ("{{contact}}", "missing_namespace"),
        ("{{prenom}}", "missing_namespace"),
        ("{{order.id}}", "unknown_namespace"),
        ("{{Contact.name}}", "unknown_namespace"),
        ("{{}}", "empty_placeholder"),
        ("{{   }}", "empty_placeholder"),
        ("{{contact.name", "unclosed_placeholder"),
        ("{{", "unclosed_placeholder"),
        ("{{contact.name}", "unclosed_placeholder"),
        ("{{contact.name} and more", "unclosed_placeholder"),
        ("{{contact.first-name}}", "invalid_placeholder"),
        ("{{contact. name}}", "empty_name"),
        ("{{contact.first name}}", "invalid_placeholder"),
        ("{{contact.prénom}}", "invalid_placeholder"),
        ("{{#if contact.name}}", "invalid_placeholder"),
        ("{{contact.name|upper}}", "invalid_placeholder"),
        ("{{contact..name}}", "empty_name"),
        ("{{.name}}", "empty_name"),
        ("{{contact.}}", "empty_name"),
        ("{{{contact.name}}}", "too_many_braces"),
    ];
    for (body, code) in wrong {
        let template = text_template(&format!("One\ntwo {body}"));
        let reply = account.client.post(TEMPLATES, &template).await;
        assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"), "{body}");
        let told = &reply.json["error"]["details"][0];
        assert_eq!(
            (&told["field"], &told["code"]),
            (&json!("body"), &json!(code)),
            "{body}: {reply:?}"
        );
        let message = told["message"].as_str().expect("a message");
        assert!(message.starts_with("Line 2, character "), "{message}");
    }
    let kept = stack.count("SELECT count(*) FROM templates", &[]).await;
    assert_eq!(kept, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_twenty_different_placeholders_of_fifty_characters() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let many = |count: usize| {
        let each = (0..count).map(|at| format!("{{{{custom.v{at}}}}} {{{{custom.v0}}}}"));
        text_template(&each.collect::<Vec<_>>().join(" "))
    };
    let made = account.client.post(TEMPLATES, &many(20)).await;
    assert_eq!(made.data()["variables"].as_array().map(Vec::len), Some(20));
    let refused = account.client.post(TEMPLATES, &many(21)).await;
    assert_eq!(refused.outcome(), (400, "TEMPLATE_INVALID"));
    let long = |length: usize| {
        let key = "k".repeat(length - "custom.".len());
        text_template(&format!("{{{{ custom.{key} }}}}"))
    };
    assert_eq!(account.client.post(TEMPLATES, &long(50)).await.status, 201);
    let refused = account.client.post(TEMPLATES, &long(51)).await;
    assert_eq!(refused.outcome(), (400, "TEMPLATE_INVALID"));
}

/// A contact, an instance, and a way to see what a body becomes for them.
struct Bench {
    stack: Stack,
    account: Account,
    context: Value,
}

impl Bench {
    async fn start() -> Self {
        let stack = Stack::start().await;
        let account = stack.account("pro").await;
        let instance = account.connected(&stack).await.id.to_string();
        let contact = account
            .client
            .contact("Awa  Marie Diop", 33_612_345_678)
            .await;
        let meta = json!({
            "city": "Lyon", "points": 12500, "rate": 1.5, "vip": true, "out": false, "none": null,
            "empty": "", "sizes": ["S", 40, true, null], "address": { "zip": "69001", "geo": { "lat": 45.76 } },
            "lists": [[1]], "things": [{ "a": 1 }], "orders": [{ "total": 12 }], "trick": "{{custom.code}}",
        });
        enrich(&stack, &contact, &["vip", "shop"], &meta).await;
        let context = json!({
            "contactId": contact, "instanceId": instance,
            "variables": {
                "code": "SPRING", "amount": 1500, "big": 9_007_199_254_740_993_u64, "rate": -0.25,
                "yes": true, "no": false, "empty": "", "inner": "{{contact.name}}", "a_1": "ok",
            },
        });
        Self {
            stack,
            account,
            context,
        }
    }

    async fn becomes(&self, body: &str) -> Value {
        let id = make(&self.account.client, &text_template(body)).await;
        let reply = preview(&self.account.client, &id, &self.context).await;
        assert_eq!(reply.status, 200, "{body}: {reply:?}");
        reply.data().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_has_its_value() {
    let bench = Bench::start().await;
    let user = bench.account.user.uuid();
    let set = "UPDATE users SET full_name = 'Lea Roy', phone = '+33 1 02' WHERE id = $1";
    bench.stack.sql(set, &[&user]).await;
    let email = bench.account.client.get("/api/v1/me").await.data()["email"].clone();
    for (path, value) in [
        ("contact.name", "Awa  Marie Diop"),
        ("contact.firstName", "Awa"),
        ("contact.phone", "+33612345678"),
        ("contact.tags", "vip, shop"),
        ("contact.meta.city", "Lyon"),
        ("contact.meta.points", "12500"),
        ("contact.meta.rate", "1.5"),
        ("contact.meta.vip", "true"),
        ("contact.meta.out", "false"),
        ("contact.meta.empty", ""),
        ("contact.meta.sizes", "S, 40, true"),
        ("contact.meta.address.zip", "69001"),
        ("contact.meta.address.geo.lat", "45.76"),
        ("contact.meta.orders.0.total", "12"),
        ("user.fullName", "Lea Roy"),
        ("user.email", email.as_str().expect("an address")),
        ("user.phone", "+33 1 02"),
        ("instance.name", "Shop"),
        ("instance.waNumber", "+33611112222"),
        ("custom.code", "SPRING"),
        ("custom.amount", "1500"),
        ("custom.big", "9007199254740993"),
        ("custom.rate", "-0.25"),
        ("custom.yes", "true"),
        ("custom.no", "false"),
        ("custom.empty", ""),
        ("custom.a_1", "ok"),
    ] {
        let shown = bench.becomes(&format!("<{{{{\t{path} }}}}>")).await;
        assert_eq!(
            shown,
            json!({
                "rendered": format!("<{value}>"), "variables": [path], "missingVariables": [],
                "valid": true,
            })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_value_is_missing_and_stays_as_it_is_written() {
    let bench = Bench::start().await;
    for path in [
        "contact.nickname",
        "contact.meta.nothing",
        "contact.meta.none",
        "contact.meta.address",
        "contact.meta.lists",
        "contact.meta.things",
        "contact.meta.city.more",
        "contact.meta.orders.1.total",
        "user.password",
        "user.phone",
        "instance.session",
        "custom.nothing",
        "custom.CODE",
        "custom.code.more",
    ] {
        let body = format!("A {{{{ {path}  }}}} {{{{custom.code}}}}");
        let shown = bench.becomes(&body).await;
        assert_eq!(
            shown,
            json!({
                "rendered": format!("A {{{{ {path}  }}}} SPRING"), "variables": [path, "custom.code"],
                "missingVariables": [path], "valid": false,
            })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_text_and_never_read_again() {
    let bench = Bench::start().await;
    for (body, rendered) in [
        ("{{custom.inner}}", "{{contact.name}}"),
        ("{{contact.meta.trick}}!", "{{custom.code}}!"),
        ("{{custom.code}}{{custom.code}}", "SPRINGSPRING"),
        ("{ {{custom.code}} } }} {", "{ SPRING } }} {"),
        (
            "*{{custom.code}}*\n\t😀 {{custom.code}}",
            "*SPRING*\n\t😀 SPRING",
        ),
    ] {
        assert_eq!(bench.becomes(body).await["rendered"], rendered, "{body}");
    }
}
