//! P12: rendering a template, for one recipient after the other.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use minijinja::value::Serde;
use minijinja::{Environment, Template as Jinja, UndefinedBehavior, Value as JinjaValue, context};
use msgflash_kernel::Phone;
use msgflash_templates::engine::{ContactValues, InstanceValues, UserValues};
use msgflash_templates::{Program, Values};
use serde_json::{Map, Value, json};
use tokio::task::yield_now;

use super::Figures;
use crate::options::Options;
use crate::report::{Sides, Target};

/// Messages of one run.
const MESSAGES: u32 = 1_000_000;
/// Different recipients; each gets as many messages as any other.
const RECIPIENTS: u32 = 1_000;
/// The longest text a message may have.
const LIMIT: usize = 4096;

/// Means the same to both.
const BODY: &str = "Hello {{contact.firstName}}, your order {{custom.order}} has left our shop in \
    {{contact.meta.address.city}} and arrives on {{custom.day}}. You pay {{custom.amount}} EUR to \
    the driver, who calls {{contact.phone}} before. With {{contact.meta.points}} points you may \
    choose a gift, {{contact.firstName}}!\nSee you soon, {{user.fullName}} of {{instance.name}}";

/// What is known of one recipient.
struct Recipient {
    name: String,
    phone: Phone,
    meta: Value,
    variables: Map<String, Value>,
}

/// Both sides on the same recipients. Nothing here waits for anything, so between runs it looks up: a signal that
/// came meanwhile is seen then.
pub(super) async fn run(options: &Options) -> Result<Figures> {
    let messages = options.rows(MESSAGES, RECIPIENTS);
    let program = Program::parse(BODY)?;
    let mut environment = Environment::new();
    // Missing values are refused, as ours are; nothing is escaped.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("body", BODY)?;
    let jinja = environment.get_template("body")?;
    let recipients: Vec<_> = (0..RECIPIENTS).map(recipient).collect::<Result<_>>()?;
    let contexts: Vec<_> = recipients.iter().map(context_of).collect();

    let mut prepared = Sides::default();
    let mut made = Sides::default();
    for _ in 0..options.rounds {
        yield_now().await;
        check(options, &program, &jinja, &recipients, &contexts)?;
        let (ours, length) = ours(&program, &recipients, messages)?;
        let (theirs, same) = timed(messages, |place, into| {
            let text = jinja.render(&contexts[place])?;
            *into = text;
            Ok(())
        })?;
        ensure!(length == same, "{length} bytes against {same}");
        prepared.push(ours, theirs);

        yield_now().await;
        let (ours, length) = self::ours(&program, &recipients, messages)?;
        let (theirs, same) = timed(messages, |place, into| {
            let text = jinja.render(context_of(&recipients[place]))?;
            *into = text;
            Ok(())
        })?;
        ensure!(length == same, "{length} bytes against {same}");
        made.push(ours, theirs);
    }
    let what = |how: &str| format!("{messages} messages; minijinja 3, precompiled, {how}");
    Ok(Figures {
        rows: vec![
            prepared.row(what("contexts made before"), "/s", Target::AtLeast(2.0)),
            made.row(what("contexts made from rows"), "/s", Target::AtLeast(2.0)),
        ],
        notes: Vec::new(),
    })
}

fn recipient(number: u32) -> Result<Recipient> {
    let variables = json!({
        "order": format!("A-{}", 100_000 + number), "day": "Tuesday, 3 March",
        "amount": 1_500 + number,
    });
    Ok(Recipient {
        name: format!("Aminata{number} Diop"),
        phone: Phone::parse(&format!("+33600{number:06}"))?,
        meta: json!({
            "address": { "city": "Saint-Étienne", "street": "Rue de la République" },
            "points": number % 100, "since": "2024-05-01", "size": "M",
        }),
        variables: variables.as_object().cloned().context("an object")?,
    })
}

/// A recipient as the other side wants it.
fn context_of(it: &Recipient) -> JinjaValue {
    let first = it.name.split_whitespace().next().unwrap_or_default();
    context! {
        contact => context! {
            name => &it.name, firstName => first, phone => it.phone.to_string(),
            meta => Serde(&it.meta),
        },
        user => context! { fullName => "Inès Roy" },
        instance => context! { name => "Main shop" },
        custom => Serde(&it.variables),
    }
}

fn values(it: &Recipient) -> Values<'_> {
    Values {
        contact: ContactValues {
            name: Some(&it.name),
            phone: Some(it.phone),
            tags: None,
            meta: Some(&it.meta),
        },
        user: UserValues {
            full_name: Some("Inès Roy"),
            ..UserValues::default()
        },
        instance: InstanceValues {
            name: Some("Main shop"),
            wa_number: None,
        },
        custom: Some(&it.variables),
    }
}

/// Messages per second, and the bytes of all texts.
fn ours(program: &Program, recipients: &[Recipient], messages: u32) -> Result<(f64, usize)> {
    timed(messages, |place, into| {
        Ok(program.render(&values(&recipients[place]), LIMIT, into)?)
    })
}

fn timed(
    messages: u32,
    mut render: impl FnMut(usize, &mut String) -> Result<()>,
) -> Result<(f64, usize)> {
    let mut into = String::new();
    let mut length = 0;
    let begun = Instant::now();
    for number in 0..messages {
        render((number % RECIPIENTS) as usize, &mut into)?;
        length += into.len();
    }
    Ok((f64::from(messages) / begun.elapsed().as_secs_f64(), length))
}

/// Every recipient gets the same text from both.
fn check(
    options: &Options,
    program: &Program,
    jinja: &Jinja<'_, '_>,
    recipients: &[Recipient],
    contexts: &[JinjaValue],
) -> Result<()> {
    let mut text = String::new();
    for (recipient, context) in recipients.iter().zip(contexts) {
        program.render(&values(recipient), LIMIT, &mut text)?;
        if options.spoil.is_some() {
            text.pop();
        }
        let same = jinja.render(context)?;
        ensure!(text == same, "{text:?} against {same:?}");
    }
    Ok(())
}
