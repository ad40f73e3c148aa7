//! What is asked of contacts.

use std::collections::BTreeSet;

use msgflash_contacts::rules::{self, MAX_TAGS};
use msgflash_contacts::{ContactChange, ContactOrder};
use msgflash_kernel::{Actor, Problems};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// A contact to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewContact)]
pub struct ContactBody {
    /// Full name, 1 to 255 characters.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 255, example = "Lina Moreau")]
    pub name: Field<String>,
    /// An international number; no other contact of the workspace may have it. Blanks, dots,
    /// dashes and brackets are dropped, a leading `00` becomes `+`, a missing `+` is added.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "+33698765432")]
    pub phone: Field<String>,
    /// Up to 50 free labels of up to 50 characters; repetitions are dropped, and do not count.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, example = json!(["wholesale"]))]
    pub tags: Field<Vec<Value>>,
    /// Free fields, up to 16 KB as JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({ "city": "Lyon" }))]
    pub meta: Field<Value>,
}

impl ContactBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(&self, mut check: Check, actor: Actor) -> Result<ContactOrder, Problems> {
        let name = name(&mut check, &self.name, Need::Must);
        let phone = phone(&mut check, &self.phone, Need::Must);
        let tags = tags(&mut check, &self.tags);
        let meta = meta(&mut check, &self.meta);
        check.finish()?;
        Ok(ContactOrder {
            actor,
            name: name.unwrap_or_default(),
            phone: phone.unwrap_or_default(),
            tags: tags.unwrap_or_default(),
            meta: meta.flatten(),
        })
    }
}

/// What changes about a contact; at least one member. What is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = ContactChange)]
pub struct ContactChangeBody {
    /// Full name, 1 to 255 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, example = "Lina Moreau")]
    pub name: Field<String>,
    /// An international number; no other contact of the workspace may have it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "+33698765432")]
    pub phone: Field<String>,
    /// Up to 50 labels of up to 50 characters, in place of those it has; repetitions do not count.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, example = json!(["wholesale", "vip"]))]
    pub tags: Field<Vec<Value>>,
    /// Free fields in place of those it has, up to 16 KB as JSON; `null` clears them.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({ "city": "Lyon" }))]
    pub meta: Field<Value>,
}

impl ContactChangeBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(&self, mut check: Check) -> Result<ContactChange, Problems> {
        let change = ContactChange {
            name: name(&mut check, &self.name, Need::May),
            phone: phone(&mut check, &self.phone, Need::May),
            tags: tags(&mut check, &self.tags),
            meta: meta(&mut check, &self.meta),
        };
        check.finish()?;
        Ok(change)
    }
}

fn name(check: &mut Check, field: &Field<String>, need: Need) -> Option<String> {
    let name = check.given("name", field, need, "text")?;
    check.also(|it| rules::noted(it, "name", rules::name(name)))
}

fn phone(check: &mut Check, field: &Field<String>, need: Need) -> Option<String> {
    let phone = check.given("phone", field, need, "text")?;
    let phone = check.also(|it| rules::noted(it, "phone", rules::phone(phone)))?;
    Some(phone.to_string())
}

/// Each is told by its place, whatever is wrong with the others.
fn tags(check: &mut Check, field: &Field<Vec<Value>>) -> Option<Vec<String>> {
    let given = check.given("tags", field, Need::May, "an array")?;
    let mut tags = Vec::new();
    for (at, value) in given.iter().enumerate() {
        let path = format!("tags.{at}");
        match value.as_str() {
            None => check.refuse(path, "invalid_type", "Must be text"),
            Some(text) => tags.extend(check.also(|it| rules::noted(it, path, rules::tag(text)))),
        }
    }
    let distinct: BTreeSet<_> = tags.iter().collect();
    if distinct.len() > MAX_TAGS {
        check.refuse("tags", "length", format!("Give at most {MAX_TAGS} tags"));
    }
    Some(tags)
}

/// The inner `None` is a `null` that was written.
#[expect(
    clippy::option_option,
    reason = "left out, cleared and given are three different things"
)]
fn meta(check: &mut Check, field: &Field<Value>) -> Option<Option<Value>> {
    match field {
        Field::Absent | Field::Wrong => None,
        Field::Null => Some(None),
        Field::Valid(value) => {
            check.also(|it| rules::noted(it, "meta", rules::meta(Some(value.clone()))))
        }
    }
}
