//! What a search finds.

use blackbox::book::{CONTACTS, each, escaped};
use blackbox::{Account, Stack};

const PEOPLE: [(&str, u64); 8] = [
    ("Élodie Martin", 33_612_345_678),
    ("Jean-Luc O’Neil", 33_698_765_432),
    ("Müller & Söhne 50%", 4_915_112_345_678),
    ("ŁUKASZ Żak", 48_600_100_200),
    ("李小龍", 85_223_456_789),
    ("Мария Ёлкина", 79_991_112_233),
    ("under_score", 15_550_100_001),
    ("Straße 7", 15_550_100_002),
];

async fn scene() -> (Stack, Account) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    for (name, phone) in PEOPLE {
        account.client.contact(name, phone).await;
    }
    (stack, account)
}

async fn found(account: &Account, search: &str) -> Vec<String> {
    let path = format!("{CONTACTS}?sort=name_asc&search={}", escaped(search));
    each(&account.client.pages(&path).await, "contacts", "name")
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_accents_nor_letter_case_matter() {
    let (_stack, account) = scene().await;
    for (search, expected) in [
        ("elodie", vec!["Élodie Martin"]),
        ("ÉLODIE", vec!["Élodie Martin"]),
        ("E\u{301}lo", vec!["Élodie Martin"]),
        ("die mar", vec!["Élodie Martin"]),
        ("  martin  ", vec!["Élodie Martin"]),
        ("o'neil", vec!["Jean-Luc O’Neil"]),
        ("jean–luc", vec!["Jean-Luc O’Neil"]),
        ("muller", vec!["Müller & Söhne 50%"]),
        ("lukasz zak", vec!["ŁUKASZ Żak"]),
        ("小龍", vec!["李小龍"]),
        ("елкина", vec!["Мария Ёлкина"]),
        ("STRASSE", vec!["Straße 7"]),
        ("nobody", vec![]),
    ] {
        assert_eq!(found(&account, search).await, expected, "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_or_two_letters_are_a_search_too() {
    let (_stack, account) = scene().await;
    assert_eq!(found(&account, "é").await.len(), 5, "all with an e");
    assert_eq!(found(&account, "li").await, [""; 0]);
    assert_eq!(found(&account, "ma").await, ["Élodie Martin"]);
    assert_eq!(found(&account, "龍").await, ["李小龍"]);
    assert_eq!(found(&account, "7").await.len(), 6, "in names and numbers");
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_numbers_are_found_however_they_are_written() {
    let (_stack, account) = scene().await;
    for search in [
        "+33612345678",
        "33612345678",
        "0033 6 12",
        "612 34-56",
        "(612)",
        "+33 6 12",
    ] {
        assert_eq!(found(&account, search).await, ["Élodie Martin"], "{search}");
    }
    assert_eq!(found(&account, "+33").await.len(), 2);
    // A national zero is a digit like any other, and no number has it.
    assert_eq!(found(&account, "0612").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_character_means_anything_but_itself() {
    let (_stack, account) = scene().await;
    for (search, expected) in [
        ("%", vec!["Müller & Söhne 50%"]),
        ("50%", vec!["Müller & Söhne 50%"]),
        ("_", vec!["under_score"]),
        ("r_s", vec!["under_score"]),
        ("\\", vec![]),
        ("'", vec!["Jean-Luc O’Neil"]),
        ("*", vec![]),
        ("&", vec!["Müller & Söhne 50%"]),
        ("martin\n+336", vec![]),
    ] {
        assert_eq!(found(&account, search).await, expected, "{search}");
    }
}
