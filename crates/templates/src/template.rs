//! One template: what it must be, and what it becomes.

use msgflash_kernel::{Actor, Id, Problems, UserId, Workspace};
use time::OffsetDateTime;

use crate::MAX_NAME;
use crate::engine::{Flaws, MissingVariables, Program, Values};
use crate::error::{TemplateError, note_flaws};
use crate::kind::TemplateKind;

/// Marker of [`TemplateId`].
pub enum TemplateMark {}
/// The id of a template.
pub type TemplateId = Id<TemplateMark>;

/// A message with gaps. One that was made or revised here is sound; one that was stored is taken
/// as it is, and found out when it is rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    name: String,
    kind: TemplateKind,
    body: Option<Body>,
    media_url: Option<String>,
}

/// A body, parsed once.
#[derive(Clone, Debug, PartialEq)]
enum Body {
    Sound(Program),
    /// Stored by other means, or under other rules.
    Broken(String, Flaws),
}

/// What a new template is made of, as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// A label for people, 1-100 characters.
    pub name: String,
    /// Its type, for good.
    pub kind: TemplateKind,
    /// Text of 1-4096 characters, or a caption of at most 1024; a blank caption is none.
    pub body: Option<String>,
    /// Where the media lies. The caller has checked that the address may be used; a text template
    /// ignores it.
    pub media_url: Option<String>,
}

/// What changes about a template; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// A label for people.
    pub name: Option<String>,
    /// Its type, which may be repeated but not changed.
    pub kind: Option<TemplateKind>,
    /// The body. A blank one takes the caption off a media template.
    pub body: Option<String>,
    /// Where the media lies, as in [`Draft`].
    pub media_url: Option<String>,
}

/// A template as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTemplate {
    /// Its id.
    pub id: TemplateId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Who made it.
    pub created_by: UserId,
    /// Its label.
    pub name: String,
    /// Its type.
    pub kind: TemplateKind,
    /// Its body.
    pub body: Option<String>,
    /// Where the media lies.
    pub media_url: Option<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Template {
    /// A new template.
    pub fn new(
        id: TemplateId,
        actor: Actor,
        draft: Draft,
        now: OffsetDateTime,
    ) -> Result<Self, TemplateError> {
        let body = draft.check()?;
        Ok(Self {
            id,
            workspace: actor.workspace,
            created_by: actor.user,
            created_at: now,
            updated_at: now,
            name: draft.name,
            kind: draft.kind,
            body: body.map(Body::Sound),
            media_url: draft.media_url.filter(|_| draft.kind.is_media()),
        })
    }

    /// The template a row holds, sound or not.
    pub fn restore(stored: StoredTemplate) -> Self {
        let body = stored.body.map(|text| match Program::parse(text.as_str()) {
            Ok(program) => Body::Sound(program),
            Err(flaws) => Body::Broken(text, flaws),
        });
        Self {
            id: stored.id,
            workspace: stored.workspace,
            created_by: stored.created_by,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
            name: stored.name,
            kind: stored.kind,
            body,
            media_url: stored.media_url,
        }
    }

    /// The template with what changes, as sound as a new one. Its time moves only when something
    /// did change.
    pub fn revise(&self, revision: Revision, now: OffsetDateTime) -> Result<Self, TemplateError> {
        let mut problems = Problems::default();
        if revision.kind.is_some_and(|kind| kind != self.kind) {
            problems.add("type", "not_allowed", "The type of a template stays");
        }
        if revision == Revision::default() {
            return Ok(self.clone());
        }
        let draft = Draft {
            name: revision.name.unwrap_or_else(|| self.name.clone()),
            kind: self.kind,
            body: revision.body.or_else(|| self.body().map(str::to_owned)),
            media_url: revision.media_url.or_else(|| self.media_url.clone()),
        };
        draft.note(&mut problems);
        problems.into_result()?;
        let actor = Actor::new(self.workspace, self.created_by);
        let mut revised = Self::new(self.id, actor, draft, self.updated_at)?;
        revised.created_at = self.created_at;
        if revised != *self {
            revised.updated_at = now;
        }
        Ok(revised)
    }

    /// The label.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type.
    pub const fn kind(&self) -> TemplateKind {
        self.kind
    }

    /// The body as written.
    pub fn body(&self) -> Option<&str> {
        match self.body.as_ref()? {
            Body::Sound(program) => Some(program.text()),
            Body::Broken(text, _) => Some(text),
        }
    }

    /// Where the media lies; none for a text.
    pub fn media_url(&self) -> Option<&str> {
        self.media_url.as_deref()
    }

    /// The different placeholders of the body, in the order of their first appearance; none when
    /// there is no sound body.
    pub fn variables(&self) -> Vec<String> {
        let program = self.program().ok().flatten();
        program.map_or_else(Vec::new, |it| it.variables().map(str::to_owned).collect())
    }

    /// The parsed body, if there is one; a refusal when this template cannot make a message.
    pub fn program(&self) -> Result<Option<&Program>, TemplateError> {
        let mut problems = Problems::default();
        let program = match &self.body {
            Some(Body::Sound(program)) => Some(program),
            Some(Body::Broken(_, flaws)) => {
                note_flaws(&mut problems, flaws);
                None
            }
            None => {
                if !self.kind.is_media() {
                    problems.add("body", "required", "A text template needs a body");
                }
                None
            }
        };
        note_media(&mut problems, self.kind, self.media_url.as_deref());
        unsound(problems).map(|()| program)
    }

    /// Puts the text or caption of one message into `into`, in place of what it held. A media
    /// template without a body has an empty caption.
    pub fn render(&self, values: &Values<'_>, into: &mut String) -> Result<(), TemplateError> {
        into.clear();
        let Some(program) = self.program()? else {
            return Ok(());
        };
        program.render(values, self.kind.limit(), into)?;
        self.require_text(into)
    }

    /// The same, but a placeholder without a value stays as it is written, and is told.
    pub fn preview(
        &self,
        values: &Values<'_>,
        into: &mut String,
    ) -> Result<MissingVariables, TemplateError> {
        into.clear();
        let Some(program) = self.program()? else {
            return Ok(MissingVariables::default());
        };
        let missing = program.preview(values, self.kind.limit(), into)?;
        self.require_text(into)?;
        Ok(missing)
    }

    /// WhatsApp carries no empty text.
    fn require_text(&self, rendered: &mut String) -> Result<(), TemplateError> {
        if self.kind.is_media() || !rendered.trim().is_empty() {
            return Ok(());
        }
        rendered.clear();
        Err(TemplateError::unsound(
            "body",
            "too_short",
            "The rendered text is empty",
        ))
    }
}

