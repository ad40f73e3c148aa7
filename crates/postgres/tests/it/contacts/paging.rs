//! Lists are walked whole, whatever comes and goes meanwhile.

use msgflash_contacts::Total;
use msgflash_postgres::Limits;

use super::*;

const NAMES: [&str; 8] = [
    "Lina Moreau",
    "Élodie",
    "elodie",
    "Ana",
    "Łukasz",
    "Zoë",
    "100%_sure",
    "Anna Lindqvist",
];

/// A predictable choice.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        // A linear congruence is random enough to mix things up.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// A book in which everything is mixed.
struct Mixed {
    book: Book,
    people: Vec<Contact>,
    members: HashSet<ContactId>,
    group: GroupId,
}

impl Mixed {
    async fn new(stage: &Stage, count: usize) -> Self {
        let book = Book::new(stage).await;
        let mut dice = Dice(7);
        let tags: Vec<Vec<&str>> = (0..count)
            .map(|_| {
                let all = [("a", 2), ("b", 3), ("c", 7)];
                let some = all.into_iter().filter(|(_, of)| dice.below(*of) == 0);
                some.map(|(tag, _)| tag).collect()
            })
            .collect();
        let people: Vec<_> = (0..count)
            .map(|at| {
                let phone = 33_600_000_000 + dice.below(1000) as u64 * 1000 + at as u64;
                (NAMES[dice.below(NAMES.len())], phone, tags[at].as_slice())
            })
            .collect();
        let people = book.fill(&people).await;
        let group = book.group("Some").await;
        let members: Vec<_> = people.iter().map(|it| it.id).collect();
        let members: Vec<_> = members.into_iter().filter(|_| dice.below(2) == 0).collect();
        book.join(group, &members).await;
        Self {
            book,
            people,
            members: members.into_iter().collect(),
            group,
        }
    }

    /// Who fits, in the order of the list, by the rules alone.
    fn expected(&self, query: &ContactQuery) -> Vec<ContactId> {
        let fits = |it: &&Contact| {
            let searched = query.search.as_ref().is_none_or(|search| {
                let needle = it.needle();
                search.terms().iter().any(|term| needle.contains(term))
            });
            let tagged = query.tags.iter().all(|tag| it.tags.contains(tag));
            let member = query.group.is_none() || self.members.contains(&it.id);
            searched && tagged && member
        };
        let mut fitting: Vec<_> = self.people.iter().filter(fits).collect();
        match query.sort {
            Sort::Newest => fitting.sort_by_key(|it| std::cmp::Reverse(it.id)),
            Sort::Name => fitting.sort_by_key(|it| (it.sort_key(), it.id)),
        }
        fitting.into_iter().map(|it| it.id).collect()
    }

    /// All lists there are.
    fn queries(&self) -> Vec<ContactQuery> {
        let mut queries = Vec::new();
        for sort in [Sort::Newest, Sort::Name] {
            for text in [None, Some("an"), Some("ÉLO"), Some("%_"), Some("+33 600 1")] {
                for tags in [&[][..], &["a"], &["c", "a"], &["none"]] {
                    for group in [None, Some(self.group)] {
                        queries.push(query(sort, text, tags, group));
                    }
                }
            }
        }
        queries
    }
}

/// A pool that looks at few rows for one page.
fn near_sighted(stage: &Stage, look: u32) -> Postgres {
    let limits = Limits {
        look,
        ..Limits::default()
    };
    stage.limited(5, limits)
}

async fn every_list_is_walked_whole(stage: &Stage, look: u32, count: usize) {
    let mixed = Mixed::new(stage, count).await;
    let book = mixed.book.through(near_sighted(stage, look));
    for query in mixed.queries() {
        let pages = book.pages(&query, 10).await;
        assert!(pages.iter().all(|page| page.len() <= 10), "{query:?}");
        assert_eq!(pages.concat(), mixed.expected(&query), "{query:?}");
    }
}

#[tokio::test]
async fn every_list_is_walked_whole_and_in_order() {
    let stage = Stage::new().await;
    every_list_is_walked_whole(&stage, 5000, 150).await;
}

#[tokio::test]
async fn a_walk_that_is_cut_short_goes_on_with_the_next_page() {
    let stage = Stage::new().await;
    every_list_is_walked_whole(&stage, 7, 150).await;
}

#[tokio::test]
async fn without_the_index_every_list_is_walked_whole_too() {
    let stage = Stage::new().await;
    without_index(&stage).await;
    every_list_is_walked_whole(&stage, 16, 150).await;
}

