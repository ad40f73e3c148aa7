use msgflash_kernel::{Fault as _, Kind};
use serde_json::json;
use time::macros::datetime;

use super::*;
use crate::engine::ContactValues;
use crate::testing::{BEFORE, NOW, actor, id, phone, picture, stored};
use crate::{MAX_CAPTION, MAX_TEXT};

fn draft(kind: TemplateKind, body: Option<&str>) -> Draft {
    Draft {
        name: "Cart reminder".into(),
        kind,
        body: body.map(str::to_owned),
        media_url: Some("https://files.example.com/a.jpg".into()),
    }
}

fn make(draft: Draft) -> Result<Template, TemplateError> {
    Template::new(id(), actor(), draft, NOW)
}

/// The code of a refusal, and field and code of each problem.
fn told<T: std::fmt::Debug>(refused: Result<T, TemplateError>) -> (&'static str, Vec<String>) {
    let error = refused.expect_err("a refusal");
    assert_eq!(error.kind(), Kind::Invalid);
    let details = error.details().expect("details");
    let items = details.as_array().expect("a list").iter().map(|item| {
        let text = |key: &str| item[key].as_str().expect("text").to_owned();
        format!("{} {}", text("field"), text("code"))
    });
    (error.code(), items.collect())
}

fn refusal(code: &'static str, problems: &[&str]) -> (&'static str, Vec<String>) {
    (code, problems.iter().map(|it| (*it).to_owned()).collect())
}

#[test]
fn a_text_template_has_a_body_and_no_media() {
    let body = "Hello {{contact.firstName}}, use {{custom.code}} today.";
    let made = make(draft(TemplateKind::Text, Some(body))).unwrap();
    assert_eq!(made.name(), "Cart reminder");
    assert_eq!(made.kind(), TemplateKind::Text);
    assert_eq!(made.body(), Some(body));
    assert_eq!(made.media_url(), None);
    assert_eq!(made.variables(), ["contact.firstName", "custom.code"]);
    assert_eq!(made.workspace, actor().workspace);
    assert_eq!(made.created_by, actor().user);
    assert_eq!((made.created_at, made.updated_at), (NOW, NOW));
}

#[test]
fn a_media_template_has_media_and_perhaps_a_caption() {
    for kind in TemplateKind::ALL.into_iter().filter(|kind| kind.is_media()) {
        let made = make(draft(kind, Some("For {{contact.name}}"))).unwrap();
        assert_eq!(made.media_url(), Some("https://files.example.com/a.jpg"));
        assert_eq!(made.variables(), ["contact.name"]);
        for blank in [None, Some(""), Some(" \n")] {
            let made = make(draft(kind, blank)).unwrap();
            assert_eq!(made.body(), None, "{blank:?}");
            assert!(made.variables().is_empty());
        }
    }
}

#[test]
fn the_words_of_the_types_read_back() {
    for kind in TemplateKind::ALL {
        assert_eq!(TemplateKind::parse(kind.as_str()), Some(kind));
    }
    for word in ["voice_note", "location", "contact", "buttons", "Text", ""] {
        assert_eq!(TemplateKind::parse(word), None, "{word}");
    }
}

#[test]
fn everything_wrong_with_the_fields_is_told_at_once() {
    let mut wrong = draft(TemplateKind::Text, None);
    wrong.name = " ".into();
    assert_eq!(
        told(make(wrong)),
        refusal("VALIDATION_ERROR", &["name too_short", "body required"])
    );
    let mut wrong = draft(TemplateKind::Text, Some("  "));
    wrong.name = "x".repeat(101);
    assert_eq!(
        told(make(wrong)),
        refusal("VALIDATION_ERROR", &["name too_long", "body too_short"])
    );
    let mut wrong = draft(TemplateKind::Image, Some("a\0"));
    wrong.name = "a\0".into();
    assert_eq!(
        told(make(wrong)),
        refusal(
            "VALIDATION_ERROR",
            &["name invalid_characters", "body invalid_characters"]
        )
    );
}