impl Draft {
    /// The parsed body, or everything wrong: first with the fields, then with the template they
    /// make.
    fn check(&self) -> Result<Option<Program>, TemplateError> {
        let mut problems = Problems::default();
        self.note(&mut problems);
        problems.into_result()?;

        let mut problems = Problems::default();
        let body = self.body.as_ref().filter(|body| !body.trim().is_empty());
        let program = body.map(|body| Program::parse(body.as_str()));
        if let Some(Err(flaws)) = &program {
            note_flaws(&mut problems, flaws);
        }
        note_media(&mut problems, self.kind, self.media_url.as_deref());
        unsound(problems)?;
        Ok(program.and_then(Result::ok))
    }

    /// Notes what is wrong with the fields, each alone.
    fn note(&self, problems: &mut Problems) {
        note_text(problems, "name", Some(&self.name), true, MAX_NAME);
        let (must, limit) = (!self.kind.is_media(), self.kind.limit());
        note_text(problems, "body", self.body.as_deref(), must, limit);
    }
}

fn note_text(problems: &mut Problems, field: &str, text: Option<&str>, must: bool, limit: usize) {
    let Some(text) = text else {
        if must {
            problems.add(field, "required", "Required");
        }
        return;
    };
    if must && text.trim().is_empty() {
        problems.add(field, "too_short", "Must not be empty");
    } else if text.chars().count() > limit {
        let message = format!("Must have at most {limit} characters");
        problems.add(field, "too_long", message);
    } else if text.contains('\0') {
        let message = "Must not contain the NUL character";
        problems.add(field, "invalid_characters", message);
    }
}

fn note_media(problems: &mut Problems, kind: TemplateKind, media_url: Option<&str>) {
    if kind.is_media() && media_url.is_none() {
        let message = format!("A template of type {} needs mediaUrl", kind.as_str());
        problems.add("mediaUrl", "required", message);
    }
}

fn unsound(problems: Problems) -> Result<(), TemplateError> {
    problems.into_result().map_err(TemplateError::Unsound)
}

#[cfg(test)]
mod tests;
