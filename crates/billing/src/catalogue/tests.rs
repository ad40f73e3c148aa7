use msgflash_kernel::Id;
use uuid::Uuid;

use super::*;

fn problems(text: &str) -> Vec<String> {
    let InvalidCatalogue(problems) = Catalogue::parse(text).expect_err("must be refused");
    problems.iter().map(ToString::to_string).collect()
}

/// The default catalogue with one line changed.
fn changed(from: &str, to: &str) -> String {
    assert!(
        DEFAULT.contains(from),
        "{from} is not in the default catalogue"
    );
    DEFAULT.replacen(from, to, 1)
}

fn stored(catalogue: &Catalogue) -> Vec<Plan> {
    let ids = 1..;
    let numbered = catalogue.offers().iter().zip(ids);
    numbered
        .map(|(offer, n)| offer.version(Id::new(Uuid::from_u128(n))))
        .collect()
}

#[test]
fn the_default_catalogue_has_the_published_numbers() {
    let it = Catalogue::default();
    assert_eq!(
        (it.fallback(), it.existing()),
        ("free", Existing::Grandfathered)
    );
    let sold = it.offers().iter().filter(|it| !it.is_retired);
    let sold: Vec<_> = sold
        .map(|it| (it.code.as_str(), it.price, it.rank))
        .collect();
    assert_eq!(sold, [("free", 0, 0), ("pro", 19, 1), ("max", 39, 2)]);
    let pro = it.offer("pro").unwrap();
    assert_eq!(pro.limits.monthly_outbound_quota, Some(50_000));
    assert_eq!(
        (pro.limits.max_teams, pro.limits.max_seats_per_team),
        (Some(2), Some(4))
    );
    assert!(pro.features.statuses && !it.offer("free").unwrap().features.statuses);
    assert_eq!(it.offer("max").unwrap().limits.max_contact_groups, None);
    assert!(it.offer("starter").unwrap().is_retired && it.offer("plus").unwrap().is_retired);
}

#[test]
fn every_problem_is_told_with_its_place() {
    let text = "fallback = 'none'\ncolour = 'blue'\n[plans.Pro]\nname = ''\nprice = -1\nrank = 1\n\
                [plans.Pro.limits]\nmax_instances = 'many'\nmax_fun = 1\n[plans.Pro.features]\n\
                campaigns = 'yes'\n[plans.Pro.products]\ndodo = 5\npaypal = 'x'\n";
    let told = problems(text);
    for expected in [
        "currency: is missing",
        "colour: is not known",
        "fallback: there is no such plan",
        "plan Pro: a code has 1 to 32 of a-z, 0-9, - and _, and begins with a letter",
        "plan Pro, name: must be text of 1 to 80 characters",
        "plan Pro, price: must be a whole number, not negative",
        "plan Pro, limits.max_instances: must be a whole number, not negative, or \"unlimited\"",
        "plan Pro, limits.max_teams: is missing",
        "plan Pro, limits.max_fun: is not known",
        "plan Pro, features.campaigns: must be true or false",
        "plan Pro, features.webhooks: is missing",
        "plan Pro, products.dodo: must be the provider's id, as text",
        "plan Pro, products.paypal: is not known",
    ] {
        assert!(
            told.iter().any(|it| it == expected),
            "{expected} is not in {told:#?}"
        );
    }
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let told = problems("fallback = \"free\"\nplans = [[[");
    assert!(told[0].contains("line 2"), "{told:?}");
}

#[test]
fn a_missing_limit_is_not_taken_for_unlimited() {
    let text = changed("max_instances = 5\n", "");
    assert_eq!(
        problems(&text),
        ["plan pro, limits.max_instances: is missing"]
    );
}

#[test]
fn the_fallback_costs_nothing_and_ranks_lowest() {
    assert_eq!(
        problems(&changed("price = 0", "price = 1")),
        ["plan free, price: the fallback must cost nothing"]
    );
    let told = problems(&changed("rank = 0 ", "rank = 7 "));
    assert_eq!(
        told,
        ["plan free, rank: the fallback must rank below all others"]
    );
}

