//! Reading the file. Nothing stops at the first problem: an operator mends all of them at once.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Catalogue, CatalogueProblem, Existing, InvalidCatalogue, Offer};
use crate::plan::{Features, Limits};
use crate::subscription::BillingProvider;

/// Longest code of a plan, in bytes.
const LONGEST_CODE: usize = 32;
/// Longest name of a plan, in characters.
const LONGEST_NAME: usize = 80;
/// The most that a number may be: what the database's integers hold, and no price reaches.
const MOST: i64 = i32::MAX as i64;

pub(super) fn parse(text: &str) -> Result<Catalogue, InvalidCatalogue> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        InvalidCatalogue(vec![CatalogueProblem {
            plan: None,
            key: String::new(),
            message: error.to_string().trim_end().to_owned(),
        }])
    })?;
    let mut problems = Vec::new();
    let catalogue = read(table, &mut problems);
    check(&catalogue, &mut problems);
    if problems.is_empty() {
        Ok(catalogue)
    } else {
        Err(InvalidCatalogue(problems))
    }
}

fn read(table: Table, problems: &mut Vec<CatalogueProblem>) -> Catalogue {
    let mut file = Section::of(None, "", table, problems);
    let fallback = file.text("fallback", LONGEST_CODE);
    let currency = file.currency(None);
    let existing = match file.take("existing_subscribers") {
        None => Existing::Grandfathered,
        Some(Value::String(word)) if word == "grandfathered" => Existing::Grandfathered,
        Some(Value::String(word)) if word == "moved" => Existing::Moved,
        Some(_) => {
            file.problem("existing_subscribers", "must be grandfathered or moved");
            Existing::Grandfathered
        }
    };
    let plans = file.table("plans");
    file.finish();
    let mut offers: Vec<_> = plans
        .into_iter()
        .filter_map(|(code, value)| offer(code, value, &currency, problems))
        .collect();
    offers.sort_by(|a, b| (a.rank, &a.code).cmp(&(b.rank, &b.code)));
    Catalogue {
        fallback,
        existing,
        offers,
    }
}

fn offer(
    code: String,
    value: Value,
    currency: &str,
    problems: &mut Vec<CatalogueProblem>,
) -> Option<Offer> {
    let Value::Table(table) = value else {
        problems.push(about(&code, "", "must be a table"));
        return None;
    };
    if !is_code(&code) {
        let what = "a code has 1 to 32 of a-z, 0-9, - and _, and begins with a letter";
        problems.push(about(&code, "", what));
    }
    let mut plan = Section::of(Some(&code), "", table, problems);
    let name = plan.text("name", LONGEST_NAME);
    let price = plan.number("price");
    let rank = plan.number("rank");
    let currency = plan.currency(Some(currency));
    let is_retired = plan.take("retired").is_some_and(|it| {
        it.as_bool().unwrap_or_else(|| {
            plan.problem("retired", "must be true or false");
            false
        })
    });
    let (limits, features) = (plan.table("limits"), plan.table("features"));
    let products = plan.take("products");
    plan.finish();
    let limits = limits_of(Section::of(Some(&code), "limits.", limits, problems));
    let features = features_of(Section::of(Some(&code), "features.", features, problems));
    let (dodo_product, stripe_price) = match products {
        None => (None, None),
        Some(Value::Table(it)) => products_of(Section::of(Some(&code), "products.", it, problems)),
        Some(_) => {
            problems.push(about(&code, "products", "must be a table"));
            (None, None)
        }
    };
    Some(Offer {
        code,
        name,
        price,
        currency,
        rank,
        is_retired,
        limits,
        features,
        dodo_product,
        stripe_price,
    })
}

fn limits_of(mut section: Section<'_>) -> Limits {
    let limits = Limits {
        max_instances: section.limit("max_instances"),
        max_api_keys: section.limit("max_api_keys"),
        max_webhook_endpoints: section.limit("max_webhook_endpoints"),
        max_contact_groups: section.limit("max_contact_groups"),
        monthly_outbound_quota: section.limit("monthly_outbound_quota"),
        monthly_api_request_quota: section.limit("monthly_api_request_quota"),
        max_teams: section.limit("max_teams"),
        max_seats_per_team: section.limit("max_seats_per_team"),
    };
    section.finish();
    limits
}

fn features_of(mut section: Section<'_>) -> Features {
    let features = Features {
        campaigns: section.switch("campaigns"),
        statuses: section.switch("statuses"),
        voice_notes: section.switch("voice_notes"),
        webhooks: section.switch("webhooks"),
        number_lookups: section.switch("number_lookups"),
    };
    section.finish();
    features
}

fn products_of(mut section: Section<'_>) -> (Option<String>, Option<String>) {
    let mut id = |key| {
        let value = section.take(key)?;
        let id = value.as_str().map(str::to_owned);
        let fine = id.filter(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_graphic()));
        if fine.is_none() {
            section.problem(key, "must be the provider's id, as text");
        }
        fine
    };
    let products = (id("dodo"), id("stripe"));
    section.finish();
    products
}

/// What no key can say alone.
fn check(catalogue: &Catalogue, problems: &mut Vec<CatalogueProblem>) {
    if catalogue.offers.is_empty() {
        problems.push(file("plans", "there must be at least one plan"));
        return;
    }
    let mut ranks = BTreeMap::new();
    for it in &catalogue.offers {
        let teams = (it.limits.max_teams, it.limits.max_seats_per_team);
        if teams.0 != Some(0) && teams.1 == Some(0) {
            let what = "a plan with teams needs at least one seat in each, the owner's";
            problems.push(about(&it.code, "limits.max_seats_per_team", what));
        }
        if it.is_retired {
            continue;
        }
        if let Some(other) = ranks.insert(it.rank, &it.code) {
            let what = format!("plan {other} has the same: neither would be an upgrade");
            problems.push(about(&it.code, "rank", &what));
        }
    }
    check_products(catalogue, problems);
    match catalogue.offer(&catalogue.fallback) {
        // A missing or unreadable one is told already.
        None if catalogue.fallback.is_empty() => {}
        None => problems.push(file("fallback", "there is no such plan")),
        Some(it) => check_fallback(it, catalogue, problems),
    }
}