#[test]
fn lengths_count_characters_and_captions_are_shorter() {
    for (kind, limit) in [
        (TemplateKind::Text, MAX_TEXT),
        (TemplateKind::Image, MAX_CAPTION),
        (TemplateKind::Video, MAX_CAPTION),
        (TemplateKind::Audio, MAX_CAPTION),
        (TemplateKind::Document, MAX_CAPTION),
    ] {
        let longest = "\u{1f600}".repeat(limit);
        assert!(make(draft(kind, Some(&longest))).is_ok(), "{kind:?}");
        let longer = longest + "a";
        assert_eq!(
            told(make(draft(kind, Some(&longer)))),
            refusal("VALIDATION_ERROR", &["body too_long"])
        );
    }
    let mut named = draft(TemplateKind::Text, Some("a"));
    named.name = "é".repeat(100);
    assert!(make(named).is_ok());
}

#[test]
fn everything_wrong_with_the_template_is_told_at_once() {
    let mut wrong = draft(TemplateKind::Image, Some("{{name}} {{contact.name}} {{"));
    wrong.media_url = None;
    let refused = make(wrong);
    assert_eq!(
        refused.as_ref().expect_err("a refusal").to_string(),
        "The template is not valid. Line 1, character 3: there is no name; write {{custom.name}} \
         for a value of your own"
    );
    assert_eq!(
        told(refused),
        refusal(
            "TEMPLATE_INVALID",
            &[
                "body missing_namespace",
                "body unclosed_placeholder",
                "mediaUrl required"
            ]
        )
    );
}

#[test]
fn wrong_fields_are_told_before_a_wrong_template() {
    let mut wrong = draft(TemplateKind::Text, Some("{{"));
    wrong.name = String::new();
    assert_eq!(
        told(make(wrong)),
        refusal("VALIDATION_ERROR", &["name too_short"])
    );
}

#[test]
fn a_revision_changes_what_is_given_and_recomputes_the_variables() {
    let before = Template::restore(stored("Hello {{contact.name}}"));
    let revision = Revision {
        body: Some("Bye {{custom.a}}".into()),
        kind: Some(TemplateKind::Text),
        ..Revision::default()
    };
    let after = before.revise(revision, NOW).unwrap();
    assert_eq!(after.name(), before.name());
    assert_eq!(after.body(), Some("Bye {{custom.a}}"));
    assert_eq!(after.variables(), ["custom.a"]);
    assert_eq!((after.created_at, after.updated_at), (BEFORE, NOW));
    assert_eq!((after.id, after.created_by), (before.id, before.created_by));
}

#[test]
fn a_revision_of_nothing_leaves_the_time() {
    let before = Template::restore(stored("Hello"));
    assert_eq!(before.revise(Revision::default(), NOW).unwrap(), before);
    let same = Revision {
        name: Some("Cart reminder".into()),
        kind: Some(TemplateKind::Text),
        body: Some("Hello".into()),
        media_url: Some("https://files.example.com/b.jpg".into()),
    };
    assert_eq!(before.revise(same, NOW).unwrap(), before);
}

#[test]
fn a_blank_body_takes_the_caption_off() {
    let before = Template::restore(picture(Some("Hello")));
    let blank = Revision {
        body: Some(String::new()),
        ..Revision::default()
    };
    let after = before.revise(blank.clone(), NOW).unwrap();
    assert_eq!(after.body(), None);
    assert_eq!(after.media_url(), before.media_url());
    let text = Template::restore(stored("Hello"));
    assert_eq!(
        told(text.revise(blank, NOW)),
        refusal("VALIDATION_ERROR", &["body too_short"])
    );
}

#[test]
fn the_type_stays_and_other_problems_are_told_with_it() {
    let before = Template::restore(stored("Hello"));
    let wrong = Revision {
        name: Some(String::new()),
        kind: Some(TemplateKind::Image),
        body: Some("x".repeat(MAX_TEXT + 1)),
        media_url: None,
    };
    assert_eq!(
        told(before.revise(wrong, NOW)),
        refusal(
            "VALIDATION_ERROR",
            &["type not_allowed", "name too_short", "body too_long"]
        )
    );
    let only = Revision {
        kind: Some(TemplateKind::Image),
        ..Revision::default()
    };
    assert_eq!(
        told(before.revise(only, NOW)),
        refusal("VALIDATION_ERROR", &["type not_allowed"])
    );
}

