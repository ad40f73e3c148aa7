//! Ids of another workspace lead nowhere.

use msgflash_contacts::ports::{ImportReader, ImportUnits, JobReader};
use msgflash_contacts::{CancelJob, GroupChange};

use super::*;

#[tokio::test]
async fn ids_of_another_workspace_lead_nowhere() {
    let stage = Stage::new().await;
    let owner = Book::new(&stage).await;
    // One more workspace of the same account, and a stranger's.
    let team = Workspace::team(fresh(), owner.workspace.owner());
    let group = owner.group("VIP").await;
    let contact = owner.create("Max", 33_612_345_678, &["a"]).await;
    owner.join(group, &[contact]).await;
    let job = owner.job(Operation::Delete, &vec![contact; 100]).await;

    for other in [Book::of(&stage.postgres, team), Book::new(&stage).await] {
        let id = other.workspace.id;
        let own = other.create("Own", 33_612_345_679, &["a"]).await;
        let mine = other.group("Mine").await;

        assert!(other.read().find(id, contact).await.is_err());
        let change = ContactChange {
            name: Some("Taken over".to_owned()),
            ..ContactChange::default()
        };
        assert!(other.change(contact, change).await.is_err());
        assert!(other.delete(contact).await.is_err());
        assert!(other.read_groups().of_contact(id, contact).await.is_err());

        assert!(other.read_groups().find(id, group).await.is_err());
        let members = other.read_groups().members(id, group, None, 10, None).await;
        assert!(members.is_err());
        let change = GroupChange {
            name: Some("Taken over".to_owned()),
            ..GroupChange::default()
        };
        assert!(
            other
                .change_group()
                .change(id, group, change)
                .await
                .is_err()
        );
        assert!(other.delete_group(group).await.is_err());
        let into = other.bulk(Operation::AddTo(group), &[own]).await;
        assert!(into.is_err());
        let out_of = other.bulk(Operation::RemoveFrom(group), &[contact]).await;
        assert!(out_of.is_err());

        let added = other.now(Operation::AddTo(mine), &[contact, own]).await;
        assert_eq!(added.not_found, [contact]);
        let deleted = other.now(Operation::Delete, &[contact]).await;
        assert_eq!(
            (deleted.counters.changed, deleted.not_found),
            (0, vec![contact])
        );

        assert_eq!(
            JobReader::find(&stage.postgres, id, job.id)
                .await
                .expect("read"),
            None
        );
        let page = JobReader::page(&stage.postgres, id, 10, None)
            .await
            .expect("read");
        assert!(page.jobs.is_empty());
        let cancel = CancelJob::new(other.units(), clock());
        assert!(cancel.cancel(id, job.id).await.is_err());

        let tagged = query(Sort::Newest, None, &["a"], None);
        assert_eq!(other.all(&tagged, 10).await, [own]);
        assert_eq!(other.found("max").await, Vec::<String>::new());
        require_exact(&stage, &other).await;
    }
    assert_eq!(owner.found("max").await, ["Max"]);
    require_exact(&stage, &owner).await;
}

#[tokio::test]
async fn imports_of_another_workspace_are_not_there() {
    let stage = Stage::new().await;
    let owner = Book::new(&stage).await;
    let team = Workspace::team(fresh(), owner.workspace.owner());
    let group = owner.group("VIP").await;
    let import = owner.bring("phone\n+33612345678\nx\n", None).await.import;
    assert_eq!(owner.report(import.id).await.len(), 1);
    for other in [Book::of(&stage.postgres, team), Book::new(&stage).await] {
        let id = other.workspace.id;
        let found = ImportReader::find(&stage.postgres, id, import.id).await;
        assert_eq!(found.expect("read"), None);
        assert_eq!(other.report(import.id).await, []);
        let page = ImportReader::page(&stage.postgres, id, 10, None).await;
        let page = page.expect("read");
        assert_eq!((page.imports, page.total), (vec![], 0));
        let mut unit = ImportUnits::begin(&stage.postgres).await.expect("a unit");
        let found = unit.imports().find(id, import.id).await;
        assert_eq!(found.expect("read"), None);
        drop(unit);

        assert!(
            other
                .try_bring("phone\n+33612345678\n", Some(group))
                .await
                .is_err()
        );
        // The same number is somebody else in another book.
        let own = other.bring("phone\n+33612345678\n", None).await.import;
        assert_eq!(own.counters.imported, 1);
        require_exact(&stage, &other).await;
    }
    require_exact(&stage, &owner).await;
}

#[tokio::test]
async fn the_store_itself_keeps_workspaces_apart() {
    let stage = Stage::new().await;
    let (owner, other) = (Book::new(&stage).await, Book::new(&stage).await);
    let group = owner.group("VIP").await;
    let contact = owner.create("Max", 33_612_345_678, &[]).await;
    owner.join(group, &[contact]).await;
    let own = other.create("Own", 33_612_345_679, &[]).await;
    let id = other.workspace.id;

    // Use cases ask for the group first; the store does not rely on that.
    let mut unit = BulkUnits::begin(&stage.postgres).await.expect("a unit");
    unit.books().lock(id).await.expect("held");
    let joined = unit.groups().add(id, group, &[own, contact], NOW).await;
    assert_eq!(
        joined.expect("asked"),
        msgflash_contacts::ports::Joined::default()
    );
    let left = unit.groups().remove(id, group, &[contact]).await;
    assert!(left.expect("asked").is_empty());
    unit.commit().await.expect("committed");

    let filtered = query(Sort::Newest, None, &[], Some(group));
    let part = msgflash_contacts::list::PartRequest {
        limit: 10,
        after: None,
        count: true,
    };
    let page = msgflash_contacts::ports::BookReader::page(&stage.postgres, id, &filtered, &part);
    assert!(page.await.expect("read").items.is_empty());
    require_exact(&stage, &owner).await;
}
