//! What is kept of contacts and groups, and what goes with them.

use msgflash_contacts::{ContactReader, GroupChange};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_contact_is_read_back_as_it_was_written() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let order = ContactOrder {
        actor: book.actor(),
        name: "Max \"Roy\" 🎈".to_owned(),
        phone: "+33 6 12 34 56 78".to_owned(),
        tags: vec!["b, c".to_owned(), "a".to_owned(), "{\"x\"}".to_owned()],
        meta: Some(json!({ "city": "Lyon", "n": [1, null] })),
    };
    let units = book.units();
    let create = CreateContact::new(units, clock(), Arc::new(RandomIds));
    let Ok(Outcome::Done(made)) = create.create(order, None).await else {
        panic!("it is made");
    };
    let found = ContactReader::find(&stage.postgres, book.workspace.id, made.contact.id).await;
    assert_eq!(found.expect("read"), Some(made.contact.clone()));
    let phone = made.contact.phone;
    let found = stage.postgres.find_by_phone(book.workspace.id, phone).await;
    assert_eq!(found.expect("read"), Some(made.contact.clone()));
    let entry = book.read().find(book.workspace.id, made.contact.id).await;
    assert_eq!(entry.expect("read"), made);
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn a_number_is_in_a_workspace_once_and_in_another_too() {
    let stage = Stage::new().await;
    let (one, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let first = one.create("Max", 33_612_345_678, &[]).await;
    let refused = one.try_create("Moritz", 33_612_345_678, &[]).await;
    assert!(matches!(refused, Err(ContactError::PhoneTaken)));
    other.create("Max", 33_612_345_678, &[]).await;
    let second = one.create("Moritz", 33_612_345_679, &[]).await;
    let taken = ContactChange {
        phone: Some("+33612345678".to_owned()),
        ..ContactChange::default()
    };
    let refused = one.change(second, taken).await;
    assert!(matches!(refused, Err(ContactError::PhoneTaken)));
    one.delete(first).await.expect("deleted");
    one.create("Again", 33_612_345_678, &[]).await;
    for book in [one, other] {
        require_exact(&stage, &book).await;
    }
}

#[tokio::test]
async fn tags_and_memberships_go_with_their_contact() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let (vip, shop) = (book.group("VIP").await, book.group("Shop").await);
    let gone = book.create("Max", 33_612_345_678, &["a", "b"]).await;
    let kept = book.create("Moritz", 33_612_345_679, &["a"]).await;
    book.join(vip, &[gone, kept]).await;
    book.join(shop, &[gone]).await;
    book.retag(kept, &["b", "c"]).await;
    book.delete(gone).await.expect("deleted");
    assert!(matches!(
        book.delete(gone).await,
        Err(ContactError::NoContact(_))
    ));
    require_exact(&stage, &book).await;
    let counts = [(vip, 1), (shop, 0)];
    for (group, count) in counts {
        let group = book.read_groups().find(book.workspace.id, group).await;
        assert_eq!(group.expect("found").contact_count, count);
    }
    let groups = book.read_groups().of_contact(book.workspace.id, kept).await;
    let groups: Vec<_> = groups.expect("found").into_iter().map(|it| it.id).collect();
    assert_eq!(groups, [vip]);
}

#[tokio::test]
async fn a_groups_name_is_there_once_whatever_its_letter_case() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let first = book.group("Été  Clients").await;
    let refused = book.try_group("été clients", None).await;
    assert!(matches!(refused, Err(ContactError::NameTaken)));
    let second = book.group("Ete Clients").await;
    let rename = |name: &str| GroupChange {
        name: Some(name.to_owned()),
        ..GroupChange::default()
    };
    let (id, change) = (book.workspace.id, book.change_group());
    let refused = change.change(id, second, rename("ÉTÉ CLIENTS")).await;
    assert!(matches!(refused, Err(ContactError::NameTaken)));
    let own = change.change(id, first, rename("ÉTÉ CLIENTS")).await;
    assert_eq!(own.expect("renamed").name, "ÉTÉ CLIENTS");
    book.delete_group(first).await.expect("deleted");
    change
        .change(id, second, rename("Été clients"))
        .await
        .expect("it is free now");
    require_exact(&stage, &book).await;
}

#[tokio::test]
async fn the_longest_names_there_are_fit() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    // Each unfolds into eighteen letters.
    let id = book
        .create(&"\u{fdfa}".repeat(255), 33_612_345_678, &[])
        .await;
    let by_name = query(Sort::Name, None, &[], None);
    assert_eq!(book.all(&by_name, 1).await, [id]);
    book.group(&"\u{390}".repeat(100)).await;
    book.group(&"\u{1f600}".repeat(100)).await;
}

#[tokio::test]
async fn members_stay_contacts_when_their_group_goes() {
    let stage = Stage::new().await;
    let book = Book::new(&stage).await;
    let group = book.group("VIP").await;
    let contact = book.create("Max", 33_612_345_678, &[]).await;
    book.join(group, &[contact]).await;
    book.delete_group(group).await.expect("deleted");
    assert!(matches!(
        book.delete_group(group).await,
        Err(ContactError::NoGroup(_))
    ));
    let (read, id) = (book.read_groups(), book.workspace.id);
    assert!(
        read.of_contact(id, contact)
            .await
            .expect("there")
            .is_empty()
    );
    let members = read.members(id, group, None, 10, None).await;
    assert!(matches!(members, Err(ContactError::NoGroup(_))));
    let filtered = query(Sort::Newest, None, &[], Some(group));
    let page = book.read().page(id, &filtered, 10, None).await;
    assert!(matches!(page, Err(ContactError::NoGroup(_))));
    require_exact(&stage, &book).await;
}
