//! What a mail says, as text and as HTML.

use std::fmt;
use std::fmt::Write as _;

use time::Duration;

/// What a mail says, before it has a form.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// What sort of mail it is, such as `verify_email`.
    pub kind: &'static str,
    /// The subject.
    pub subject: String,
    /// Paragraphs before the link.
    pub before: Vec<String>,
    /// What the link is called, and where it goes.
    pub link: Option<(String, String)>,
    /// Paragraphs after it.
    pub after: Vec<String>,
    /// How long it makes sense to send it, where that is less than usual.
    pub counts_for: Option<Duration>,
}

impl fmt::Debug for Draft {
    /// Links open accounts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} •••", self.kind, self.subject)
    }
}

/// A mail as it is sent: subject, text and HTML.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, one line.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

impl fmt::Debug for Rendered {
    /// Bodies carry links that open accounts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} •••", self.subject)
    }
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
     <meta name=\"viewport\" content=\"width=device-width\"></head>\n\
     <body style=\"margin:0;padding:24px;background:#f4f5f7;color:#1f2430;\
     font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\n\
     <div style=\"max-width:560px;margin:0 auto;padding:32px;background:#fff;border-radius:8px\">\n";
const FOOT: &str = "</div>\n</body></html>\n";
const BUTTON: &str = "display:inline-block;padding:12px 20px;background:#0b7a4b;color:#fff;\
     border-radius:6px;text-decoration:none;font-weight:600";

impl Draft {
    /// Subject, text and HTML.
    pub fn render(&self) -> Rendered {
        Rendered {
            subject: one_line(&self.subject),
            text: self.text(),
            html: self.html(),
        }
    }

    fn text(&self) -> String {
        let link = self.link.iter().map(|(name, to)| format!("{name}:\n{to}"));
        let parts = self.before.iter().cloned().chain(link);
        let parts: Vec<_> = parts.chain(self.after.iter().cloned()).collect();
        parts.join("\n\n") + "\n"
    }

    fn html(&self) -> String {
        let mut html = HEAD.to_owned();
        let paragraph = |html: &mut String, text: &str| {
            let text = escaped(text);
            writeln!(html, "<p>{text}</p>").expect("text takes everything");
        };
        for text in &self.before {
            paragraph(&mut html, text);
        }
        if let Some((name, to)) = &self.link {
            let (name, to) = (escaped(name), escaped(to));
            writeln!(
                html,
                "<p><a href=\"{to}\" style=\"{BUTTON}\">{name}</a></p>\n\
                 <p style=\"font-size:13px;color:#5b6270;word-break:break-all\">{to}</p>"
            )
            .expect("text takes everything");
        }
        for text in &self.after {
            paragraph(&mut html, text);
        }
        html + FOOT
    }
}

/// A subject with a line break in it could add headers.
fn one_line(text: &str) -> String {
    let blank = |symbol: char| if symbol.is_control() { ' ' } else { symbol };
    text.chars().map(blank).collect()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft {
            kind: "team_invitation",
            subject: "Join \"A & B\"\r\nBcc: everybody@shop.test".to_owned(),
            before: vec!["<script>alert('x')</script> & more".to_owned()],
            link: Some((
                "Join".to_owned(),
                "https://app.test/?a=1&b=\"2\"".to_owned(),
            )),
            after: vec!["Good bye".to_owned()],
            counts_for: None,
        }
    }

    #[test]
    fn nothing_that_somebody_wrote_becomes_markup() {
        let html = draft().render().html;
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more</p>"));
        assert!(html.contains("href=\"https://app.test/?a=1&amp;b=&quot;2&quot;\""));
    }

    #[test]
    fn the_text_has_the_link_on_a_line_of_its_own() {
        let text = draft().render().text;
        let expected = "<script>alert('x')</script> & more\n\n\
                        Join:\nhttps://app.test/?a=1&b=\"2\"\n\nGood bye\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_subject_is_one_line() {
        let subject = draft().render().subject;
        assert_eq!(subject, "Join \"A & B\"  Bcc: everybody@shop.test");
    }

    #[test]
    fn printing_a_mail_does_not_show_its_links() {
        assert!(!format!("{:?}", draft().render()).contains("app.test"));
    }
}