#[tokio::test]
async fn a_walk_of_several_steps_is_one_page() {
    let stage = Stage::new().await;
    without_index(&stage).await;
    let book = Book::new(&stage).await;
    let people: Vec<_> = (0..1500u64)
        .map(|at| {
            let name = if at % 700 == 3 { "Rare" } else { "Common" };
            (name, 33_600_000_000 + at, &[][..])
        })
        .collect();
    book.fill(&people).await;
    for sort in [Sort::Newest, Sort::Name] {
        let rare = query(sort, Some("rare"), &[], None);
        assert_eq!(book.pages(&rare, 2).await.len(), 2);
        let page = book.read().page(book.workspace.id, &rare, 2, None).await;
        assert_eq!(page.expect("a page").total, Total::exactly(3));
    }
}

/// What happens between two pages, to people who are not looked for.
async fn stir(mixed: &Mixed, dice: &mut Dice, passing: &mut Vec<ContactId>) {
    let book = &mixed.book;
    for _ in 0..3 {
        match dice.below(4) {
            0 | 1 if passing.len() < 15 => {
                let phone = 44_700_000_000 + dice.below(1_000_000_000) as u64;
                let name = NAMES[dice.below(NAMES.len())];
                if let Ok(made) = book.try_create(name, phone, &["a", "c"]).await {
                    book.join(mixed.group, &[made.contact.id]).await;
                    passing.push(made.contact.id);
                }
            }
            2 if !passing.is_empty() => {
                let gone = passing.swap_remove(dice.below(passing.len()));
                book.delete(gone).await.expect("deleted");
            }
            3 if !passing.is_empty() => {
                let other = passing[dice.below(passing.len())];
                book.retag(other, [&["a"][..], &[], &["a", "c"]][dice.below(3)])
                    .await;
            }
            _ => {}
        }
    }
}

async fn who_stays_is_met_once(stage: &Stage, look: u32) {
    let mixed = Mixed::new(stage, 60).await;
    let book = mixed.book.through(near_sighted(stage, look));
    let staying: HashSet<ContactId> = mixed.people.iter().map(|it| it.id).collect();
    let (mut dice, mut passing) = (Dice(11), Vec::new());
    for query in mixed.queries() {
        let (read, mut met, mut cursor) = (book.read(), Vec::new(), None::<String>);
        loop {
            let page = read.page(book.workspace.id, &query, 7, cursor.as_deref());
            let page = page.await.expect("a page");
            met.extend(page.items.iter().map(|it| it.contact.id));
            let Some(next) = page.next else { break };
            cursor = Some(next.encode());
            stir(&mixed, &mut dice, &mut passing).await;
        }
        require_distinct(&met);
        met.retain(|id| staying.contains(id));
        assert_eq!(met, mixed.expected(&query), "{query:?}");
    }
    require_exact(stage, &mixed.book).await;
}

#[tokio::test]
async fn who_stays_is_met_once_whoever_comes_and_goes() {
    let stage = Stage::new().await;
    who_stays_is_met_once(&stage, 5000).await;
}

#[tokio::test]
async fn who_stays_is_met_once_by_short_walks_too() {
    let stage = Stage::new().await;
    without_index(&stage).await;
    who_stays_is_met_once(&stage, 9).await;
}

#[tokio::test]
async fn totals_are_exact_where_they_are_counted_and_honest_where_not() {
    let stage = Stage::new().await;
    let mixed = Mixed::new(&stage, 150).await;
    let id = mixed.book.workspace.id;
    for query in mixed.queries() {
        let page = mixed.book.read().page(id, &query, 10, None).await;
        let expected = mixed.expected(&query).len() as u64;
        let total = page.expect("a page").total;
        assert_eq!(total, Total::exactly(expected), "{query:?}");
    }
    // A short walk knows less, and says so; what is counted anyway stays exact.
    without_index(&stage).await;
    let book = mixed.book.through(near_sighted(&stage, 20));
    for query in mixed.queries() {
        let expected = mixed.expected(&query).len() as u64;
        let (read, mut cursor) = (book.read(), None::<String>);
        let first = read.page(id, &query, 10, None).await.expect("a page");
        assert!(first.total.count <= expected, "{query:?}");
        assert!(
            !first.total.is_exact || first.total.count == expected,
            "{query:?}"
        );
        let filters = query.tags.len() + usize::from(query.group.is_some());
        if query.search.is_none() && filters <= 1 {
            assert_eq!(first.total, Total::exactly(expected), "{query:?}");
        }
        let mut next = first.next;
        while let Some(place) = next {
            cursor = Some(place.encode());
            let page = read.page(id, &query, 10, cursor.as_deref()).await;
            let page = page.expect("a page");
            assert_eq!(page.total, first.total, "{query:?}");
            next = page.next;
        }
        drop(cursor);
    }
}

