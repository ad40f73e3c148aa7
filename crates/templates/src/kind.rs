//! The types a template may have.

/// What a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// Plain text.
    Text,
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A sound file.
    Audio,
    /// A file.
    Document,
}

impl TemplateKind {
    /// Every type, in the order the documentation lists them.
    pub const ALL: [Self; 5] = [
        Self::Text,
        Self::Image,
        Self::Video,
        Self::Audio,
        Self::Document,
    ];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it carries media, and its body is a caption.
    pub const fn is_media(self) -> bool {
        !matches!(self, Self::Text)
    }

    /// The longest text of such a message, before and after rendering, in characters.
    pub const fn limit(self) -> usize {
        if self.is_media() {
            super::MAX_CAPTION
        } else {
            super::MAX_TEXT
        }
    }
}
