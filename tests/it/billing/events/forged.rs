//! Calls that nobody can prove, or that are about nobody here, change nothing.

use blackbox::calendar::{in_days, now};
use blackbox::till::{Event, Period, Sale, WEBHOOK};
use blackbox::{Brand, Person};
use serde_json::json;

use crate::billing::{Shop, held, payments};

const MINUTE: f64 = 1.0 / 24.0 / 60.0;
/// As long as another one, so that nothing but the key is wrong.
const WRONG: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Somebody who paid, before anybody has told.
async fn unheard(brand: Brand) -> (Shop, Person, Sale) {
    let shop = Shop::at(brand).await;
    let person = shop.visitor().await;
    let sale = shop.pays(&person, "pro").await;
    (shop, person, sale)
}

fn first(sale: &Sale) -> Vec<Event> {
    sale.paid(1, Period::days(0.0, 30.0), now())
}

async fn assert_nothing_happened(shop: &Shop, person: &Person) {
    assert_eq!(held(&person.console).await["plan"]["code"], "free");
    assert!(payments(&person.console).await.is_empty());
    for table in ["billing_events", "billing_agreements"] {
        assert_eq!(shop.stored(table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_signed_by_somebody_else_is_refused() {
    for brand in Brand::ALL {
        let (shop, person, sale) = unheard(brand).await;
        let server = shop.stack.anonymous();
        for event in first(&sale) {
            let refused = event.tell_signed(&server, WRONG, now()).await;
            assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"), "{}", event.id);
        }
        assert_nothing_happened(&shop, &person).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_changed_on_its_way_is_refused() {
    for brand in Brand::ALL {
        let (shop, person, sale) = unheard(brand).await;
        let server = shop.stack.anonymous();
        for event in first(&sale) {
            let signed = event.signed(&server, brand.secret(), now());
            let mut body = event.body.clone();
            body["more"] = json!(1);
            let refused = signed.post(WEBHOOK, &body).await;
            assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"), "{}", event.id);
        }
        assert_nothing_happened(&shop, &person).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_signed_too_long_ago_or_too_early_is_refused() {
    for brand in Brand::ALL {
        let (shop, person, sale) = unheard(brand).await;
        let server = shop.stack.anonymous();
        for event in first(&sale) {
            for minutes in [-6.0, 6.0] {
                let at = in_days(minutes * MINUTE);
                let refused = event.tell_signed(&server, brand.secret(), at).await;
                assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"), "{minutes}");
            }
        }
        assert_nothing_happened(&shop, &person).await;
        // What was refused as stale is taken when it is told anew.
        shop.tells(&first(&sale)).await;
        assert_eq!(held(&person.console).await["plan"]["code"], "pro");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_no_provider_finds_nobody() {
    let (shop, person, sale) = unheard(Brand::Dodo).await;
    let server = shop.stack.anonymous();
    let unsigned = server.post(WEBHOOK, &first(&sale)[0].body).await;
    assert_eq!(unsigned.outcome(), (404, "NOT_FOUND"));
    // Nobody here has a key of the other provider.
    let other = Event::new(Brand::Stripe, "evt_1", json!({ "type": "invoice.paid" }));
    let refused = other.tell(&server).await;
    assert_eq!(refused.outcome(), (404, "NOT_FOUND"));
    assert_nothing_happened(&shop, &person).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_and_makes_no_sense_is_refused() {
    for brand in Brand::ALL {
        let (shop, person, _) = unheard(brand).await;
        for body in [json!([]), json!({}), json!({ "type": 7, "id": "evt_1" })] {
            let event = Event::new(brand, "evt_1", body);
            let refused = event.tell(&shop.stack.anonymous()).await;
            assert_eq!(refused.outcome(), (400, "BAD_REQUEST"), "{}", event.body);
        }
        assert_nothing_happened(&shop, &person).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_somebody_else_is_heard_and_left_alone() {
    for brand in Brand::ALL {
        let (shop, person, mut sale) = unheard(brand).await;
        // Something else that is sold through the same account of the provider.
        sale.metadata = json!({ "shop": "another" });
        shop.tells(&first(&sale)).await;
        let nobody = "0197b3c0-1111-7000-8000-00000000dead";
        sale.metadata = json!({ "msgflash_account": nobody, "msgflash_plan": "pro" });
        shop.tells(&sale.paid(2, Period::days(0.0, 30.0), now()))
            .await;
        assert_nothing_happened(&shop, &person).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_knows_is_heard_and_left_alone() {
    for brand in Brand::ALL {
        let (shop, person, sale) = unheard(brand).await;
        let mut event = first(&sale).remove(0);
        event.body["type"] = json!("something.new");
        shop.tells(&[event]).await;
        assert_nothing_happened(&shop, &person).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_too_long_is_not_read() {
    for brand in Brand::ALL {
        let (shop, person, _) = unheard(brand).await;
        let long = json!({ "id": "evt_1", "type": "x".repeat(1024 * 1024) });
        let event = Event::new(brand, "evt_1", long);
        let refused = event.tell(&shop.stack.anonymous()).await;
        assert_eq!(refused.outcome(), (413, "PAYLOAD_TOO_LARGE"), "{brand:?}");
        assert_nothing_happened(&shop, &person).await;
    }
}
