//! The index for searches, which is there when the server can have it.

use msgflash_postgres::{SearchIndex, ensure_search_index};

use super::*;

async fn is_there(stage: &Stage) -> bool {
    let session = stage.session().await;
    let row = session
        .query_one("SELECT to_regclass('contacts_search') IS NOT NULL", &[])
        .await;
    row.expect("a row").get(0)
}

#[tokio::test]
async fn it_is_made_once_and_again_after_somebody_dropped_it() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    book.create("Max", 33_612_345_678, &[]).await;
    let first = ensure_search_index(stage.url()).await.expect("looked");
    if let SearchIndex::Missing(reason) = first {
        eprintln!("skipped: {reason}");
        return;
    }
    assert_eq!(first, SearchIndex::Ready);
    without_index(&stage).await;
    let again = ensure_search_index(stage.url()).await.expect("looked");
    assert_eq!(again, SearchIndex::Made);
    assert!(is_there(&stage).await);
    assert_eq!(book.found("max").await, ["Max"]);
}

#[tokio::test]
async fn what_somebody_left_half_made_is_made_anew() {
    let stage = Stage::new().await;
    if !is_there(&stage).await {
        eprintln!("skipped: the server cannot have the index");
        return;
    }
    let broken = "UPDATE pg_index SET indisvalid = false \
                  WHERE indexrelid = to_regclass('contacts_search')";
    let session = stage.session().await;
    session.batch_execute(broken).await.expect("broken");
    let made = ensure_search_index(stage.url()).await.expect("looked");
    assert_eq!(made, SearchIndex::Made);
}

#[tokio::test]
async fn a_role_that_may_not_have_it_does_without() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let role = format!("plain_{}", fresh::<()>().uuid().simple());
    session
        .batch_execute(&format!(
            "DROP EXTENSION IF EXISTS pg_trgm CASCADE; \
             DROP EXTENSION IF EXISTS btree_gin CASCADE; \
             CREATE ROLE {role}"
        ))
        .await
        .expect("a role");
    let made = ensure_search_index(&stage.url_as(&role)).await;
    let made = made.expect("looked");
    assert!(matches!(made, SearchIndex::Missing(_)), "{made:?}");
    let book = Book::new(&stage).await;
    book.create("Max", 33_612_345_678, &[]).await;
    assert_eq!(book.found("max").await, ["Max"]);
    let gone = format!("DROP ROLE {role}");
    session.batch_execute(&gone).await.expect("gone");
}

/// Twenty people called Max, and five newer ones who are not. A walk looks at `look` of them.
async fn maxes(stage: &Stage, look: u32) -> (Book, Vec<ContactId>) {
    let book = Book::new(stage).await;
    let people: Vec<_> = (0..25)
        .map(|at| {
            let name = if at < 20 { "Max" } else { "Ana" };
            (name, 33_600_000_000 + at, &[][..])
        })
        .collect();
    let people = book.fill(&people).await;
    let mut ids: Vec<_> = people[..20].iter().map(|it| it.id).collect();
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let limits = msgflash_postgres::Limits {
        look,
        ..msgflash_postgres::Limits::default()
    };
    (book.through(stage.limited(5, limits)), ids)
}

#[tokio::test]
async fn what_it_finds_too_often_is_walked_and_met_once_all_the_same() {
    let stage = Stage::new().await;
    if !is_there(&stage).await {
        eprintln!("skipped: the server cannot have the index");
        return;
    }
    for sort in [Sort::Newest, Sort::Name] {
        let max = query(sort, Some("max"), &[], None);
        // Ten times two is twenty, and that is too much; ten times three is not.
        for (look, found_first) in [(2, 0), (3, 20)] {
            let (book, ids) = maxes(&stage, look).await;
            let mut pages = book.pages(&max, 100).await;
            assert_eq!(pages[0].len(), found_first, "{sort:?}, {look}");
            let first = book.read().page(book.workspace.id, &max, 100, None).await;
            let total = first.expect("a page").total;
            assert_eq!(
                (total.count, total.is_exact),
                (found_first as u64, look == 3)
            );
            let mut met = pages.drain(..).flatten().collect::<Vec<_>>();
            met.sort_unstable_by(|one, other| other.cmp(one));
            assert_eq!(met, ids, "{sort:?}, {look}");
        }
    }
}

#[tokio::test]
async fn members_it_finds_too_often_are_met_once_all_the_same() {
    let stage = Stage::new().await;
    let (book, ids) = maxes(&stage, 2).await;
    let group = book.group("Some").await;
    let all = book.all(&query(Sort::Newest, None, &[], None), 100).await;
    book.join(group, &all).await;
    let (mut met, mut cursor) = (Vec::new(), None);
    loop {
        let page = book
            .read_groups()
            .members(
                book.workspace.id,
                group,
                Some(search("max")),
                100,
                cursor.as_deref(),
            )
            .await
            .expect("a page");
        met.extend(page.items.iter().map(|it| it.contact.id));
        let Some(next) = page.next else { break };
        cursor = Some(next.encode());
    }
    met.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(met, ids);
}

#[tokio::test]
async fn a_large_book_among_small_ones_is_searched_by_it_and_not_from_end_to_end() {
    let stage = Stage::new().await;
    if !is_there(&stage).await {
        eprintln!("skipped: the server cannot have the index");
        return;
    }
    let book = Book::new(&stage).await;
    book.create("Max", 33_612_345_678, &[]).await;
    let session = stage.session().await;
    // A workspace has three contacts on average, as far as the planner knows.
    let crowd = "INSERT INTO contacts (workspace_id, id, account_id, name, phone, name_key, needle, \
           created_at, updated_at) \
         SELECT md5((i / 3)::text)::uuid, gen_random_uuid(), md5((i / 3)::text)::uuid, 'Ana', \
           33600000000 + i, 'ana', E'ana\\n+' || 33600000000 + i, now(), now() \
         FROM generate_series(1, 3000) i; \
         ANALYZE contacts; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; \
         PREPARE find (uuid, text[], bigint) AS SELECT c.id FROM contacts c \
         WHERE uuid_send(c.workspace_id) = uuid_send($1) AND c.needle LIKE ANY ($2) LIMIT $3";
    session.batch_execute(crowd).await.expect("a crowd");
    let explain = format!(
        "EXPLAIN EXECUTE find ('{}', '{{%max%}}', 50000)",
        book.workspace.id
    );
    let plan = session.simple_query(&explain).await.expect("a plan");
    assert!(
        format!("{plan:?}").contains("Bitmap Index Scan on contacts_search"),
        "{plan:?}"
    );
    assert_eq!(book.found("max").await, ["Max"]);
}