#[test]
fn plans_on_offer_differ_in_rank() {
    let told = problems(&changed("rank = 2", "rank = 1"));
    assert_eq!(
        told,
        ["plan pro, rank: plan max has the same: neither would be an upgrade"]
    );
}

#[test]
fn plans_on_offer_differ_in_what_providers_call_them() {
    let with = |plan: &str| {
        let name = format!("name = \"{plan}\"\n");
        let products = "products = { dodo = \"pdt_1\", stripe = \"price_1\" }\n";
        (name.clone(), name + products)
    };
    let [(pro, sold), (max, same)] = [with("Pro"), with("MAX")];
    let text = changed(&pro, &sold).replacen(&max, &same, 1);
    assert_eq!(
        problems(&text),
        [
            "plan max, products.dodo: plan pro has the same: both would cost as much",
            "plan max, products.stripe: plan pro has the same: both would cost as much",
        ]
    );
    let retired = text.replacen(&same, &format!("{same}retired = true\n"), 1);
    assert!(Catalogue::parse(&retired).is_ok(), "it is not sold");
}

#[test]
fn a_stored_catalogue_needs_no_change() {
    let catalogue = Catalogue::default();
    assert_eq!(catalogue.compare(&stored(&catalogue)), []);
    assert_eq!(catalogue.compare(&[]).len(), catalogue.offers().len());
}

#[test]
fn new_terms_are_a_new_version_and_other_ranks_are_not() {
    let before = stored(&Catalogue::default());
    let dearer = Catalogue::parse(&changed("price = 19", "price = 21")).unwrap();
    let changes = dearer.compare(&before);
    assert!(matches!(&changes[..], [CatalogueChange::Add(it)] if it.price == 21));
    let higher = Catalogue::parse(&changed("rank = 2", "rank = 5")).unwrap();
    let code = "max".to_owned();
    assert_eq!(
        higher.compare(&before),
        [CatalogueChange::Rank { code, rank: 5 }]
    );
}

#[test]
fn what_the_file_no_longer_names_is_retired_once() {
    let text = "fallback='free'\ncurrency='EUR'\n".to_owned()
        + &DEFAULT[DEFAULT.find("[plans.free]").unwrap()..DEFAULT.find("[plans.pro]").unwrap()];
    let small = Catalogue::parse(&text).unwrap();
    let mut plans = stored(&Catalogue::default());
    let gone: Vec<_> = small.compare(&plans);
    let code = |code: &str| CatalogueChange::Retire {
        code: code.to_owned(),
    };
    assert_eq!(gone, [code("pro"), code("max")]);
    for plan in &mut plans {
        plan.is_active = plan.code == "free";
    }
    assert_eq!(small.compare(&plans), []);
    let back = Catalogue::default();
    let sold = |code: &str| CatalogueChange::Sell {
        code: code.to_owned(),
    };
    assert_eq!(back.compare(&plans), [sold("pro"), sold("max")]);
}

#[test]
fn products_are_named_per_provider() {
    let products = "# products = { dodo = \"pdt_…\", stripe = \"price_…\" }";
    let text = changed(
        products,
        "products = { dodo = \"pdt_1\", stripe = \"price_2\" }",
    );
    let it = Catalogue::parse(&text).unwrap();
    let pro = it.offer("pro").unwrap();
    assert_eq!(pro.product(BillingProvider::Dodo), Some("pdt_1"));
    assert_eq!(pro.product(BillingProvider::Stripe), Some("price_2"));
    assert_eq!(pro.product(BillingProvider::Manual), None);
    assert_eq!(
        it.offer("max").unwrap().product(BillingProvider::Dodo),
        None
    );
    // They are no part of what was bought.
    assert_eq!(it.compare(&stored(&Catalogue::default())), []);
}
