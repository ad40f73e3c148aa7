//! A team has a book of its own.

use blackbox::Stack;
use blackbox::book::{BULK_DELETE, CONTACTS, GROUPS, JOBS, each, members};
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_team_and_its_owner_have_books_of_their_own() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let (own, shared) = (&account.client, &team.client);
    // The same number, the same group: another book.
    let mine = own.contact("Lina", 33_698_765_432).await;
    let ours = shared.contact("Lina", 33_698_765_432).await;
    let (my_group, our_group) = (own.group("VIP").await, shared.group("VIP").await);
    shared.join(&our_group, &[&ours]).await;
    for (client, contact, group, count) in
        [(own, &mine, &my_group, 0), (shared, &ours, &our_group, 1)]
    {
        let page = client.page(CONTACTS).await;
        assert_eq!(
            each(std::slice::from_ref(&page), "contacts", "id"),
            [contact.as_str()]
        );
        assert_eq!(page["total"], 1);
        let page = client.page(GROUPS).await;
        assert_eq!(
            each(std::slice::from_ref(&page), "groups", "id"),
            [group.as_str()]
        );
        assert_eq!(
            client.page(&format!("{GROUPS}/{group}")).await["contactCount"],
            count
        );
    }
    let foreign = shared.get(&format!("{CONTACTS}/{mine}")).await;
    assert_eq!(foreign.outcome(), (404, "NOT_FOUND"));
    // What a team's key begins is the team's.
    let id = team.team.uuid();
    let all = stack.fill_book(id, account.user.uuid(), 700).await;
    let job = shared.begin(Method::POST, &members(&our_group), &all).await;
    let done = shared.wait_job(&job, "done").await;
    assert_eq!(
        done["summary"],
        json!({ "added": 700, "alreadyInGroup": 0, "notFound": 0 })
    );
    assert_eq!(
        own.get(&format!("{JOBS}/{job}")).await.outcome(),
        (404, "NOT_FOUND")
    );
    assert_eq!(own.page(JOBS).await["jobs"], json!([]));
    // Ids of the team's book, with the owner's own key.
    let none = own.begin(Method::POST, BULK_DELETE, &all).await;
    let done = own.wait_job(&none, "done").await;
    assert_eq!(done["summary"], json!({ "deleted": 0, "notFound": 700 }));
    assert_eq!(shared.page(CONTACTS).await["total"], 701);
}
