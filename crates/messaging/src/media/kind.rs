//! Which files are taken, and how what sniffing found is weighed against what was said.

/// A kind of file that WhatsApp shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Anything to be opened.
    Document,
    /// Sound.
    Audio,
}

impl Family {
    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Document => "document",
            Self::Audio => "audio",
        }
    }

    /// The most bytes of one file.
    pub const fn limit(self) -> u64 {
        match self {
            Self::Image => 5 << 20,
            Self::Document => 10 << 20,
            Self::Video | Self::Audio => 16 << 20,
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    Webp,
    /// `image/gif`
    Gif,
    /// `video/mp4`
    Mp4,
    /// `video/3gpp`
    ThreeGpp,
    /// `application/pdf`
    Pdf,
    /// Word before 2007.
    Doc,
    /// Word.
    Docx,
    /// Excel before 2007.
    Xls,
    /// Excel.
    Xlsx,
    /// `audio/mpeg`
    Mp3,
    /// `audio/ogg`
    Ogg,
    /// `audio/mp4`
    M4a,
    /// `audio/aac`
    Aac,
    /// `audio/amr`
    Amr,
    /// `audio/webm`
    Webm,
}

impl MediaType {
    /// Every one.
    pub const ALL: [Self; 17] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Mp4,
        Self::ThreeGpp,
        Self::Pdf,
        Self::Doc,
        Self::Docx,
        Self::Xls,
        Self::Xlsx,
        Self::Mp3,
        Self::Ogg,
        Self::M4a,
        Self::Aac,
        Self::Amr,
        Self::Webm,
    ];

    /// The published MIME type.
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Mp4 => "video/mp4",
            Self::ThreeGpp => "video/3gpp",
            Self::Pdf => "application/pdf",
            Self::Doc => "application/msword",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xls => "application/vnd.ms-excel",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Mp3 => "audio/mpeg",
            Self::Ogg => "audio/ogg",
            Self::M4a => "audio/mp4",
            Self::Aac => "audio/aac",
            Self::Amr => "audio/amr",
            Self::Webm => "audio/webm",
        }
    }

    /// The type a MIME type names.
    pub fn parse(mime: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.mime() == mime)
    }

    /// What it is shown as.
    pub const fn family(self) -> Family {
        match self {
            Self::Jpeg | Self::Png | Self::Webp | Self::Gif => Family::Image,
            Self::Mp4 | Self::ThreeGpp => Family::Video,
            Self::Pdf | Self::Doc | Self::Docx | Self::Xls | Self::Xlsx => Family::Document,
            Self::Mp3 | Self::Ogg | Self::M4a | Self::Aac | Self::Amr | Self::Webm => Family::Audio,
        }
    }

    /// How names of such files end, the usual ending first. From it others derive the type.
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Webp => &["webp"],
            Self::Gif => &["gif"],
            Self::Mp4 => &["mp4"],
            Self::ThreeGpp => &["3gp"],
            Self::Pdf => &["pdf"],
            Self::Doc => &["doc"],
            Self::Docx => &["docx"],
            Self::Xls => &["xls"],
            Self::Xlsx => &["xlsx"],
            Self::Mp3 => &["mp3"],
            Self::Ogg => &["ogg", "oga", "opus"],
            Self::M4a => &["m4a"],
            Self::Aac => &["aac"],
            Self::Amr => &["amr"],
            // `webm` would be taken for a film.
            Self::Webm => &["weba"],
        }
    }

    /// Whether recorders of voices write it.
    pub const fn is_spoken(self) -> bool {
        matches!(self, Self::Ogg | Self::Webm)
    }

    /// What a file is, if it may be taken. Its bytes decide; what the uploader said of it counts only
    /// among types whose bytes look alike.
    pub fn judge(sniffed: &Sniffed, declared: Option<&str>, name: Option<&str>) -> Option<Self> {
        let (alike, usual) = match *sniffed {
            Sniffed::Is(found) => return Some(found),
            Sniffed::OneOf { alike, usual } => (alike, usual),
            Sniffed::Other => return None,
        };
        let said = declared.and_then(|it| Self::parse(plain(it)));
        let ending = name.and_then(|it| it.rsplit_once('.')).map(|it| it.1);
        let ended = |it: &&Self| {
            let endings = it.endings().iter();
            let also = (**it == Self::Webm).then_some(&"webm");
            endings
                .chain(also)
                .any(|own| ending.is_some_and(|ending| ending.eq_ignore_ascii_case(own)))
        };
        let said = said.filter(|it| alike.contains(it));
        // Who says that it is something else than all of these is believed in that alone.
        let contradicts = said.is_none() && declared.is_some_and(is_telling);
        said.or_else(|| {
            let found = alike.iter().find(ended).copied();
            found.filter(|_| !contradicts)
        })
        .or(usual)
    }
}

