//! What the tests of this crate share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{
    Actor, Id, MockReplayStore, Phone, ReplayStore, StoreError, TeamId, Unit, UserId, Workspace,
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::context::{ContactFacts, InstanceFacts, UserFacts};
use crate::kind::TemplateKind;
use crate::ports::{MockTemplateReader, MockTemplateStore};
use crate::ports::{TemplateStore, TemplateUnit, TemplateUnits};
use crate::template::{StoredTemplate, Template, TemplateId};

pub(crate) const BEFORE: OffsetDateTime = datetime!(2026-04-01 11:00 UTC);
pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

/// One unit; what was done to it shows in the mocks and in `committed`.
#[derive(Default)]
pub(crate) struct FakeUnit {
    pub(crate) replays: MockReplayStore,
    pub(crate) templates: MockTemplateStore,
    pub(crate) committed: Arc<AtomicBool>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl TemplateUnit for FakeUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn templates(&mut self) -> &mut dyn TemplateStore {
        &mut self.templates
    }
}

/// Begins the one unit it was given.
pub(crate) struct Units(Mutex<Option<FakeUnit>>);

impl Units {
    pub(crate) fn of(unit: FakeUnit) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(unit))))
    }

    /// For what must not write.
    pub(crate) fn none() -> Arc<Self> {
        Arc::new(Self(Mutex::new(None)))
    }
}

#[async_trait]
impl TemplateUnits for Units {
    async fn begin(&self) -> Result<Box<dyn TemplateUnit>, StoreError> {
        let unit = self.0.lock().unwrap().take();
        Ok(Box::new(unit.expect("no more units than the test gives")))
    }
}

/// A member who works in the workspace of a team that somebody else pays for.
pub(crate) fn actor() -> Actor {
    let team: TeamId = Id::new(Uuid::from_u128(7));
    let owner: UserId = Id::new(Uuid::from_u128(1));
    Actor::new(Workspace::team(team, owner), Id::new(Uuid::from_u128(2)))
}

pub(crate) fn id() -> TemplateId {
    Id::new(Uuid::from_u128(9))
}

/// A stored text template.
pub(crate) fn stored(body: &str) -> StoredTemplate {
    StoredTemplate {
        id: id(),
        workspace: actor().workspace,
        created_by: actor().user,
        name: "Cart reminder".into(),
        kind: TemplateKind::Text,
        body: Some(body.into()),
        media_url: None,
        created_at: BEFORE,
        updated_at: BEFORE,
    }
}

/// The same with a picture.
pub(crate) fn picture(body: Option<&str>) -> StoredTemplate {
    StoredTemplate {
        kind: TemplateKind::Image,
        body: body.map(str::to_owned),
        media_url: Some("https://files.example.com/a.jpg".into()),
        ..stored("")
    }
}

/// A reader that knows one template of the actor's workspace.
pub(crate) fn reader(stored: StoredTemplate) -> MockTemplateReader {
    let template = Template::restore(stored);
    let mut reader = MockTemplateReader::new();
    reader.expect_find().returning(move |workspace, id| {
        let is_it = template.workspace.id == workspace && template.id == id;
        Ok(is_it.then(|| template.clone()))
    });
    reader
}

pub(crate) fn phone() -> Phone {
    Phone::parse("+33612345678").unwrap()
}

pub(crate) fn awa() -> ContactFacts {
    ContactFacts {
        id: Uuid::from_u128(30),
        name: "Awa Diop".into(),
        phone: Phone::parse("+221770000000").unwrap(),
        tags: vec!["vip".into(), "dakar".into()],
        meta: Some(json!({ "city": "Dakar" })),
    }
}

pub(crate) fn shop() -> InstanceFacts {
    InstanceFacts {
        name: "Main shop".into(),
        wa_number: None,
    }
}

pub(crate) fn owner() -> UserFacts {
    UserFacts {
        full_name: "Ines Roy".into(),
        email: "ines@example.com".into(),
        phone: None,
    }
}

pub(crate) fn variables(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
