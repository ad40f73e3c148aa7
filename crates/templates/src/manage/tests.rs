use std::sync::atomic::Ordering;

use msgflash_kernel::{Fault as _, FixedClock, Kind, ReplayKey, SequentialIds};
use uuid::Uuid;

use super::*;
use crate::kind::TemplateKind;
use crate::ports::MockTemplateReader;
use crate::testing::{BEFORE, FakeUnit, NOW, Units, actor, id, reader, stored};

fn create(units: Arc<Units>) -> CreateTemplate {
    CreateTemplate::new(
        units,
        Arc::new(FixedClock::at(NOW)),
        Arc::new(SequentialIds::default()),
    )
}

fn order(body: &str) -> TemplateOrder {
    TemplateOrder {
        actor: actor(),
        draft: Draft {
            name: "Cart reminder".into(),
            kind: TemplateKind::Text,
            body: Some(body.into()),
            media_url: None,
        },
    }
}

fn inserting() -> FakeUnit {
    let mut unit = FakeUnit::default();
    unit.templates
        .expect_insert()
        .withf(|it| it.workspace == actor().workspace && it.created_at == NOW)
        .times(1)
        .returning(|_| Ok(()));
    unit
}

#[tokio::test]
async fn a_template_is_made_and_kept() {
    let unit = inserting();
    let committed = Arc::clone(&unit.committed);
    let made = create(Units::of(unit))
        .create(order("Hello {{contact.name}}"), None)
        .await;
    let Ok(Outcome::Done(template)) = made else {
        panic!("{made:?}")
    };
    assert_eq!(template.id.uuid(), Uuid::from_u128(1));
    assert_eq!(template.variables(), ["contact.name"]);
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_template_that_is_none_begins_no_unit() {
    let refused = create(Units::none()).create(order("{{"), None).await;
    let error = refused.expect_err("a refusal");
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Invalid, "TEMPLATE_INVALID")
    );
}

fn key() -> ReplayKey {
    ReplayKey {
        workspace: actor().workspace.id,
        route: "POST /api/v1/templates",
        key: [1; 32],
        request: [2; 32],
    }
}

fn answer(template: &Template) -> StoredAnswer {
    StoredAnswer {
        status: 201,
        body: template.name().to_owned(),
    }
}

/// Creates once per key when this is known about the key.
async fn create_once(mut unit: FakeUnit, claim: Claim) -> Result<Outcome<Template>, TemplateError> {
    unit.replays
        .expect_claim()
        .times(1)
        .returning(move |_, _| Ok(claim.clone()));
    let key = key();
    let once = Once {
        key: &key,
        render: &answer,
    };
    create(Units::of(unit))
        .create(order("Hello"), Some(once))
        .await
}

