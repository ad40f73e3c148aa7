use super::super::Program;
use super::*;

/// Every mistake of a text with its place.
fn flaws(text: &str) -> Vec<(Mistake, usize, usize, usize)> {
    let Err(Flaws(flaws)) = Program::parse(text) else {
        panic!("{text:?} is sound");
    };
    let told = flaws.into_iter();
    told.map(|it| (it.mistake, it.offset, it.line, it.column))
        .collect()
}

/// The only mistake of a text, with its byte.
fn flaw(text: &str) -> (Mistake, usize) {
    let all = flaws(text);
    let [(mistake, offset, ..)] = all.as_slice() else {
        panic!("{text:?}: {all:?}")
    };
    (mistake.clone(), *offset)
}

fn variables(text: &str) -> Vec<String> {
    let program = Program::parse(text).unwrap_or_else(|flaws| panic!("{text:?}: {flaws}"));
    program.variables().map(str::to_owned).collect()
}

#[test]
fn variables_are_told_once_in_the_order_of_the_text() {
    let text = "{{custom.code}} {{contact.firstName}}{{ custom.code }} {{user.email}}";
    assert_eq!(
        variables(text),
        ["custom.code", "contact.firstName", "user.email"]
    );
}

#[test]
fn blanks_of_any_kind_may_stand_around_a_path() {
    for blank in [" ", "\t", "\r\n", "\u{a0}", "\u{2003}", "\u{feff}", "  \n "] {
        let text = format!("{{{{{blank}contact.name{blank}}}}}");
        assert_eq!(variables(&text), ["contact.name"], "{blank:?}");
    }
}

#[test]
fn single_braces_and_closing_ones_are_text() {
    for text in [
        "{",
        "}",
        "}}",
        "}}}",
        "{}",
        "{ {",
        "{ }}",
        "a{b}c",
        "{\"a\": {\"b\": 1}}",
        "{ {x} }",
    ] {
        let program = Program::parse(text).unwrap_or_else(|flaws| panic!("{text:?}: {flaws}"));
        assert_eq!(program.text(), text);
        assert_eq!(program.variables().len(), 0);
    }
    // A brace behind a placeholder is text, too; so is one before it, with a blank between.
    assert_eq!(variables("{ {{contact.name}}}"), ["contact.name"]);
}

#[test]
fn names_are_what_the_grammar_says_and_nothing_is_looked_up() {
    let text = "{{contact.meta.a_1.B}} {{contact.nothing.0}} {{user.9}} {{custom.__}}";
    assert_eq!(
        variables(text),
        [
            "contact.meta.a_1.B",
            "contact.nothing.0",
            "user.9",
            "custom.__"
        ]
    );
}

#[test]
fn an_unclosed_placeholder_is_told_where_it_opens() {
    for text in [
        "ab{{",
        "ab{{ ",
        "ab{{contact",
        "ab{{contact.",
        "ab{{contact.name",
        "ab{{contact.name ",
        "ab{{contact.name}",
        "ab{{}",
    ] {
        assert_eq!(flaw(text), (Mistake::Unclosed, 2), "{text:?}");
    }
    // The one behind it is read all the same.
    for text in [
        "ab{{ {{contact.name}}",
        "ab{{x{{contact.name}}",
        "ab{{contact.name {{contact.name}}",
    ] {
        assert_eq!(flaw(text), (Mistake::Unclosed, 2), "{text:?}");
    }
}

#[test]
fn one_closing_brace_is_told_where_it_stands() {
    assert_eq!(flaw("{{contact.name} x"), (Mistake::HalfClosed, 14));
    assert_eq!(flaw("{{contact.name } }"), (Mistake::HalfClosed, 15));
    assert_eq!(flaw("{{} }"), (Mistake::HalfClosed, 2));
    assert_eq!(
        flaw("{{contact.name}{{contact.name}}"),
        (Mistake::HalfClosed, 14)
    );
}

#[test]
fn nothing_between_the_braces_is_told() {
    assert_eq!(flaw("a{{}}"), (Mistake::Empty, 1));
    assert_eq!(flaw("a{{ \n }}"), (Mistake::Empty, 1));
}

#[test]
fn three_opening_braces_are_told_at_the_first() {
    assert_eq!(flaw("a{{{contact.name}}}"), (Mistake::TooManyBraces, 1));
    assert_eq!(flaw("{{{{{contact.name}}"), (Mistake::TooManyBraces, 0));
    let both = flaws("{{{");
    assert_eq!(
        both,
        [
            (Mistake::TooManyBraces, 0, 1, 1),
            (Mistake::Unclosed, 1, 1, 2)
        ]
    );
}

#[test]
fn other_characters_are_told_where_they_stand() {
    for (text, symbol, at) in [
        ("{{contact-name}}", '-', 9),
        ("{{contact.name|upper}}", '|', 14),
        ("{{#if contact.name}}", '#', 2),
        ("{{ 'x' }}", '\'', 3),
        ("{{contact.prénom}}", 'é', 12),
        ("{{contact.name\u{0}}}", '\u{0}', 14),
        ("{{contact.\u{662f}}}", '\u{662f}', 10),
    ] {
        let expected = if text.contains('\u{662f}') {
            // The dot before it has no name.
            (Mistake::EmptyName, 9)
        } else {
            (Mistake::BadCharacter(symbol), at)
        };
        assert_eq!(flaw(text), expected, "{text:?}");
    }
}