/// Of two plans with one product the dearer would be sold for the price of the other.
fn check_products(catalogue: &Catalogue, problems: &mut Vec<CatalogueProblem>) {
    let mut known = BTreeMap::new();
    for it in catalogue.offers.iter().filter(|it| !it.is_retired) {
        for (key, provider) in [
            ("products.dodo", BillingProvider::Dodo),
            ("products.stripe", BillingProvider::Stripe),
        ] {
            let Some(product) = it.product(provider) else {
                continue;
            };
            if let Some(other) = known.insert((key, product), &it.code) {
                let what = format!("plan {other} has the same: both would cost as much");
                problems.push(about(&it.code, key, &what));
            }
        }
    }
}

fn check_fallback(it: &Offer, catalogue: &Catalogue, problems: &mut Vec<CatalogueProblem>) {
    if it.price != 0 {
        problems.push(about(&it.code, "price", "the fallback must cost nothing"));
    }
    if it.is_retired {
        problems.push(about(&it.code, "retired", "the fallback must be on offer"));
    }
    let above = |other: &Offer| other.code == it.code || other.rank > it.rank;
    if !catalogue.offers.iter().all(above) {
        problems.push(about(
            &it.code,
            "rank",
            "the fallback must rank below all others",
        ));
    }
}

fn is_code(code: &str) -> bool {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    code.len() <= LONGEST_CODE
        && code.starts_with(|first: char| first.is_ascii_lowercase())
        && code.bytes().all(known)
}

fn about(plan: &str, key: &str, message: &str) -> CatalogueProblem {
    CatalogueProblem {
        plan: Some(plan.to_owned()),
        key: key.to_owned(),
        message: message.to_owned(),
    }
}

fn file(key: &str, message: &str) -> CatalogueProblem {
    CatalogueProblem {
        plan: None,
        key: key.to_owned(),
        message: message.to_owned(),
    }
}

/// A table that is read key by key; what is left at the end is unknown.
struct Section<'a> {
    plan: Option<&'a str>,
    prefix: &'static str,
    table: Table,
    problems: &'a mut Vec<CatalogueProblem>,
}

impl<'a> Section<'a> {
    fn of(
        plan: Option<&'a str>,
        prefix: &'static str,
        table: Table,
        problems: &'a mut Vec<CatalogueProblem>,
    ) -> Self {
        Self {
            plan,
            prefix,
            table,
            problems,
        }
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.table.remove(key)
    }

    fn problem(&mut self, key: &str, message: &str) {
        self.problems.push(CatalogueProblem {
            plan: self.plan.map(str::to_owned),
            key: format!("{}{key}", self.prefix),
            message: message.to_owned(),
        });
    }

    /// A table that must be there; empty when it is not, so that each of its keys is told missing.
    fn table(&mut self, key: &str) -> Table {
        match self.take(key) {
            Some(Value::Table(it)) => it,
            Some(_) => {
                self.problem(key, "must be a table");
                Table::new()
            }
            None => Table::new(),
        }
    }

    fn text(&mut self, key: &str, longest: usize) -> String {
        match self.take(key) {
            None => self.problem(key, "is missing"),
            Some(Value::String(it)) if (1..=longest).contains(&it.trim().chars().count()) => {
                return it.trim().to_owned();
            }
            Some(_) => self.problem(key, &format!("must be text of 1 to {longest} characters")),
        }
        String::new()
    }

    fn number(&mut self, key: &str) -> u32 {
        match self.take(key) {
            None => self.problem(key, "is missing"),
            Some(Value::Integer(it)) if (0..=MOST).contains(&it) => {
                return u32::try_from(it).unwrap_or(u32::MAX);
            }
            Some(_) => self.problem(key, "must be a whole number, not negative"),
        }
        0
    }

    /// A missing limit is not taken for an unlimited one.
    fn limit(&mut self, key: &str) -> Option<u32> {
        match self.take(key) {
            None => self.problem(key, "is missing"),
            Some(Value::Integer(it)) if (0..=MOST).contains(&it) => return u32::try_from(it).ok(),
            Some(Value::String(it)) if it == "unlimited" => return None,
            Some(_) => self.problem(
                key,
                "must be a whole number, not negative, or \"unlimited\"",
            ),
        }
        Some(0)
    }

    fn switch(&mut self, key: &str) -> bool {
        match self.take(key) {
            None => self.problem(key, "is missing"),
            Some(Value::Boolean(it)) => return it,
            Some(_) => self.problem(key, "must be true or false"),
        }
        false
    }

    fn currency(&mut self, usual: Option<&str>) -> String {
        let given = match (self.take("currency"), usual) {
            (Some(Value::String(it)), _) => it,
            (Some(_), _) => String::new(),
            (None, Some(usual)) => return usual.to_owned(),
            (None, None) => {
                self.problem("currency", "is missing");
                return String::new();
            }
        };
        if given.len() != 3 || !given.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.problem("currency", "must be an ISO 4217 code, such as EUR");
        }
        given
    }

    fn finish(self) {
        let Self {
            plan,
            prefix,
            table,
            problems,
        } = self;
        problems.extend(table.keys().map(|key| CatalogueProblem {
            plan: plan.map(str::to_owned),
            key: format!("{prefix}{key}"),
            message: "is not known".to_owned(),
        }));
    }
}
