//! Templates, and what their placeholders may name.

mod context;

use std::sync::Arc;

use msgflash_kernel::{
    Actor, FixedClock, Id, Ids as _, Once, Outcome, RandomIds, ReplayKey, StoreError, StoredAnswer,
    Workspace,
};
use msgflash_postgres::Postgres;
use msgflash_templates::{
    CreateTemplate, DeleteTemplate, Draft, PageNumber, ReviseTemplate, Revision, Template,
    TemplateError, TemplateKind, TemplateOrder, TemplateReader, TemplateUnits,
};
use time::Duration;
use tokio::task::JoinSet;

use crate::stage::{NOW, Stage, fresh};

const HELLO: &str = "Hello {{contact.firstName}}, use {{custom.code}}";

async fn personal(stage: &Stage) -> Workspace {
    let user = stage
        .user(&format!("{}@example.com", RandomIds.next()))
        .await;
    Workspace::personal(user.id)
}

fn order(workspace: Workspace, name: &str) -> TemplateOrder {
    let actor = Actor::new(workspace, workspace.owner());
    let draft = Draft {
        name: name.to_owned(),
        kind: TemplateKind::Text,
        body: Some(HELLO.to_owned()),
        media_url: None,
    };
    TemplateOrder { actor, draft }
}

fn create(postgres: &Postgres) -> CreateTemplate {
    let clock = Arc::new(FixedClock::at(NOW));
    CreateTemplate::new(Arc::new(postgres.clone()), clock, Arc::new(RandomIds))
}

async fn made(stage: &Stage, order: TemplateOrder) -> Template {
    let outcome = create(&stage.postgres).create(order, None).await;
    let Ok(Outcome::Done(template)) = outcome else {
        panic!("{outcome:?}")
    };
    template
}

async fn find(stage: &Stage, like: &Template) -> Option<Template> {
    let found = TemplateReader::find(&stage.postgres, like.workspace.id, like.id).await;
    found.expect("read")
}

async fn names(stage: &Stage, workspace: Workspace, page: u32, limit: u32) -> (Vec<String>, u64) {
    let page = PageNumber { page, limit };
    let found = stage.postgres.page(workspace.id, page).await.expect("read");
    let names = found.templates.iter().map(|it| it.name().to_owned());
    (names.collect(), found.total)
}

#[tokio::test]
async fn a_template_is_kept_to_the_field_in_its_workspace_only() {
    let stage = Stage::new().await;
    let personal = personal(&stage).await;
    let user = personal.owner();
    let team = Workspace::team(fresh(), user);
    for workspace in [personal, team] {
        let mut order = order(workspace, "Größe {{}} 'x'");
        order.actor.user = fresh();
        let text = made(&stage, order.clone()).await;
        assert_eq!(find(&stage, &text).await, Some(text.clone()));
        order.draft.kind = TemplateKind::Document;
        order.draft.body = None;
        order.draft.media_url = Some("https://files.example.com/a.pdf".to_owned());
        let media = made(&stage, order).await;
        assert_eq!(find(&stage, &media).await, Some(media.clone()));
        for other in [personal, team].into_iter().filter(|it| *it != workspace) {
            let elsewhere = TemplateReader::find(&stage.postgres, other.id, text.id).await;
            assert_eq!(elsewhere.expect("read"), None);
        }
    }
}

#[tokio::test]
async fn pages_show_the_newest_first_and_tell_how_many_there_are() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let other = personal(&stage).await;
    for name in ["1", "2", "3", "4", "5"] {
        made(&stage, order(workspace, name)).await;
        made(&stage, order(other, "theirs")).await;
    }
    let words = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    for (page, limit, expected) in [
        (1, 2, &["5", "4"][..]),
        (2, 2, &["3", "2"]),
        (3, 2, &["1"]),
        (4, 2, &[]),
        (1, 100, &["5", "4", "3", "2", "1"]),
        (u32::MAX, 100, &[]),
    ] {
        let found = names(&stage, workspace, page, limit).await;
        assert_eq!(found, (words(expected), 5), "page {page} of {limit}");
    }
    assert_eq!(
        names(&stage, Workspace::personal(fresh()), 1, 20).await,
        (vec![], 0)
    );
}

#[tokio::test]
async fn a_revision_is_kept_and_touches_nothing_else() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let kept = made(&stage, order(workspace, "kept")).await;
    let mut image = order(workspace, "before");
    image.draft.kind = TemplateKind::Image;
    image.draft.media_url = Some("https://files.example.com/a.jpg".to_owned());
    let template = made(&stage, image).await;
    let clock = Arc::new(FixedClock::at(NOW + Duration::hours(1)));
    let revise = ReviseTemplate::new(Arc::new(stage.postgres.clone()), clock);
    let revision = Revision {
        name: Some("after".to_owned()),
        body: Some(String::new()),
        media_url: Some("https://files.example.com/b.jpg".to_owned()),
        kind: None,
    };
    let revised = revise
        .revise(workspace.id, template.id, revision.clone())
        .await
        .expect("revised");
    assert_eq!(
        (revised.name(), revised.body(), revised.media_url()),
        ("after", None, Some("https://files.example.com/b.jpg"))
    );
    assert_eq!(revised.updated_at, NOW + Duration::hours(1));
    assert_eq!(find(&stage, &template).await, Some(revised));
    assert_eq!(find(&stage, &kept).await, Some(kept));
    let elsewhere = revise.revise(fresh(), template.id, revision).await;
    assert!(matches!(elsewhere, Err(TemplateError::NoTemplate(_))));
}