#[test]
fn a_blank_inside_a_path_is_told_behind_it() {
    assert_eq!(flaw("{{contact name}}"), (Mistake::Split, 10));
    assert_eq!(flaw("{{contact .name}}"), (Mistake::Split, 10));
}

#[test]
fn dots_without_names_are_told() {
    assert_eq!(flaw("{{.contact.name}}"), (Mistake::EmptyName, 2));
    assert_eq!(flaw("{{contact..name}}"), (Mistake::EmptyName, 10));
    assert_eq!(flaw("{{contact.}}"), (Mistake::EmptyName, 9));
    assert_eq!(flaw("{{contact. name}}"), (Mistake::EmptyName, 9));
}

#[test]
fn names_without_a_namespace_and_strange_ones_are_told() {
    assert_eq!(
        flaw("{{ firstname }}"),
        (Mistake::Bare("firstname".into()), 3)
    );
    assert_eq!(flaw("{{contact}}"), (Mistake::Bare("contact".into()), 2));
    assert_eq!(
        flaw("{{Contact.name}}"),
        (Mistake::UnknownNamespace("Contact".into()), 2)
    );
    assert_eq!(
        flaw("{{order.id}}"),
        (Mistake::UnknownNamespace("order".into()), 2)
    );
}

#[test]
fn lines_and_characters_are_counted_from_one_and_bytes_from_zero() {
    let text = "Bonjour é {{a}}\r\n\u{1f600}{{contact.name}} {{b}}\n\n {{";
    assert_eq!(
        flaws(text),
        [
            (Mistake::Bare("a".into()), 13, 1, 13),
            (Mistake::Bare("b".into()), 41, 2, 21),
            (Mistake::Unclosed, 47, 4, 2),
        ]
    );
}

#[test]
fn a_path_has_fifty_characters_at_most() {
    let path = |length: usize| format!("custom.{}", "x".repeat(length - 7));
    assert_eq!(variables(&format!("{{{{{}}}}}", path(50))), [path(50)]);
    for length in [51, 52, 4000] {
        let text = format!("a {{{{ {} }}}}", path(length));
        assert_eq!(flaw(&text), (Mistake::TooLong, 5), "{length}");
    }
}

#[test]
fn a_body_has_twenty_different_placeholders_at_most() {
    let text = |count: usize| {
        let each = (0..count).map(|n| format!("{{{{custom.v{n}}}}}"));
        each.collect::<String>() + "{{custom.v0}}"
    };
    assert_eq!(variables(&text(20)).len(), 20);
    // Told once, at the first that is too many.
    assert_eq!(flaw(&text(21)), (Mistake::TooMany, 10 * 13 + 10 * 14 + 2));
    assert_eq!(flaw(&text(300)).0, Mistake::TooMany);
}

#[test]
fn as_many_mistakes_are_told_as_an_answer_holds() {
    assert_eq!(flaws(&"{{}}".repeat(1000)).len(), MAX_FLAWS);
}

#[test]
fn a_flaw_says_where_and_what_to_write() {
    let told = |text: &str| Program::parse(text).expect_err("flawed").to_string();
    assert_eq!(
        told("Hi {{firstname}}"),
        "Line 1, character 6: there is no firstname; write {{custom.firstname}} for a value of \
         your own"
    );
    assert_eq!(
        told("{{contact}}"),
        "Line 1, character 3: say what of contact, such as {{contact.name}}"
    );
    assert_eq!(
        told("\n{{contact.prénom}}"),
        "Line 2, character 13: 'é' cannot stand in a placeholder; write letters, digits, _ and \
         dots, then }}"
    );
    assert_eq!(
        told("{{"),
        "Line 1, character 1: the placeholder that begins here is not closed with }}"
    );
}

#[test]
fn every_mistake_has_a_sentence_and_a_code() {
    let all = [
        Mistake::Unclosed,
        Mistake::HalfClosed,
        Mistake::Empty,
        Mistake::TooManyBraces,
        Mistake::BadCharacter('-'),
        Mistake::Split,
        Mistake::EmptyName,
        Mistake::Bare("a".into()),
        Mistake::UnknownNamespace("a".into()),
        Mistake::TooLong,
        Mistake::TooMany,
    ];
    for mistake in all {
        assert!(mistake.to_string().len() > 20, "{mistake:?}");
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(mistake.code().bytes().all(plain), "{mistake:?}");
    }
}

#[test]
fn each_character_is_taken_once() {
    // The reader has nothing but the characters it is given, so this is all the work there is.
    for text in [
        "{{".repeat(2048),
        "{".repeat(4096),
        "{{a".repeat(1365),
        "{{contact.name".repeat(300),
        format!("{{{{{}", " ".repeat(4094)),
        format!("{{{{{}", "a.".repeat(2047)),
        "{{contact.name}}".repeat(256),
        "}".repeat(4096),
    ] {
        let mut taken = 0;
        let _ = parse(text.chars().inspect(|_| taken += 1));
        assert_eq!(taken, text.chars().count());
    }
}
