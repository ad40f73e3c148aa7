//! Names of files: what is kept of them, and how they go out.

use super::kind::MediaType;

/// The longest name that is kept, in characters; file systems take 255 bytes.
const LONGEST: usize = 120;
/// The longest name in an address.
const LONGEST_IN_URL: usize = 60;

/// What is kept of the name a file came with: no folders, nothing nobody sees, not too much.
pub(super) fn clean(raw: Option<&str>, kind: MediaType) -> String {
    let last = raw.unwrap_or_default().rsplit(['/', '\\']).next();
    let seen = |it: &char| !it.is_control() && !is_unseen(*it);
    let name: String = last.unwrap_or_default().chars().filter(seen).collect();
    let name = name.trim().trim_start_matches('.').trim();
    let usual = kind.endings()[0];
    if name.is_empty() {
        return format!("{}.{usual}", kind.family().as_str());
    }
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, ending)) if (1..=5).contains(&ending.len()) => {
            let stem: String = stem.chars().take(LONGEST - 1 - ending.len()).collect();
            format!("{stem}.{ending}")
        }
        _ => name.chars().take(LONGEST).collect(),
    }
}

/// Marks that turn the direction of text, behind which endings hide, and other characters without a
/// shape.
const fn is_unseen(it: char) -> bool {
    matches!(it,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The name with an ending of its kind: whoever opens it must not be led by another one.
pub(super) fn with_ending(name: &str, kind: MediaType) -> String {
    let usual = kind.endings()[0];
    match name.rsplit_once('.') {
        Some((stem, found)) if !stem.is_empty() => {
            let found = found.to_ascii_lowercase();
            if kind.endings().contains(&found.as_str()) {
                name.to_owned()
            } else if kind == MediaType::Webm && found == "webm" {
                format!("{stem}.{usual}")
            } else {
                format!("{name}.{usual}")
            }
        }
        _ => format!("{name}.{usual}"),
    }
}

/// The name in an address, where it only helps people: plain letters, digits, dots and hyphens.
pub(super) fn in_url(name: &str, kind: MediaType) -> String {
    let whole = with_ending(name, kind);
    let (stem, ending) = whole.rsplit_once('.').unwrap_or((&whole, "bin"));
    let mut plain = String::new();
    for it in stem.chars() {
        let fine = it.is_ascii_alphanumeric() || matches!(it, '_' | '.');
        let it = if fine { it } else { '-' };
        if !(matches!(it, '-' | '.') && plain.ends_with(it)) && plain.len() < LONGEST_IN_URL {
            plain.push(it);
        }
    }
    let plain = plain.trim_matches(['-', '.']);
    let plain = if plain.is_empty() { "file" } else { plain };
    format!("{plain}.{}", ending.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_what_nobody_sees() {
        let names = [
            ("../../etc/passwd.png", "passwd.png"),
            ("C:\\photos\\été.png", "été.png"),
            ("..", "image.png"),
            ("  ", "image.png"),
            ("a\0\r\nb.png", "ab.png"),
            ("gnp\u{202e}exe.png", "gnpexe.png"),
            (".htaccess", "htaccess"),
        ];
        for (raw, kept) in names {
            assert_eq!(clean(Some(raw), MediaType::Png), kept, "{raw:?}");
        }
        assert_eq!(clean(None, MediaType::Pdf), "document.pdf");
        let long = clean(Some(&format!("{}.png", "é".repeat(400))), MediaType::Png);
        assert_eq!(long.chars().count(), LONGEST);
        assert_eq!(long.rsplit_once('.').map(|it| it.1), Some("png"));
    }

    #[test]
    fn an_ending_never_promises_more_than_the_bytes() {
        let pdf = |name| with_ending(name, MediaType::Pdf);
        assert_eq!(pdf("invoice.hta"), "invoice.hta.pdf");
        assert_eq!(pdf("Invoice.PDF"), "Invoice.PDF");
        assert_eq!(pdf("invoice"), "invoice.pdf");
        assert_eq!(pdf(".pdf"), ".pdf.pdf");
        assert_eq!(with_ending("a.webm", MediaType::Webm), "a.weba");
    }

    #[test]
    fn addresses_carry_plain_names() {
        let png = |name| in_url(name, MediaType::Png);
        assert_eq!(png("Mon été (1).PNG"), "Mon-t-1.png");
        assert_eq!(png("日本"), "file.png");
        assert_eq!(png("a..b%2f?.svg"), "a.b-2f-.svg.png");
    }
}
