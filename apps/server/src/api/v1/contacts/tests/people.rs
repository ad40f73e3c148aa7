//! Contacts one at a time, and lists of them.

use msgflash_contacts::list::Part;
use msgflash_contacts::query::ContactPlace;
use msgflash_contacts::temperature::Traces;
use msgflash_contacts::{Sort, Total};
use msgflash_kernel::Id;

use super::*;
use crate::testing::book::whole;
use crate::testing::samples::NOW;

const CONTACTS: &str = "/api/v1/contacts";

fn shown() -> Value {
    json!({
        "id": CONTACT, "name": "Lina Moreau", "phone": "+33698765432", "tags": ["wholesale"],
        "meta": { "city": "Lyon" }, "temperature": null,
        "createdAt": "2026-05-02T09:15:00.000Z", "updatedAt": "2026-05-02T09:15:00.000Z",
    })
}

#[actix_web::test]
async fn a_contact_is_shown_whole() {
    let answer = over(held()).get(&format!("{CONTACTS}/{CONTACT}")).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "data": shown() }))
    );
}

#[actix_web::test]
async fn a_list_echoes_its_sort_and_limit() {
    let mut fake = Fake::new();
    fake.book.reader.expect_page().returning(|_, query, part| {
        assert_eq!(query.sort, Sort::Name);
        assert_eq!(query.tags, ["a b", "vip"]);
        assert_eq!(
            query.search.as_ref().map(|it| it.terms()[0].as_str()),
            Some("elodie")
        );
        assert_eq!(query.group, Some(Id::parse(GROUP).unwrap()));
        assert_eq!((part.limit, part.count), (100, true));
        Ok(whole(vec![(
            contact(),
            Traces {
                heard_at: Some(NOW),
                sends: vec![],
            },
        )]))
    });
    fake.book
        .groups
        .expect_find()
        .returning(|_, _| Ok(Some(group())));
    let query =
        format!("limit=100&sort=name_asc&search=%20%C3%89lodie&tag=vip&tag=a+b&groupId={GROUP}");
    let answer = Running::over(fake)
        .get(&format!("{CONTACTS}?{query}"))
        .await;
    let mut warm = shown();
    warm["temperature"] = json!("warm");
    assert_eq!(
        answer.json()["data"],
        json!({
            "contacts": [warm], "total": 1, "totalIsExact": true, "limit": 100,
            "sort": "name_asc", "nextCursor": null, "hasMore": false,
        })
    );
}

#[actix_web::test]
async fn an_empty_page_may_go_on() {
    let mut fake = Fake::new();
    fake.book.reader.expect_page().returning(|_, query, part| {
        let after = Some(ContactPlace::Newest(Id::parse(CONTACT).unwrap()));
        if part.after == after {
            return Ok(Part::empty());
        }
        assert_eq!((query.sort, part.limit), (Sort::Newest, 50));
        Ok(Part {
            items: vec![],
            next: after,
            total: Some(Total::at_least(0)),
        })
    });
    let running = Running::over(fake);
    let first = running.get(&format!("{CONTACTS}?search=li")).await.json();
    let first = &first["data"];
    assert_eq!(
        (&first["contacts"], &first["hasMore"]),
        (&json!([]), &json!(true))
    );
    assert_eq!(
        (&first["total"], &first["totalIsExact"]),
        (&json!(0), &json!(false))
    );
    let cursor = first["nextCursor"].as_str().unwrap();
    let next = running
        .get(&format!("{CONTACTS}?search=li&cursor={cursor}"))
        .await;
    assert_eq!(next.json()["data"]["hasMore"], false);
    let other = running
        .get(&format!("{CONTACTS}?search=la&cursor={cursor}"))
        .await;
    assert_eq!(told(&other), ["cursor invalid_cursor"]);
    let other = running.get(&format!("{CONTACTS}?cursor={cursor}")).await;
    assert_eq!(told(&other), ["cursor invalid_cursor"]);
}

#[actix_web::test]
async fn all_problems_of_a_query_are_told_at_once() {
    let many: Vec<_> = (0..11).map(|n| format!("&tag={n}")).collect();
    let many = many.concat();
    let query = format!("limit=101&search=%20&sort=name&groupId=1&tag=%20{many}");
    let answer = over(held()).get(&format!("{CONTACTS}?{query}")).await;
    assert_eq!(answer.refusal(), refused(400, "VALIDATION_ERROR"));
    assert_eq!(
        told(&answer),
        [
            "limit out_of_range",
            "sort invalid_enum",
            "groupId invalid_uuid",
            "search too_short",
            "tag too_short",
            "tag length",
        ]
    );
}

#[actix_web::test]
async fn an_unknown_group_is_no_filter() {
    let answer = over(held())
        .get(&format!("{CONTACTS}?groupId={UNKNOWN}"))
        .await;
    assert_eq!(answer.refusal(), refused(404, "NOT_FOUND"));
}

