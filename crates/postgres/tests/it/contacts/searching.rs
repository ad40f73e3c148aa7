//! What searches find, with and without an index.

use super::*;

const PEOPLE: [(&str, u64); 9] = [
    ("Élodie Durand", 33_698_765_432),
    ("ŁUKASZ Żak", 48_512_345_678),
    ("100% sure_thing", 33_611_111_111),
    ("1000 sureXthing", 33_611_111_112),
    ("back\\slash", 33_611_111_113),
    ("Лина Ёлкина", 79_161_234_567),
    ("李 小龙", 85_261_234_567),
    ("O’Neil", 353_861_234_567),
    ("Al Bo", 14_155_550_123),
];

async fn people(stage: &Stage) -> Book {
    let book = Book::new(stage).await;
    let people = PEOPLE.map(|(name, phone)| (name, phone, &[][..]));
    book.fill(&people).await;
    book
}

async fn finds_what_is_there(book: &Book) {
    for (text, expected) in [
        ("elodie", &["Élodie Durand"][..]),
        ("ÉLODIE  dur", &["Élodie Durand"]),
        ("lukasz z", &["ŁUKASZ Żak"]),
        ("%", &["100% sure_thing"]),
        ("0% s", &["100% sure_thing"]),
        ("sure_", &["100% sure_thing"]),
        ("sure", &["100% sure_thing", "1000 sureXthing"]),
        ("k\\s", &["back\\slash"]),
        ("\\", &["back\\slash"]),
        ("ЛИНА", &["Лина Ёлкина"]),
        ("елк", &["Лина Ёлкина"]),
        ("ё", &["Лина Ёлкина"]),
        ("小", &["李 小龙"]),
        ("李 小龙", &["李 小龙"]),
        ("o'neil", &["O’Neil"]),
        ("+33 6 98 76", &["Élodie Durand"]),
        ("698765", &["Élodie Durand"]),
        ("0048512", &["ŁUKASZ Żak"]),
        ("l b", &["Al Bo"]),
        ("bo", &["Al Bo"]),
        ("z", &["ŁUKASZ Żak"]),
        ("bo +1", &[]),
        ("nobody", &[]),
        ("elodie durand elodie durand", &[]),
    ] {
        assert_eq!(book.found(text).await, expected, "{text:?}");
    }
}

#[tokio::test]
async fn finds_what_is_there_with_an_index() {
    let stage = Stage::new().await;
    finds_what_is_there(&people(&stage).await).await;
}

#[tokio::test]
async fn finds_what_is_there_without_an_index() {
    let stage = Stage::new().await;
    without_index(&stage).await;
    finds_what_is_there(&people(&stage).await).await;
}

#[tokio::test]
async fn finds_what_is_there_by_the_index_alone() {
    let stage = Stage::new().await;
    let book = people(&stage).await;
    let limits = msgflash_postgres::Limits {
        look: 1,
        ..msgflash_postgres::Limits::default()
    };
    // One row is looked at, so what is found is found by the index or on the next pages.
    finds_what_is_there(&book.through(stage.limited(5, limits))).await;
}

#[tokio::test]
async fn a_changed_name_is_found_and_the_old_one_is_not() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let id = book.create("Before", 33_698_765_432, &[]).await;
    let change = ContactChange {
        name: Some("After".to_owned()),
        phone: Some("+33611111111".to_owned()),
        ..ContactChange::default()
    };
    book.change(id, change).await.expect("changed");
    assert_eq!(book.found("after").await, ["After"]);
    assert_eq!(book.found("33611111111").await, ["After"]);
    assert!(book.found("before").await.is_empty());
    assert!(book.found("98765432").await.is_empty());
}

#[tokio::test]
async fn names_are_sorted_as_people_read_them() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let people = [
        "Zoe", "élodie", "Eva", "Elodie", "apple", "Ärger", "_x", "10",
    ]
    .into_iter()
    .zip(33_600_000_000..)
    .map(|(name, phone)| (name, phone, &[][..]));
    let people = book.fill(&people.collect::<Vec<_>>()).await;
    let sorted = book.all(&query(Sort::Name, None, &[], None), 3).await;
    let name = |id| people.iter().find(|it| it.id == id).map(|it| &*it.name);
    let names: Vec<_> = sorted.into_iter().filter_map(name).collect();
    let expected = [
        "10", "_x", "apple", "Ärger", "élodie", "Elodie", "Eva", "Zoe",
    ];
    assert_eq!(names, expected);
}
