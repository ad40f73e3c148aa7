//! Agreements: what a subscription rests on, and what providers have to be told.

use msgflash_billing::{Agreement, BillingProvider, BillingQueue as _, Wish};
use msgflash_kernel::StoreError;
use time::Duration;

use super::books::{Books, account, later};
use crate::backup::file_of;
use crate::stage::{NOW, fresh};

#[tokio::test]
async fn every_wish_and_every_answer_is_read_back() {
    let books = Books::new().await;
    let charge = || Wish::Charge("pro".to_owned());
    let mut it = books.agreement("sub_1").await;
    for (wish, told) in [
        (charge(), charge()),
        (Wish::Stop, charge()),
        (charge(), Wish::Stop),
        (Wish::End, Wish::Stop),
    ] {
        (it.wish, it.told) = (wish, told);
        it.covered_at += Duration::DAY;
        it.customer = None;
        it.ended_at = Some(it.covered_at);
        books.save(&it).await;
        assert_eq!(books.standing().await.agreement.as_ref(), Some(&it));
    }
}

#[tokio::test]
async fn one_is_found_by_its_name_by_whoever_pays_for_it_alone() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    let mut old = books.agreement("sub_1").await;
    old.supersede();
    books.save(&old).await;
    let mut unit = books.unit().await;
    let store = unit.standings();
    let stripe = BillingProvider::Stripe;
    let found = store.agreement(books.account, stripe, "sub_1").await;
    assert_eq!(found.expect("read"), Some(old));
    for (account, provider, reference) in [
        (other, stripe, "sub_1"),
        (books.account, BillingProvider::Dodo, "sub_1"),
        (books.account, stripe, "sub_2"),
    ] {
        let found = store.agreement(account, provider, reference).await;
        assert_eq!(found.expect("read"), None);
    }
    assert_eq!(
        store
            .lock(books.account)
            .await
            .expect("locked")
            .and_then(|it| it.agreement),
        None
    );
}

#[tokio::test]
async fn a_subscription_rests_on_one_agreement() {
    let books = Books::new().await;
    let mut first = books.agreement("sub_1").await;
    books.save(&first).await;
    let second = books.agreement("sub_2").await;
    let mut unit = books.unit().await;
    let both = unit.standings().save_agreement(&second).await;
    assert!(both.is_err(), "two would charge");
    drop(unit);
    first.supersede();
    books.save(&first).await;
    books.save(&second).await;
    assert_eq!(books.standing().await.agreement, Some(second));
}

#[tokio::test]
async fn nobody_takes_over_the_agreement_of_somebody_else() {
    let books = Books::new().await;
    books.save(&books.agreement("sub_1").await).await;
    let other = account(&books.stage, "max@shop.test").await;
    let theirs = Agreement {
        id: fresh(),
        account: other,
        ..books.agreement("sub_1").await
    };
    let mut unit = books.unit().await;
    let refused = unit.standings().save_agreement(&theirs).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Stale("billing_agreements.reference"))
        ),
        "{refused:?}"
    );
}

/// The wish that a provider would be told of at this moment.
async fn claim(books: &Books, minutes: i64) -> Option<Agreement> {
    let (now, until) = (later(minutes), later(minutes + 2));
    let claimed = books.postgres().claim_untold(now, until).await;
    claimed.expect("looked up")
}

async fn wishing(books: &Books, wish: Wish) -> Agreement {
    let mut it = books.agreement("sub_1").await;
    it.wish = wish;
    books.save(&it).await;
    it
}

#[tokio::test]
async fn a_provider_is_told_what_it_was_not_told_yet() {
    let books = Books::new().await;
    let mut it = wishing(&books, Wish::Charge("pro".to_owned())).await;
    assert_eq!(claim(&books, 0).await, None, "it knows");
    it.wish = Wish::Stop;
    books.save(&it).await;
    assert_eq!(claim(&books, 0).await.as_ref(), Some(&it));
    let told = books.postgres().set_told(it.id, &Wish::Stop).await;
    told.expect("recorded");
    assert_eq!(claim(&books, 60).await, None);
    it.told = Wish::Stop;
    assert_eq!(books.standing().await.agreement, Some(it));
}

