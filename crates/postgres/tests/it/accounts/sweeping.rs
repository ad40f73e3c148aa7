//! What signing in leaves behind goes when its time has come, and not before.

use msgflash_accounts::SignInStarts as _;
use msgflash_accounts::elsewhere::start::LIFE;
use time::Duration;

use super::people::{EMAIL, People, ip, order, secret};
use crate::stage::NOW;

async fn rows(people: &People) -> Vec<(&'static str, i64)> {
    let session = people.stage.session().await;
    let mut all = Vec::new();
    for (table, count) in [
        ("sessions", "SELECT count(*) FROM sessions"),
        ("one_time_tokens", "SELECT count(*) FROM one_time_tokens"),
        ("sign_in_tries", "SELECT count(*) FROM sign_in_tries"),
        ("sign_in_starts", "SELECT count(*) FROM sign_in_starts"),
        ("mails", "SELECT count(*) FROM mails"),
        ("signing_keys", "SELECT count(*) FROM signing_keys"),
    ] {
        let row = session.query_one(count, &[]).await.expect("read");
        all.push((table, row.get(0)));
    }
    all
}

#[tokio::test]
async fn a_sweep_takes_what_is_past_its_time() {
    let people = People::new().await;
    people.lea().await;
    let wrong = people
        .log_in()
        .log_in(EMAIL, secret("Wr0ng-horse"), ip())
        .await;
    assert!(wrong.is_err());
    people
        .request()
        .forgot_password(EMAIL, ip())
        .await
        .expect("taken");
    people.answer().tick().await.expect("answered");
    let started = people.stage.postgres.put(&[7; 32], NOW + LIFE).await;
    started.expect("remembered");
    let session = people.stage.session().await;
    session
        .batch_execute(
            "UPDATE mails SET sent_at = now(), next_try_at = NULL; \
             UPDATE signing_keys SET verifies_until = '2026-05-27 10:00Z'",
        )
        .await
        .expect("changed");
    let before = rows(&people).await;
    assert!(before.iter().all(|(_, count)| *count > 0), "{before:?}");

    people.stage.postgres.sweep(NOW).await.expect("swept");
    assert_eq!(rows(&people).await, before);

    // Ids tell their age by the machine's clock, which is not at the moment of the tests.
    let far = NOW + Duration::days(365 * 50);
    while people.stage.postgres.sweep(far).await.expect("swept") > 0 {}
    let after = rows(&people).await;
    assert!(after.iter().all(|(_, count)| *count == 0), "{after:?}");
}

#[tokio::test]
async fn mail_on_its_way_is_not_swept_and_late_mail_loses_its_links() {
    let people = People::new().await;
    let user = people.sign_up().sign_up(order(), ip()).await;
    user.expect("signed up");
    let soon = NOW + Duration::hours(12);
    people.stage.postgres.sweep(soon).await.expect("swept");
    let waiting = people.mailbox().await;
    assert!(waiting[0].mail.content.text.contains("token="));
    // Nobody sends any: there may be no server for mail.
    let late = NOW + Duration::days(2);
    people.stage.postgres.sweep(late).await.expect("swept");
    let given_up = people.mailbox().await;
    assert_eq!(given_up.len(), 1);
    assert!(given_up[0].failed_at.is_some() && given_up[0].error.is_some());
    let content = &given_up[0].mail.content;
    assert!(content.text.is_empty() && content.html.is_empty());
}

#[tokio::test]
async fn a_session_that_was_ended_is_forgotten_long_before_it_would_have_expired() {
    let people = People::new().await;
    people.lea().await;
    let session = people.stage.session().await;
    let end = "UPDATE sessions SET revoked_at = $1, revoked_for = 'logout'";
    session.execute(end, &[&NOW]).await.expect("ended");
    let left = async || rows(&people).await[0].1;
    let soon = NOW + Duration::hours(23);
    people.stage.postgres.sweep(soon).await.expect("swept");
    assert_eq!(left().await, 1);
    let late = NOW + Duration::hours(25);
    people.stage.postgres.sweep(late).await.expect("swept");
    assert_eq!(left().await, 0);
}
