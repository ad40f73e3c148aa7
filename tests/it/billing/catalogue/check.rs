//! What operators are told about a file before it is used, and when it cannot be.

use blackbox::process::Said;
use blackbox::{PlansFile, Program, Stack};

async fn check(file: &PlansFile) -> Said {
    Program::tried(&[], &["plans", "check", &file.path()]).await
}

/// All that it said, wherever.
fn told(said: &Said) -> String {
    format!("{}{}", said.out, said.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_mistake_is_found_to_be_so() {
    let said = check(&PlansFile::copied()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.is_empty(), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_told_with_its_place() {
    let mut file = PlansFile::copied();
    file.set("", "fallback", "\"nothing\"");
    file.set("plans.pro", "price", "-1");
    file.set("plans.max", "rank", "1");
    file.set("plans.max.limits", "max_teams", "\"many\"");
    file.set("plans.free.features", "statuses", "\"no\"");
    let said = check(&file).await;
    assert_eq!(said.code, 1, "{said:?}");
    for place in [
        "fallback",
        "plan pro, price",
        "rank",
        "plan max, limits.max_teams",
        "plan free, features.statuses",
    ] {
        assert!(told(&said).contains(place), "{place} in {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_limit_is_a_mistake_and_not_unlimited() {
    let text = "fallback = \"free\"\ncurrency = \"EUR\"\n[plans.free]\nname = \"Free\"\nprice = 0\n\
        rank = 0\ncolour = \"red\"\n[plans.free.features]\ncampaigns = true\n";
    let said = check(&PlansFile::holding(text.to_owned())).await;
    assert_eq!(said.code, 1, "{said:?}");
    for place in [
        "plan free, limits.max_instances",
        "plan free, limits.monthly_outbound_quota",
        "plan free, features.webhooks",
        "plan free, colour",
    ] {
        assert!(told(&said).contains(place), "{place} in {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_such_file_is_told_so() {
    for text in ["", "plans = [", "price = 1"] {
        let said = check(&PlansFile::holding(text.to_owned())).await;
        assert_eq!(said.code, 1, "{text:?}: {said:?}");
        assert!(!told(&said).is_empty(), "{text:?}");
    }
    let nowhere = ["plans", "check", "/nowhere/plans.toml"];
    let said = Program::tried(&[], &nowhere).await;
    assert_ne!(said.code, 0, "{said:?}");
    assert!(told(&said).contains("/nowhere/plans.toml"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_does_not_start_with_a_file_that_has_mistakes() {
    let mut stack = Stack::for_people(&[]).await;
    stack.stop_server().await;
    let mut file = PlansFile::copied();
    file.set("plans.pro", "price", "\"much\"");
    let mut settings = stack.settings().to_vec();
    settings.push(("billing_catalogue".to_owned(), file.path()));
    let said = Program::tried(&settings, &["serve"]).await;
    assert_ne!(said.code, 0, "{said:?}");
    assert!(said.err.contains("plan pro, price"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_what_is_stored_with_what_is_retired() {
    let stack = Stack::for_people(&[]).await;
    let said = Program::said(stack.settings(), &["plans", "list"]).await;
    for plan in ["free", "pro", "max", "starter", "plus"] {
        assert!(said.contains(plan), "{plan} in {said}");
    }
}