/// A type without its parameters, under the name that is published.
fn plain(declared: &str) -> &str {
    let bare = declared.split(';').next().unwrap_or_default().trim();
    match bare {
        "audio/m4a" | "audio/x-m4a" => "audio/mp4",
        other => other,
    }
}

/// Whether a declared type says anything at all.
fn is_telling(declared: &str) -> bool {
    !matches!(plain(declared), "" | "application/octet-stream")
}

/// What the bytes of a file look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffed {
    /// Surely this.
    Is(MediaType),
    /// One of several that look alike.
    OneOf {
        /// Which.
        alike: &'static [MediaType],
        /// What it is when nobody says; `None` when somebody must.
        usual: Option<MediaType>,
    },
    /// Something that is not taken, or nothing known.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MP4: Sniffed = Sniffed::OneOf {
        alike: &[MediaType::Mp4, MediaType::M4a],
        usual: Some(MediaType::Mp4),
    };
    const OLE: Sniffed = Sniffed::OneOf {
        alike: &[MediaType::Doc, MediaType::Xls],
        usual: None,
    };
    const WEBM: Sniffed = Sniffed::OneOf {
        alike: &[MediaType::Webm],
        usual: None,
    };

    #[test]
    fn no_word_of_the_uploader_overrules_the_bytes() {
        let judge = |sniffed| MediaType::judge(&sniffed, Some("image/png"), Some("a.png"));
        assert_eq!(judge(Sniffed::Is(MediaType::Pdf)), Some(MediaType::Pdf));
        assert_eq!(judge(Sniffed::Other), None);
        assert_eq!(judge(OLE), None);
    }

    #[test]
    fn among_types_that_look_alike_the_declared_one_wins_and_then_the_ending() {
        let judge = MediaType::judge;
        let m4a = Some(MediaType::M4a);
        assert_eq!(judge(&MP4, Some("audio/x-m4a; x=1"), None), m4a);
        assert_eq!(judge(&MP4, None, Some("song.M4A")), m4a);
        assert_eq!(
            judge(&MP4, Some("video/mp4"), Some("a.m4a")),
            Some(MediaType::Mp4)
        );
        assert_eq!(judge(&MP4, None, None), Some(MediaType::Mp4));
        let stream = Some("application/octet-stream");
        assert_eq!(judge(&OLE, stream, Some("b.xls")), Some(MediaType::Xls));
        assert_eq!(judge(&OLE, stream, Some("b")), None);
    }

    #[test]
    fn a_film_in_a_container_for_sound_is_not_taken_for_sound() {
        let judge = |said, name| MediaType::judge(&WEBM, said, name);
        assert_eq!(judge(Some("video/webm"), Some("a.webm")), None);
        assert_eq!(judge(None, None), None);
        let sound = Some(MediaType::Webm);
        assert_eq!(judge(Some("audio/webm;codecs=opus"), Some("a.webm")), sound);
        assert_eq!(judge(None, Some("voice-note.webm")), sound);
    }

    #[test]
    fn mime_types_read_back_and_no_ending_is_shared() {
        let mut endings = std::collections::HashSet::new();
        for kind in MediaType::ALL {
            assert_eq!(MediaType::parse(kind.mime()), Some(kind));
            assert!(kind.endings().iter().all(|it| endings.insert(*it)));
        }
    }
}