#[tokio::test]
async fn two_processes_tell_of_one_agreement_once_and_one_that_dies_is_taken_over() {
    let books = Books::new().await;
    wishing(&books, Wish::Stop).await;
    let (one, other) = (books.stage.pool(1), books.stage.pool(1));
    let until = later(2);
    let (one, other) = tokio::join!(one.claim_untold(NOW, until), other.claim_untold(NOW, until));
    let claims = [one, other].map(|it| it.expect("looked up"));
    assert_eq!(claims.iter().flatten().count(), 1);
    assert_eq!(claim(&books, 1).await, None);
    assert!(claim(&books, 2).await.is_some());
}

#[tokio::test]
async fn what_is_wished_while_somebody_tells_is_told_after_that() {
    let books = Books::new().await;
    let mut it = wishing(&books, Wish::Stop).await;
    let claimed = claim(&books, 0).await.expect("untold");
    it.wish = Wish::Charge("max".to_owned());
    books.save(&it).await;
    assert_eq!(claim(&books, 1).await, None, "one call at a time");
    let told = books.postgres().set_told(it.id, &claimed.wish).await;
    told.expect("recorded");
    let next = claim(&books, 1).await.expect("untold again");
    assert_eq!((next.wish, next.told), (it.wish, Wish::Stop));
}

#[tokio::test]
async fn a_wish_that_was_taken_back_while_somebody_told_of_it_is_told_again() {
    let books = Books::new().await;
    let mut it = wishing(&books, Wish::Stop).await;
    claim(&books, 0).await.expect("untold");
    it.wish = it.told.clone();
    books.save(&it).await;
    let told = books.postgres().set_told(it.id, &Wish::Stop).await;
    told.expect("recorded");
    let next = claim(&books, 0)
        .await
        .expect("the provider knows the other");
    assert_eq!(next.wish, it.wish);
    // A call that failed may have arrived all the same.
    books.save(&it).await;
    let put_off = books.postgres().put_off(it.id, later(5)).await;
    put_off.expect("put off");
    assert!(claim(&books, 5).await.is_some());
}

#[tokio::test]
async fn a_wish_that_was_taken_back_is_told_again_when_whoever_told_the_other_died() {
    let books = Books::new().await;
    let mut it = wishing(&books, Wish::Stop).await;
    claim(&books, 0).await.expect("untold");
    it.wish = it.told.clone();
    books.save(&it).await;
    assert_eq!(claim(&books, 1).await, None, "one call at a time");
    let next = claim(&books, 2).await.expect("nobody knows what it heard");
    assert_eq!(next.wish, it.wish);
}

#[tokio::test]
async fn one_that_could_not_be_told_waits_and_that_is_counted() {
    let books = Books::new().await;
    let it = wishing(&books, Wish::End).await;
    claim(&books, 0).await.expect("untold");
    let put_off = books.postgres().put_off(it.id, later(5)).await;
    put_off.expect("put off");
    assert_eq!(claim(&books, 4).await, None);
    assert!(claim(&books, 5).await.is_some());
    let failures = books
        .count("billing_agreements WHERE tell_failures = 1")
        .await;
    assert_eq!(failures, 1);
}

#[tokio::test]
async fn nobody_is_told_of_an_agreement_that_is_over() {
    let books = Books::new().await;
    let mut it = books.agreement("sub_1").await;
    it.wish = Wish::Stop;
    it.ended_at = Some(NOW);
    books.save(&it).await;
    assert_eq!(claim(&books, 60).await, None);
}

#[tokio::test]
async fn after_a_restore_providers_are_told_again_what_is_wished() {
    let books = Books::new().await;
    let it = wishing(&books, Wish::Charge("pro".to_owned())).await;
    let mut over = books.agreement("sub_0").await;
    over.supersede();
    over.ended_at = Some(NOW);
    books.save(&over).await;
    let file = file_of(books.stage.url()).await;
    let empty = msgflash_testkit::TestDatabase::empty().await;
    let restored = msgflash_postgres::restore(empty.url(), "1.2.3", &file[..], false).await;
    restored.expect("restored");
    let postgres = msgflash_postgres::Postgres::new(empty.url(), 2).expect("an address");
    let claim = async || {
        let claimed = postgres.claim_untold(NOW, later(2)).await;
        claimed.expect("looked up").map(|it| it.id)
    };
    assert_eq!([claim().await, claim().await], [Some(it.id), None]);
}