#[actix_web::test]
async fn a_new_contact_is_cleaned_up_and_shown_whole() {
    let body = json!({
        "name": " Ada  ", "phone": "0033 (6) 12.34-56 78", "tags": ["vip", " vip", "VIP"],
        "meta": null, "more": 1,
    });
    let answer = over(held()).post(CONTACTS, &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let data = &answer.json()["data"];
    assert_eq!(
        (&data["name"], &data["phone"]),
        (&json!("Ada"), &json!("+33612345678"))
    );
    assert_eq!(
        (&data["tags"], &data["meta"]),
        (&json!(["vip", "VIP"]), &json!(null))
    );
    assert_eq!(data["createdAt"], "2026-05-20T12:00:00.000Z");
    assert_eq!(data.as_object().unwrap().len(), 8);
}

#[actix_web::test]
async fn all_problems_of_a_contact_are_told_at_once() {
    let running = over(held());
    let tags: Vec<_> = (0..51).map(|n| n.to_string()).collect();
    let mut odd: Vec<Value> = tags.iter().map(|it| json!(it)).collect();
    odd.extend([json!(7), json!(" "), json!("x".repeat(51)), json!(null)]);
    let long = json!({ "text": "x".repeat(16 * 1024) });
    for (body, expected) in [
        (json!({}), vec!["name required", "phone required"]),
        (
            json!({ "name": null, "phone": null, "tags": null, "meta": null }),
            vec!["name required", "phone required"],
        ),
        (
            json!({ "name": 1, "phone": 33_612_345_678_u64, "tags": "vip", "meta": [] }),
            vec![
                "name invalid_type",
                "phone invalid_type",
                "tags invalid_type",
                "meta invalid_type",
            ],
        ),
        (
            json!({ "name": " ", "phone": "0612345678", "tags": tags, "meta": long }),
            vec![
                "name too_short",
                "phone invalid_phone",
                "tags length",
                "meta too_long",
            ],
        ),
        (
            json!({ "name": "é".repeat(256), "phone": "", "tags": odd, "meta": { "a": "\0" } }),
            vec![
                "name too_long",
                "phone invalid_phone",
                "tags.51 invalid_type",
                "tags.52 too_short",
                "tags.53 too_long",
                "tags.54 invalid_type",
                "tags length",
                "meta invalid_characters",
            ],
        ),
    ] {
        let answer = running.post(CONTACTS, &body).await;
        assert_eq!(answer.refusal(), refused(400, "VALIDATION_ERROR"), "{body}");
        assert_eq!(told(&answer), expected, "{body}");
    }
}

#[actix_web::test]
async fn a_taken_number_is_a_conflict() {
    let running = over(held());
    let body = json!({ "name": "Ada", "phone": "+33 6 98 76 54 32" });
    let answer = running.post(CONTACTS, &body).await;
    assert_eq!(answer.refusal(), refused(409, "CONFLICT"));
    assert_eq!(answer.header("retry-after"), None, "waiting does not help");
}

#[actix_web::test]
async fn an_equal_request_gets_the_same_contact_again() {
    let running = over(held());
    let body = json!({ "name": "Ada", "phone": "+33612345678" });
    let request = |body: &Value| {
        let request = keyed(Method::POST, CONTACTS).insert_header(("idempotency-key", "ada"));
        running.call(request.set_json(body))
    };
    let first = request(&body).await;
    let again = request(&body).await;
    assert_eq!(
        (first.status, again.status, &again.text),
        (201, 201, &first.text)
    );
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = request(&json!({ "name": "Eve", "phone": "+33612345678" })).await;
    assert_eq!(other.refusal(), refused(409, "CONFLICT"));
}

#[actix_web::test]
async fn a_change_keeps_what_is_left_out_and_null_clears_free_fields() {
    let running = over(held());
    let path = format!("{CONTACTS}/{CONTACT}");
    let named = put(&running, &path, &json!({ "name": "Ada", "tags": null }))
        .await
        .json();
    let data = &named["data"];
    assert_eq!(
        (&data["name"], &data["phone"]),
        (&json!("Ada"), &json!("+33698765432"))
    );
    assert_eq!(
        (&data["tags"], &data["meta"]),
        (&json!(["wholesale"]), &json!({ "city": "Lyon" }))
    );
    assert_eq!(data["updatedAt"], "2026-05-20T12:00:00.000Z");
    let cleared = put(&running, &path, &json!({ "meta": null, "tags": [] }))
        .await
        .json();
    let data = &cleared["data"];
    assert_eq!((&data["tags"], &data["meta"]), (&json!([]), &json!(null)));
    let replaced = put(&running, &path, &json!({ "meta": { "zip": "69001" } }))
        .await
        .json();
    assert_eq!(replaced["data"]["meta"], json!({ "zip": "69001" }));
}

#[actix_web::test]
async fn a_change_of_nothing_or_to_nothing_is_refused() {
    let running = over(held());
    let path = format!("{CONTACTS}/{CONTACT}");
    for body in [json!({}), json!({ "name": null, "more": 1 })] {
        assert_eq!(
            told(&put(&running, &path, &body).await),
            [" empty"],
            "{body}"
        );
    }
    let wrong = json!({ "name": "", "phone": 1, "tags": [1], "meta": 1 });
    assert_eq!(
        told(&put(&running, &path, &wrong).await),
        [
            "name too_short",
            "phone invalid_type",
            "tags.0 invalid_type",
            "meta invalid_type"
        ]
    );
    let gone = format!("{CONTACTS}/{UNKNOWN}");
    let answer = put(&running, &gone, &wrong).await;
    assert_eq!(
        answer.refusal(),
        refused(400, "VALIDATION_ERROR"),
        "before it is looked for"
    );
}

#[actix_web::test]
async fn deleting_says_so() {
    let answer = delete(&over(held()), &format!("{CONTACTS}/{CONTACT}")).await;
    assert_eq!(answer.json(), json!({ "data": { "deleted": true } }));
}