#[tokio::test]
async fn a_fresh_key_keeps_the_answer_with_the_template() {
    let mut unit = inserting();
    unit.replays
        .expect_keep()
        .withf(|it, answer, at| *it == key() && answer.body == "Cart reminder" && *at == NOW)
        .times(1)
        .returning(|_, _, _| Ok(()));
    let committed = Arc::clone(&unit.committed);
    let made = create_once(unit, Claim::Fresh).await;
    assert!(matches!(made, Ok(Outcome::Done(_))));
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_known_key_makes_nothing() {
    let kept = StoredAnswer {
        status: 201,
        body: "kept".into(),
    };
    let unit = FakeUnit::default();
    let committed = Arc::clone(&unit.committed);
    let again = create_once(unit, Claim::Replay(kept.clone())).await;
    assert!(matches!(again, Ok(Outcome::Replayed(it)) if it == kept));
    assert!(!committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict_that_passes_and_a_misused_one_is_not() {
    for (claim, wait) in [(Claim::Busy, Some(1)), (Claim::Mismatch, None)] {
        let refused = create_once(FakeUnit::default(), claim).await;
        let error = refused.expect_err("a conflict");
        assert_eq!((error.kind(), error.code()), (Kind::Conflict, "CONFLICT"));
        assert_eq!(error.retry_after().map(|wait| wait.as_secs()), wait);
        assert_eq!(error.details(), None);
    }
}

#[tokio::test]
async fn a_template_is_found_in_its_own_workspace_only() {
    let read = ReadTemplates::new(Arc::new(reader(stored("Hello"))));
    let found = read.find(actor().workspace.id, id()).await;
    assert!(found.is_ok_and(|it| it.body() == Some("Hello")));
    let elsewhere = read.find(Id::new(Uuid::nil()), id()).await;
    let error = elsewhere.expect_err("not here");
    assert_eq!((error.kind(), error.code()), (Kind::Missing, "NOT_FOUND"));
    assert_eq!(error.to_string(), "Template not found");
}

#[tokio::test]
async fn a_page_is_what_the_store_says_it_is() {
    let mut templates = MockTemplateReader::new();
    templates
        .expect_page()
        .withf(|workspace, page| *workspace == actor().workspace.id && page.before() == 40)
        .times(1)
        .returning(|_, _| {
            Ok(TemplatePage {
                templates: vec![],
                total: 45,
            })
        });
    let read = ReadTemplates::new(Arc::new(templates));
    let third = PageNumber { page: 3, limit: 20 };
    let page = read.page(actor().workspace.id, third).await;
    assert_eq!(page.expect("a page").total, 45);
}

#[test]
fn pages_count_from_one_and_never_overflow() {
    let before = |page, limit| PageNumber { page, limit }.before();
    assert_eq!(before(1, 20), 0);
    assert_eq!(before(0, 20), 0);
    assert_eq!(before(u32::MAX, 100), u64::from(u32::MAX - 1) * 100);
}

fn holding(template: &str) -> FakeUnit {
    let template = Template::restore(stored(template));
    let mut unit = FakeUnit::default();
    unit.templates
        .expect_lock()
        .returning(move |workspace, id| {
            let is_it = template.workspace.id == workspace && template.id == id;
            Ok(is_it.then(|| template.clone()))
        });
    unit
}

async fn revise(unit: FakeUnit, revision: Revision) -> Result<Template, TemplateError> {
    let revise = ReviseTemplate::new(Units::of(unit), Arc::new(FixedClock::at(NOW)));
    revise.revise(actor().workspace.id, id(), revision).await
}

#[tokio::test]
async fn a_revision_is_kept() {
    let mut unit = holding("Hello");
    unit.templates
        .expect_update()
        .withf(|it| it.name() == "New" && it.updated_at == NOW && it.created_at == BEFORE)
        .times(1)
        .returning(|_| Ok(()));
    let committed = Arc::clone(&unit.committed);
    let renamed = Revision {
        name: Some("New".into()),
        ..Revision::default()
    };
    assert!(
        revise(unit, renamed)
            .await
            .is_ok_and(|it| it.body() == Some("Hello"))
    );
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_revision_of_nothing_writes_nothing() {
    // The mock refuses an update that was not announced.
    let same = revise(holding("Hello"), Revision::default()).await;
    assert_eq!(same.expect("found").updated_at, BEFORE);
}

#[tokio::test]
async fn a_refused_revision_keeps_nothing() {
    let unit = holding("Hello");
    let committed = Arc::clone(&unit.committed);
    let wrong = Revision {
        body: Some("{{name}}".into()),
        ..Revision::default()
    };
    let error = revise(unit, wrong).await.expect_err("a refusal");
    assert_eq!(error.code(), "TEMPLATE_INVALID");
    assert!(!committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_is_not_there_is_neither_revised_nor_deleted() {
    let mut unit = FakeUnit::default();
    unit.templates.expect_lock().returning(|_, _| Ok(None));
    // A template that is not there is told before what is wrong with its revision.
    let wrong = Revision {
        name: Some(String::new()),
        ..Revision::default()
    };
    let refused = revise(unit, wrong).await;
    assert!(matches!(refused, Err(TemplateError::NoTemplate(it)) if it == id()));

    let mut unit = FakeUnit::default();
    unit.templates.expect_delete().returning(|_, _| Ok(false));
    let committed = Arc::clone(&unit.committed);
    let delete = DeleteTemplate::new(Units::of(unit));
    let refused = delete.delete(actor().workspace.id, id()).await;
    assert!(matches!(refused, Err(TemplateError::NoTemplate(_))));
    assert!(!committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_deleted_template_is_gone_for_good() {
    let mut unit = FakeUnit::default();
    unit.templates
        .expect_delete()
        .withf(|workspace, it| *workspace == actor().workspace.id && *it == id())
        .times(1)
        .returning(|_, _| Ok(true));
    let committed = Arc::clone(&unit.committed);
    let delete = DeleteTemplate::new(Units::of(unit));
    assert!(delete.delete(actor().workspace.id, id()).await.is_ok());
    assert!(committed.load(Ordering::SeqCst));
}
