//! Groups and who is in them.

use msgflash_contacts::Member;
use time::macros::datetime;

use super::*;
use crate::testing::book::whole;

const GROUPS: &str = "/api/v1/contacts/groups";

fn shown() -> Value {
    json!({
        "id": GROUP, "name": "Wholesale", "description": null, "color": "#1A7F5A",
        "contactCount": 1, "createdAt": "2026-05-02T09:15:00.000Z",
        "updatedAt": "2026-05-02T09:15:00.000Z",
    })
}

#[actix_web::test]
async fn groups_are_listed_read_and_named_by_their_contacts() {
    let mut fake = book(held());
    fake.book.groups.expect_page().returning(|_, search, part| {
        assert!(search.is_none() && part.limit == 50);
        Ok(whole(vec![group()]))
    });
    let running = Running::over(fake);
    assert_eq!(
        running.get(GROUPS).await.json()["data"],
        json!({
            "groups": [shown()], "total": 1, "totalIsExact": true, "limit": 50,
            "nextCursor": null, "hasMore": false,
        })
    );
    let one = running.get(&format!("{GROUPS}/{GROUP}")).await;
    assert_eq!(one.json()["data"], shown());
    let of_contact = running
        .get(&format!("/api/v1/contacts/{CONTACT}/groups"))
        .await;
    assert_eq!(
        of_contact.json()["data"],
        json!({ "groups": [{ "id": GROUP, "name": "Wholesale", "color": "#1A7F5A" }] })
    );
}

#[actix_web::test]
async fn members_are_listed_with_the_time_they_were_added() {
    let mut fake = book(held());
    fake.book
        .groups
        .expect_members()
        .returning(|_, _, search, part| {
            assert_eq!(
                search.map(|it| it.terms().to_vec()),
                Some(vec!["lina".into()])
            );
            assert_eq!(part.limit, 2);
            let added_at = datetime!(2026-05-03 10:00:00.25 UTC);
            Ok(whole(vec![Member {
                contact: contact(),
                added_at,
            }]))
        });
    let running = Running::over(fake);
    let path = format!("{GROUPS}/{GROUP}/members");
    assert_eq!(
        running
            .get(&format!("{path}?limit=2&search=Lina"))
            .await
            .json()["data"],
        json!({
            "contacts": [{
                "id": CONTACT, "name": "Lina Moreau", "phone": "+33698765432",
                "tags": ["wholesale"], "addedAt": "2026-05-03T10:00:00.250Z",
            }],
            "total": 1, "totalIsExact": true, "limit": 2, "nextCursor": null, "hasMore": false,
        })
    );
    let wrong = running
        .get(&format!("{path}?limit=0&search=%20&cursor=x"))
        .await;
    assert_eq!(told(&wrong), ["limit out_of_range", "search too_short"]);
    let wrong = running.get(&format!("{path}?cursor=x")).await;
    assert_eq!(told(&wrong), ["cursor invalid_cursor"]);
}

#[actix_web::test]
async fn a_new_group_has_no_members() {
    let body = json!({ "name": " VIP ", "description": " Best\nbuyers ", "color": "#abcDEF" });
    let answer = over(held()).post(GROUPS, &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let data = &answer.json()["data"];
    assert_eq!(
        (&data["name"], &data["contactCount"]),
        (&json!("VIP"), &json!(0))
    );
    assert_eq!(
        (&data["description"], &data["color"]),
        (&json!("Best\nbuyers"), &json!("#abcDEF"))
    );
}

#[actix_web::test]
async fn all_problems_of_a_group_are_told_at_once() {
    let running = over(held());
    for (body, expected) in [
        (json!({ "color": null }), vec!["name required"]),
        (
            json!({ "name": [], "description": 1, "color": 2 }),
            vec![
                "name invalid_type",
                "description invalid_type",
                "color invalid_type",
            ],
        ),
        (
            json!({ "name": "x".repeat(101), "description": "x".repeat(256), "color": "red" }),
            vec![
                "name too_long",
                "description too_long",
                "color invalid_color",
            ],
        ),
    ] {
        let answer = running.post(GROUPS, &body).await;
        assert_eq!(told(&answer), expected, "{body}");
    }
}

#[actix_web::test]
async fn the_plan_bounds_groups_and_a_name_is_there_once() {
    let mut fake = book(held());
    let mut plan = entitlement();
    plan.plan.limits.max_contact_groups = Some(1);
    fake.holds(plan);
    // The limit comes before the name.
    let answer = Running::over(fake)
        .post(GROUPS, &json!({ "name": "wholesale" }))
        .await;
    assert_eq!(answer.refusal(), refused(403, "MAX_CONTACT_GROUPS_REACHED"));
    let answer = over(held())
        .post(GROUPS, &json!({ "name": "WHOLESALE" }))
        .await;
    assert_eq!(answer.refusal(), refused(409, "CONFLICT"));
}

#[actix_web::test]
async fn null_clears_what_a_group_may_lack() {
    let running = over(held());
    let path = format!("{GROUPS}/{GROUP}");
    let cleared = put(
        &running,
        &path,
        &json!({ "description": null, "color": null }),
    )
    .await;
    let data = &cleared.json()["data"];
    assert_eq!(
        (&data["name"], &data["color"]),
        (&json!("Wholesale"), &json!(null))
    );
    let changed = put(&running, &path, &json!({ "description": "New" })).await;
    let data = &changed.json()["data"];
    assert_eq!(
        (&data["description"], &data["color"]),
        (&json!("New"), &json!("#1A7F5A"))
    );
    assert_eq!(
        told(&put(&running, &path, &json!({ "name": null })).await),
        [" empty"]
    );
    let deleted = delete(&running, &path).await;
    assert_eq!(deleted.json(), json!({ "data": { "deleted": true } }));
}
