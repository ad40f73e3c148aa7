//! What clients write to publish a status.

use msgflash_kernel::Problems;
use msgflash_messaging::InstanceId;
use msgflash_messaging::provider::StatusContent;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};
use crate::services::MediaTargets;

const MAX_TEXT: u64 = 700;
const MAX_CAPTION: u64 = 1024;
/// The provider wants a colour with every text.
const BLACK: &str = "#000000";

/// The words for what a status is.
pub(crate) const TYPES: [&str; 2] = ["text", "image"];

/// What a status is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Image,
}

/// A status. Which other members are read depends on the type; the rest is ignored.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewStatus)]
pub struct StatusBody {
    /// The instance that publishes it; it must be connected.
    #[serde(default)]
    #[schema(value_type = uuid::Uuid, required = true,
        example = "0197b3c0-1111-7000-8000-000000000001")]
    pub instance_id: Field<String>,
    /// `text` or `image`.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "text")]
    pub r#type: Field<String>,
    /// Of `text`: 1 to 700 characters. Of `image`: an absolute public `http` or `https` URL, up to 2048
    /// characters, or one of the workspace's uploads.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 2048, example = "Open until 8 p.m. tonight")]
    pub content: Field<String>,
    /// Words under an image.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1024)]
    pub caption: Field<String>,
    /// The colour behind a text, `#RRGGBB`; black when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^#[0-9A-Fa-f]{6}$", example = "#1F6F54")]
    pub background_color: Field<String>,
}

impl StatusBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
        targets: MediaTargets<'_>,
    ) -> Result<(InstanceId, StatusContent), Problems> {
        let instance = check.id("instanceId", &self.instance_id, Need::Must);
        let kind = check.word(
            "type",
            &self.r#type,
            Need::Must,
            &TYPES.join(", "),
            |word| match word {
                "text" => Some(Type::Text),
                "image" => Some(Type::Image),
                _ => None,
            },
        );
        let content = match kind {
            Some(Type::Text) => self.text(&mut check),
            Some(Type::Image) => self.image(&mut check, targets),
            None => None,
        };
        check.finish()?;
        let missing = || Problems::one("", "invalid", "The body does not describe a status");
        instance.zip(content).ok_or_else(missing)
    }

    fn text(&self, check: &mut Check) -> Option<StatusContent> {
        let text = check.text("content", &self.content, Need::Must, MAX_TEXT);
        let color = check.given("backgroundColor", &self.background_color, Need::May, "text");
        if color.is_some_and(|color| !is_color(color)) {
            let message = "Must be a colour such as #1F6F54";
            check.refuse("backgroundColor", "invalid_color", message);
        }
        Some(StatusContent::Text {
            text: text?,
            background: color.cloned().unwrap_or_else(|| BLACK.to_owned()),
        })
    }

    fn image(&self, check: &mut Check, targets: MediaTargets<'_>) -> Option<StatusContent> {
        let caption = check.text("caption", &self.caption, Need::May, MAX_CAPTION);
        let url = check.url("content", &self.content, Need::Must)?;
        if let Err(reason) = targets.check(&url) {
            check.refuse("content", "private_address", reason);
            return None;
        }
        // As written: what follows it must not depend on our spelling.
        let url = self.content.valid().cloned()?;
        Some(StatusContent::Image { url, caption })
    }
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#');
    digits.is_some_and(|it| it.len() == 6 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