#[tokio::test]
async fn two_revisions_at_once_do_not_lose_each_others_change() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let template = made(&stage, order(workspace, "before")).await;
    let mut revisions = JoinSet::new();
    for at in 0..20 {
        let clock = Arc::new(FixedClock::at(NOW));
        let revise = ReviseTemplate::new(Arc::new(stage.postgres.clone()), clock);
        let revision = if at % 2 == 0 {
            Revision {
                name: Some("after".to_owned()),
                ..Revision::default()
            }
        } else {
            Revision {
                body: Some("after".to_owned()),
                ..Revision::default()
            }
        };
        revisions.spawn(async move { revise.revise(workspace.id, template.id, revision).await });
    }
    for revised in revisions.join_all().await {
        revised.expect("revised");
    }
    let found = find(&stage, &template).await.expect("there");
    assert_eq!((found.name(), found.body()), ("after", Some("after")));
}

#[tokio::test]
async fn deleting_works_once_and_only_in_the_own_workspace() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let kept = made(&stage, order(workspace, "kept")).await;
    let doomed = made(&stage, order(workspace, "doomed")).await;
    let delete = DeleteTemplate::new(Arc::new(stage.postgres.clone()));
    let elsewhere = delete.delete(fresh(), doomed.id).await;
    assert!(matches!(elsewhere, Err(TemplateError::NoTemplate(_))));
    delete.delete(workspace.id, doomed.id).await.expect("gone");
    let again = delete.delete(workspace.id, doomed.id).await;
    assert!(matches!(again, Err(TemplateError::NoTemplate(_))));
    assert_eq!(find(&stage, &doomed).await, None);
    assert_eq!(find(&stage, &kept).await, Some(kept));
}

#[tokio::test]
async fn a_unit_that_is_dropped_leaves_nothing() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let template = made(&stage, order(workspace, "before")).await;
    let mut unit = TemplateUnits::begin(&stage.postgres).await.expect("begun");
    let gone = unit.templates().delete(workspace.id, template.id).await;
    assert!(gone.expect("deleted"));
    drop(unit);
    assert_eq!(find(&stage, &template).await, Some(template));
}

#[tokio::test]
async fn ten_equal_creations_at_once_are_one_template() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let mut creations = JoinSet::new();
    for _ in 0..10 {
        let create = create(&stage.postgres);
        creations.spawn(async move {
            let key = ReplayKey {
                workspace: workspace.id,
                route: "POST /api/v1/templates",
                key: [1; 32],
                request: [2; 32],
            };
            let render = |template: &Template| StoredAnswer {
                status: 201,
                body: template.id.to_string(),
            };
            let once = Once {
                key: &key,
                render: &render,
            };
            match create.create(order(workspace, "once"), Some(once)).await {
                Ok(Outcome::Done(template)) => (true, template.id.to_string()),
                Ok(Outcome::Replayed(answer)) => (false, answer.body),
                Err(refused) => panic!("{refused:?}"),
            }
        });
    }
    let answers = creations.join_all().await;
    assert_eq!(answers.iter().filter(|(fresh, _)| *fresh).count(), 1);
    assert!(answers.iter().all(|(_, id)| *id == answers[0].1));
    assert_eq!(names(&stage, workspace, 1, 20).await.1, 1);
}

#[tokio::test]
async fn a_stored_body_that_is_none_is_read_all_the_same() {
    let stage = Stage::new().await;
    let workspace = personal(&stage).await;
    let template = made(&stage, order(workspace, "a")).await;
    let session = stage.session().await;
    let set = async |change: &str| {
        let text = format!("UPDATE templates SET {change}");
        session.execute(&text, &[]).await.map(drop)
    };
    set("body = 'Hello {{firstname}}'").await.expect("written");
    let found = find(&stage, &template).await.expect("there");
    assert_eq!(found.body(), Some("Hello {{firstname}}"));
    assert!(found.variables().is_empty());
    assert!(matches!(found.program(), Err(TemplateError::Unsound(_))));
    let refused = set("kind = 'poem'").await.expect_err("a known type");
    let broken = refused.as_db_error().and_then(|it| it.constraint());
    assert_eq!(broken, Some("templates_kind_known"));
    session
        .batch_execute(
            "ALTER TABLE templates DROP CONSTRAINT templates_kind_known; \
             UPDATE templates SET kind = 'poem'",
        )
        .await
        .expect("written");
    let found = TemplateReader::find(&stage.postgres, workspace.id, Id::new(template.id.uuid()));
    assert!(matches!(found.await, Err(StoreError::Corrupt { .. })));
}
