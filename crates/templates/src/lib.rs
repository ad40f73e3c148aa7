//! Message templates: a body with placeholders, and what it becomes for one recipient.
//!
//! Knows the grammar of placeholders, which values they may name, and what a template must be;
//! refuses to know where contacts and instances come from or how a message is sent. Start at
//! [`engine`] for the placeholders, at [`template`] for what users manage and at [`render`] for
//! what sending needs.
//!
//! Rendering asks for two ports, [`TemplateReader`] and [`ContextSource`]; managing templates for
//! [`TemplateUnits`] as well. The placeholders alone ask for none. Mocks come with the feature `mocks`.
//!
//! ```
//! use msgflash_templates::engine::{ContactValues, Values};
//! use msgflash_templates::{MAX_TEXT, Program};
//!
//! let program = Program::parse("Hello {{contact.firstName}}").expect("nothing is wrong with it");
//! let awa = Values {
//!     contact: ContactValues {
//!         name: Some("Awa Diop"),
//!         ..ContactValues::default()
//!     },
//!     ..Values::default()
//! };
//! let mut text = String::new();
//! program.render(&awa, MAX_TEXT, &mut text).expect("nothing is missing");
//! assert_eq!(text, "Hello Awa");
//!
//! let nobody = program.render(&Values::default(), MAX_TEXT, &mut text);
//! let refusal = nobody.expect_err("the name is missing").to_string();
//! assert_eq!(refusal, "Missing template variables: contact.firstName");
//! ```

pub mod context;
pub mod engine;
pub mod error;
pub mod kind;
pub mod manage;
pub mod ports;
pub mod preview;
pub mod render;
pub mod template;
#[cfg(test)]
mod testing;
pub mod variables;

pub use context::{ContactFacts, InstanceFacts, UserFacts};
pub use engine::{Flaw, Flaws, Mistake, Namespace, Program, RenderError, Values};
pub use error::TemplateError;
pub use kind::TemplateKind;
pub use manage::{CreateTemplate, DeleteTemplate, ReadTemplates, ReviseTemplate, TemplateOrder};
pub use ports::{
    ContextSource, PageNumber, TemplatePage, TemplateReader, TemplateStore, TemplateUnit,
    TemplateUnits,
};
pub use preview::{Preview, PreviewOrder, PreviewTemplate};
pub use render::{Prepared, RenderOrder, RenderTemplate, Rendered};
pub use template::{Draft, Revision, StoredTemplate, Template, TemplateId};

#[cfg(any(test, feature = "mocks"))]
pub use ports::{MockContextSource, MockTemplateReader, MockTemplateStore};

/// The longest name, in characters.
pub const MAX_NAME: usize = 100;
/// The longest text, in characters.
pub const MAX_TEXT: usize = 4096;
/// The longest caption, in characters.
pub const MAX_CAPTION: usize = 1024;
