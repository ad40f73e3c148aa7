//! Several callers at once.

use futures_util::future::join_all;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_at_once_make_as_many_groups_as_the_plan_allows() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    // The plan counts all workspaces of the account.
    let team = Workspace::team(fresh(), book.workspace.owner());
    let books = [book.clone(), Book::of(&stage.postgres, team)];
    let made = (0..20).map(|at: usize| {
        let book = books[at % 2].clone();
        tokio::spawn(async move { book.try_group(&format!("Group {at}"), Some(10)).await })
    });
    let made: Vec<_> = join_all(made).await;
    let (mut kept, mut refused) = (0, 0);
    for one in made {
        match one.expect("no panic") {
            Ok(_) => kept += 1,
            Err(ContactError::TooManyGroups) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((kept, refused), (10, 10));
    for book in &books {
        require_exact(&stage, book).await;
    }
}

#[tokio::test]
async fn whoever_knows_of_no_cap_has_the_one_of_the_plan_that_holds() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    stage.everybody_on("max").await;
    for at in 0..11 {
        book.group(&format!("Group {at}")).await;
    }
    // More than it allows: those stay, and there is no new one.
    stage.everybody_on("free").await;
    let refused = book.try_group("Another", None).await;
    let full = matches!(refused, Err(ContactError::TooManyGroups));
    assert!(full, "{refused:?}");
    let session = stage.session().await;
    let groups = "SELECT count(*) FROM contact_groups";
    let groups = session.query_one(groups, &[]).await.expect("a count");
    assert_eq!(groups.get::<_, i64>(0), 11);
    require_exact(&stage, &book).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_number_is_made_once_however_many_try() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    for round in 0..10u64 {
        let made = (0..2).map(|_| {
            let book = book.clone();
            let phone = 33_600_000_000 + round;
            tokio::spawn(async move { book.try_create("Max", phone, &["a"]).await })
        });
        let made: Vec<_> = join_all(made).await;
        let taken = made
            .into_iter()
            .map(|it| it.expect("no panic"))
            .filter(|it| matches!(it, Err(ContactError::PhoneTaken)));
        assert_eq!(taken.count(), 1);
    }
    require_exact(&stage, &book).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn adding_and_deleting_at_once_leaves_counters_right() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let (one, other) = (book.group("One").await, book.group("Other").await);
    let people: Vec<_> = (0..90u64)
        .map(|at| ("Max", 33_600_000_000 + at, &["a", "b"][..]))
        .collect();
    let people = book.fill(&people).await;
    let ids: Vec<ContactId> = people.iter().map(|it| it.id).collect();
    let mut work = Vec::new();
    for at in 0..9 {
        let some = ids[at * 10..at * 10 + 10].to_vec();
        let mut reversed = ids.clone();
        reversed.reverse();
        let (adding, all) = (book.clone(), ids.clone());
        work.push(tokio::spawn(async move {
            adding.now(Operation::AddTo(one), &all).await;
        }));
        let adding = book.clone();
        work.push(tokio::spawn(async move {
            adding.now(Operation::AddTo(other), &reversed).await;
        }));
        let (leaving, all) = (book.clone(), ids.clone());
        work.push(tokio::spawn(async move {
            leaving.now(Operation::RemoveFrom(one), &all[..20]).await;
        }));
        let deleting = book.clone();
        work.push(tokio::spawn(async move {
            if at % 2 == 0 {
                for id in some {
                    deleting.delete(id).await.expect("deleted");
                }
            } else {
                deleting.now(Operation::Delete, &some).await;
            }
        }));
    }
    for done in join_all(work).await {
        done.expect("no panic");
    }
    require_exact(&stage, &book).await;
    let left = book.all(&query(Sort::Newest, None, &[], None), 10).await;
    assert!(left.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_contact_and_its_change_follow_each_other() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let id = book.create("Max", 33_600_000_000, &[]).await;
    let tags: [&[&str]; 4] = [&["a"], &["a", "b"], &["c"], &[]];
    let work = (0..20).map(|at: usize| {
        let book = book.clone();
        tokio::spawn(async move { book.retag(id, tags[at % 4]).await })
    });
    for done in join_all(work).await {
        done.expect("no panic");
    }
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn a_book_that_somebody_holds_is_read_meanwhile() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let id = book.create("Max", 33_612_345_678, &[]).await;
    let mut unit = ContactUnits::begin(&stage.postgres).await.expect("a unit");
    unit.books().lock(book.workspace.id).await.expect("held");
    unit.contacts()
        .delete(book.workspace.id, &[id])
        .await
        .expect("deleted");
    assert_eq!(book.found("max").await, ["Max"]);
    drop(unit);
    assert_eq!(book.found("max").await, ["Max"]);
}
