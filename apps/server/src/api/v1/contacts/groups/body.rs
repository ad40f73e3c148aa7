//! What is asked of groups.

use msgflash_contacts::rules::noted;
use msgflash_contacts::{GroupChange, GroupOrder, group};
use msgflash_kernel::{Actor, Problems};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// A group to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewContactGroup)]
pub struct GroupBody {
    /// 1 to 100 characters; no other group of the workspace may have this name, in capitals or not.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100, example = "Wholesale")]
    pub name: Field<String>,
    /// What it is for, up to 255 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, example = "Buy by the pallet")]
    pub description: Field<String>,
    /// How screens show it.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^#[0-9A-Fa-f]{6}$", example = "#1A7F5A")]
    pub color: Field<String>,
}

impl GroupBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
        actor: Actor,
        cap: Option<u32>,
    ) -> Result<GroupOrder, Problems> {
        let name = name(&mut check, &self.name, Need::Must);
        let description = description(&mut check, &self.description);
        let color = color(&mut check, &self.color);
        check.finish()?;
        Ok(GroupOrder {
            actor,
            name: name.unwrap_or_default(),
            description: description.flatten(),
            color: color.flatten(),
            cap,
        })
    }
}

/// What changes about a group; at least one member. What is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = ContactGroupChange)]
pub struct GroupChangeBody {
    /// 1 to 100 characters; no other group of the workspace may have this name, in capitals or not.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Wholesale France")]
    pub name: Field<String>,
    /// What it is for, up to 255 characters; `null` clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, example = "Buy by the pallet")]
    pub description: Field<String>,
    /// How screens show it; `null` clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^#[0-9A-Fa-f]{6}$", example = "#1A7F5A")]
    pub color: Field<String>,
}

impl GroupChangeBody {
    /// Notes every problem of the body at once.
    pub(super) fn check(&self, mut check: Check) -> Result<GroupChange, Problems> {
        let change = GroupChange {
            name: name(&mut check, &self.name, Need::May),
            description: description(&mut check, &self.description),
            color: color(&mut check, &self.color),
        };
        check.finish()?;
        Ok(change)
    }
}

fn name(check: &mut Check, field: &Field<String>, need: Need) -> Option<String> {
    let name = check.given("name", field, need, "text")?;
    check.also(|it| noted(it, "name", group::name(name)))
}

/// The inner `None` is a `null` that was written, or nothing but blanks.
#[expect(
    clippy::option_option,
    reason = "left out, cleared and given are three different things"
)]
fn description(check: &mut Check, field: &Field<String>) -> Option<Option<String>> {
    if *field == Field::Null {
        return Some(None);
    }
    let text = check.given("description", field, Need::May, "text")?;
    check.also(|it| noted(it, "description", group::description(text)))
}

/// The inner `None` is a `null` that was written.
#[expect(
    clippy::option_option,
    reason = "left out, cleared and given are three different things"
)]
fn color(check: &mut Check, field: &Field<String>) -> Option<Option<String>> {
    if *field == Field::Null {
        return Some(None);
    }
    let text = check.given("color", field, Need::May, "text")?;
    check
        .also(|it| noted(it, "color", group::color(text)))
        .map(Some)
}