#[tokio::test]
async fn totals_that_are_not_counted_follow_the_book() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let (group, id) = (book.group("VIP").await, book.workspace.id);
    let mut ids = Vec::new();
    for at in 0..4u64 {
        ids.push(book.create("Max", 33_600_000_000 + at, &["a"]).await);
    }
    book.join(group, &ids).await;
    for sort in [Sort::Newest, Sort::Name] {
        for (tags, group) in [(&[][..], None), (&["a"][..], None), (&[][..], Some(group))] {
            let query = query(sort, None, tags, group);
            let first = book.read().page(id, &query, 2, None).await.expect("a page");
            let made = book.create("Eve", 33_611_111_111, &["a"]).await;
            if let Some(group) = group {
                book.join(group, &[made]).await;
            }
            let cursor = first.next.map(|it| it.encode());
            let second = book.read().page(id, &query, 2, cursor.as_deref()).await;
            assert_eq!(first.total, Total::exactly(4));
            assert_eq!(second.expect("a page").total, Total::exactly(5));
            book.delete(made).await.expect("deleted");
        }
    }
}

#[tokio::test]
async fn members_are_walked_whole_and_those_added_last_come_first() {
    let stage = Stage::new().await;
    let mixed = Mixed::new(&stage, 60).await;
    let (book, id) = (&mixed.book, mixed.book.workspace.id);
    let late = Book {
        clock: Arc::new(msgflash_kernel::FixedClock::at(NOW + time::Duration::HOUR)),
        ..book.clone()
    };
    let newest: Vec<_> = mixed.people.iter().map(|it| it.id).take(5).collect();
    book.now(Operation::RemoveFrom(mixed.group), &newest).await;
    late.join(mixed.group, &newest).await;
    let members: HashSet<_> = mixed.members.iter().chain(&newest).copied().collect();
    for look in [5000, 6] {
        for text in [None, Some("an"), Some("élo")] {
            let pool = near_sighted(&stage, look);
            let read = book.through(pool).read_groups();
            let (mut met, mut cursor, mut total) = (Vec::new(), None::<String>, None);
            loop {
                let wanted = text.map(search);
                let page = read.members(id, mixed.group, wanted, 10, cursor.as_deref());
                let page = page.await.expect("a page");
                total.get_or_insert(page.total);
                met.extend(page.items);
                let Some(next) = page.next else { break };
                cursor = Some(next.encode());
                // Whoever is added now comes before what was read.
                let phone = 44_700_000_000 + met.len() as u64;
                if let Ok(made) = late.try_create("Newcomer", phone, &[]).await {
                    late.join(mixed.group, &[made.contact.id]).await;
                    late.delete(made.contact.id).await.expect("deleted");
                }
            }
            let places: Vec<_> = met.iter().map(|it| (it.added_at, it.contact.id)).collect();
            assert!(places.is_sorted_by(|one, next| one > next), "{places:?}");
            let expected = query(Sort::Newest, text, &[], None);
            let expected = mixed.expected(&expected);
            let expected = expected.iter().filter(|id| members.contains(id)).count();
            assert_eq!(met.len(), expected, "{text:?} {look}");
            let total = total.expect("a first page");
            assert!(!total.is_exact || total.count == expected as u64);
        }
    }
}

#[tokio::test]
async fn groups_are_listed_newest_first_and_found_by_name_and_description() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    stage.everybody_on("max").await;
    let id = book.workspace.id;
    let mut groups = Vec::new();
    for at in 0..25 {
        groups.push(book.group(&format!("Group {at}")).await);
    }
    let change = msgflash_contacts::GroupChange {
        description: Some(Some("Those of the Évian shop".to_owned())),
        ..msgflash_contacts::GroupChange::default()
    };
    let described = groups[7];
    book.change_group()
        .change(id, described, change)
        .await
        .expect("changed");
    for look in [5000, 4] {
        let read = book.through(near_sighted(&stage, look)).read_groups();
        for (text, expected) in [
            (None, groups.clone()),
            (Some("evian"), vec![described]),
            (Some("GROUP 2"), [&groups[2..3], &groups[20..]].concat()),
            (Some("group 7\nthose"), vec![]),
        ] {
            let (mut met, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let wanted = text.map(search);
                let page = read.page(id, wanted, 3, cursor.as_deref()).await;
                let page = page.expect("a page");
                met.extend(page.items.iter().map(|it| it.id));
                let Some(next) = page.next else { break };
                cursor = Some(next.encode());
            }
            met.reverse();
            assert_eq!(met, expected, "{text:?} {look}");
        }
    }
    let all = book.read_groups().page(id, None, 3, None).await;
    assert_eq!(all.expect("a page").total, Total::exactly(25));
}