#[test]
fn a_revision_is_as_sound_as_a_new_template() {
    let wrong = Revision {
        body: Some("{{}}".into()),
        ..Revision::default()
    };
    let before = Template::restore(stored("Hello"));
    assert_eq!(
        told(before.revise(wrong, NOW)),
        refusal("TEMPLATE_INVALID", &["body empty_placeholder"])
    );
    // Also when the fault was there before.
    let renamed = Revision {
        name: Some("New".into()),
        ..Revision::default()
    };
    let broken = Template::restore(stored("{{}}"));
    assert_eq!(
        told(broken.revise(renamed, NOW)),
        refusal("TEMPLATE_INVALID", &["body empty_placeholder"])
    );
    let mended = Revision {
        body: Some("Hello".into()),
        ..Revision::default()
    };
    assert!(broken.revise(mended, NOW).is_ok());
}

#[test]
fn a_stored_template_that_is_none_is_shown_and_not_rendered() {
    let mut no_media = picture(None);
    no_media.media_url = None;
    let mut no_body = stored("");
    no_body.body = None;
    for (row, problem) in [
        (stored("{{name}}"), "body missing_namespace"),
        (no_media, "mediaUrl required"),
        (no_body, "body required"),
    ] {
        let template = Template::restore(row.clone());
        assert_eq!(template.body().map(str::to_owned), row.body);
        assert!(template.variables().is_empty());
        let mut into = "left over".to_owned();
        let refused = template.render(&Values::default(), &mut into);
        assert_eq!(told(refused), refusal("TEMPLATE_INVALID", &[problem]));
        assert_eq!(into, "");
        let refused = template.preview(&Values::default(), &mut into);
        assert_eq!(told(refused), refusal("TEMPLATE_INVALID", &[problem]));
    }
}

#[test]
fn a_rendered_text_has_a_length_of_a_message() {
    let custom = json!({ "a": "x".repeat(1025), "b": "x".repeat(4097), "blank": " \n" });
    let values = Values {
        custom: custom.as_object(),
        ..Values::default()
    };
    let render = |row: StoredTemplate| {
        let mut into = String::new();
        let rendered = Template::restore(row).render(&values, &mut into);
        rendered.map(|()| into)
    };
    assert_eq!(render(stored("{{custom.a}}")).unwrap().len(), 1025);
    let too_long = refusal("TEMPLATE_INVALID", &["body too_long"]);
    assert_eq!(told(render(stored("{{custom.b}}"))), too_long);
    assert_eq!(told(render(picture(Some("{{custom.a}}")))), too_long);
    // A text of nothing is no message; a caption of nothing is no caption.
    let empty = refusal("TEMPLATE_INVALID", &["body too_short"]);
    assert_eq!(told(render(stored("{{custom.blank}}"))), empty);
    assert_eq!(render(picture(Some("{{custom.blank}}"))).unwrap(), " \n");
    assert_eq!(render(picture(None)).unwrap(), "");
}

#[test]
fn missing_values_are_told_by_path() {
    let template = Template::restore(stored("{{contact.firstName}} {{custom.code}}"));
    let mut into = String::new();
    let refused = template.render(&Values::default(), &mut into);
    assert_eq!(
        refused.as_ref().expect_err("a refusal").to_string(),
        "Missing template variables: contact.firstName, custom.code"
    );
    assert_eq!(
        told(refused),
        refusal(
            "TEMPLATE_VARIABLES_MISSING",
            &[
                "contact.firstName missing_variable",
                "custom.code missing_variable"
            ]
        )
    );
}

#[test]
fn one_template_renders_for_one_recipient_after_the_other() {
    let template = Template::restore(stored("Hello {{contact.name}}"));
    let mut into = String::new();
    for name in ["Awa", "Bob"] {
        let values = Values {
            contact: ContactValues {
                name: Some(name),
                phone: Some(phone()),
                ..ContactValues::default()
            },
            ..Values::default()
        };
        template.render(&values, &mut into).unwrap();
        assert_eq!(into, format!("Hello {name}"));
    }
}

#[test]
fn what_is_stored_comes_back() {
    let row = StoredTemplate {
        updated_at: datetime!(2026-04-02 0:00 UTC),
        ..picture(Some("{{contact.name}}"))
    };
    let template = Template::restore(row.clone());
    let again = StoredTemplate {
        id: template.id,
        workspace: template.workspace,
        created_by: template.created_by,
        name: template.name().to_owned(),
        kind: template.kind(),
        body: template.body().map(str::to_owned),
        media_url: template.media_url().map(str::to_owned),
        created_at: template.created_at,
        updated_at: template.updated_at,
    };
    assert_eq!(again, row);
}
