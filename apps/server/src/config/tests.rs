use anyhow::Result;

use super::*;

fn with(flags: &[(&str, &str)]) -> Result<Config> {
    let flags = flags
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, &flags.collect())
}

#[test]
fn defaults_need_no_setting() {
    let config = with(&[]).expect("defaults are complete");
    assert_eq!(config.bind.to_string(), "127.0.0.1:4080");
    assert_eq!(config.public_base(), "http://127.0.0.1:4080");
    assert_eq!(
        config.roles,
        Roles {
            api: true,
            worker: true
        }
    );
    assert!(config.evolution.is_none());
}

#[test]
fn operators_are_answered_where_the_api_is_or_on_a_port_of_their_own() {
    let port = |flags: &[(&str, &str)]| with(flags).expect("valid").ops_bind;
    assert_eq!(port(&[]), OpsBind::Off);
    assert_eq!(port(&[("roles", "api")]), OpsBind::Off);
    let worker = ("roles", "worker");
    assert!(matches!(port(&[worker]), OpsBind::Usual(_)));
    assert_eq!(port(&[worker, ("ops_bind", "off")]), OpsBind::Off);
    for roles in ["api", "worker", "api,worker"] {
        let chosen = port(&[("roles", roles), ("ops_bind", "127.0.0.1:9")]);
        assert!(matches!(chosen, OpsBind::Chosen(_)), "{roles}");
    }
}

#[test]
fn the_printed_defaults_are_those_of_the_table() {
    let config = with(&[]).expect("defaults are complete");
    for ((name, shown), setting) in config.shown().into_iter().zip(SETTINGS) {
        assert_eq!(name, setting.name);
        // Whoever runs the tests may have set it.
        if std::env::var_os(setting.env).is_some() {
            continue;
        }
        if !setting.default.contains('<') && !setting.default.contains("//") {
            let default = match setting.name {
                "public_url" | "callback_url" => continue,
                _ => setting.default,
            };
            assert_eq!(shown, default, "{name}");
        }
    }
}

#[test]
fn each_mistake_names_its_setting() {
    let cases = [
        (("bind", "here"), "MSGFLASH_BIND"),
        (("roles", "api,clerk"), "clerk"),
        (("public_url", "ftp://x"), "MSGFLASH_PUBLIC_URL"),
        (("smtp_url", "smtps://mail.shop.test"), "MSGFLASH_MAIL_FROM"),
        (("portal_url", "nowhere"), "MSGFLASH_PORTAL_URL"),
        (("ops_bind", "here"), "MSGFLASH_OPS_BIND"),
        (
            ("statement_timeout_seconds", "0"),
            "MSGFLASH_STATEMENT_TIMEOUT_SECONDS",
        ),
        (
            ("rate_limit_per_second", "0"),
            "MSGFLASH_RATE_LIMIT_PER_SECOND",
        ),
        (("rate_limit_per_second", "many"), "rate_limit_per_second"),
        (
            ("allow_private_targets", "perhaps"),
            "allow_private_targets",
        ),
        (
            ("webhook_retry_seconds", "5;30"),
            "MSGFLASH_WEBHOOK_RETRY_SECONDS",
        ),
        (
            ("evolution_url", "http://127.0.0.1:8080"),
            "MSGFLASH_EVOLUTION_API_KEY",
        ),
        (("google_client_id", "us"), "MSGFLASH_GOOGLE_CLIENT_SECRET"),
        (("google_client_secret", "s"), "MSGFLASH_GOOGLE_CLIENT_ID"),
        (
            ("google_issuer", "https://id.test"),
            "MSGFLASH_GOOGLE_CLIENT_ID",
        ),
        (("media", "floppy"), "MSGFLASH_MEDIA"),
        (("media", "s3"), "MSGFLASH_MEDIA_S3_BUCKET"),
        (("media_space_mb", "0"), "MSGFLASH_MEDIA_SPACE_MB"),
        (("billing_provider", "barter"), "MSGFLASH_BILLING_PROVIDER"),
        (("billing_provider", "dodo"), "MSGFLASH_DODO_API_KEY"),
        (("billing_provider", "stripe"), "MSGFLASH_STRIPE_API_KEY"),
        (("billing_catalogue", "nowhere.toml"), "nowhere.toml"),
        (("dodo_api_key", "key"), "MSGFLASH_DODO_WEBHOOK_SECRET"),
        (
            ("dodo_webhook_secret", "whsec_YQ=="),
            "MSGFLASH_DODO_API_KEY",
        ),
        (("dodo_url", "https://pay.test"), "MSGFLASH_DODO_API_KEY"),
        (("stripe_api_key", "key"), "MSGFLASH_STRIPE_WEBHOOK_SECRET"),
        (
            ("stripe_webhook_secret", "whsec_a"),
            "MSGFLASH_STRIPE_API_KEY",
        ),
        (
            ("stripe_url", "https://pay.test"),
            "MSGFLASH_STRIPE_API_KEY",
        ),
        (("safety", "strict"), "MSGFLASH_SAFETY"),
        (("log_format", "xml"), "MSGFLASH_LOG_FORMAT"),
        (("colour", "red"), "unknown setting colour"),
    ];
    for (flag, named) in cases {
        let error = with(&[flag]).expect_err(flag.0);
        assert!(format!("{error:#}").contains(named), "{flag:?}: {error:#}");
    }
}

#[test]
fn secrets_are_hidden_when_printed() {
    let config = with(&[
        ("database_url", "postgres://u:hunter2@db/x"),
        ("evolution_url", "http://user:hunter2@127.0.0.1:8080"),
        ("evolution_api_key", "hunter2"),
        ("callback_url", "http://user:hunter2@127.0.0.1:4080"),
        ("smtp_url", "smtps://user:hunter2@mail.shop.test"),
        ("mail_from", "no-reply@shop.test"),
        ("google_client_id", "us"),
        ("google_client_secret", "hunter2"),
        ("media", "s3"),
        ("media_s3_endpoint", "https://s3.shop.test"),
        ("media_s3_bucket", "uploads"),
        ("media_s3_access_key_id", "key"),
        ("media_s3_secret_key", "hunter2"),
        ("dodo_api_key", "hunter2"),
        ("dodo_webhook_secret", "whsec_hunter2x"),
        ("stripe_api_key", "hunter2"),
        ("stripe_webhook_secret", "whsec_hunter2x"),
    ])
    .expect("valid");
    let shown = format!("{:?} {config:?}", config.shown());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn an_address_is_shown_without_what_lets_in() {
    let url = Url::parse("https://us:hunter2@collector.test/v1/traces?key=hunter2").expect("a URL");
    assert_eq!(
        super::show::safe(&url),
        "https://us@collector.test/v1/traces"
    );
}

#[test]
fn what_is_wrong_in_the_file_is_told_without_its_secrets() {
    let folder = std::env::temp_dir().join(format!("msgflash-settings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("msgflash.toml");
    let told: Vec<_> = [
        // Quotation marks are missing.
        "evolution_api_key = 429683715",
        // There is one too many.
        "log = \"info\"\nevolution_api_key = \"429683715\"x\"",
        // The last one is missing.
        "log = \"info\"\nevolution_api_key = \"429683715",
    ]
    .into_iter()
    .map(|text| {
        std::fs::write(&file, text).expect("written");
        let refused = Config::load(Some(file.as_path()), &Flags::new()).expect_err(text);
        format!("{refused:#}")
    })
    .collect();
    std::fs::remove_dir_all(&folder).expect("removed");
    for (told, place) in told
        .iter()
        .zip(["MSGFLASH_EVOLUTION_API_KEY", "line 2", "line 2"])
    {
        assert!(told.contains(place), "{place}: {told}");
        assert!(!told.contains("429683715"), "{told}");
    }
}

#[test]
fn who_signs_identities_is_asked_where_nobody_listens() {
    let with_issuer = |issuer: &str| {
        with(&[
            ("google_client_id", "us"),
            ("google_client_secret", "ours"),
            ("google_issuer", issuer),
        ])
    };
    for fine in [
        "https://id.example.com/realm",
        "http://127.0.0.1:9",
        "http://localhost:9",
    ] {
        let google = with_issuer(fine).expect("valid").google.expect("set");
        assert_eq!(google.issuer, fine, "as it was written");
    }
    for odd in ["http://id.example.com", "id.example.com", "https://x/?a=b"] {
        let refused = with_issuer(odd).expect_err(odd);
        assert!(format!("{refused:#}").contains("MSGFLASH_GOOGLE_ISSUER"));
    }
}

#[test]
fn a_bucket_is_called_with_tls_unless_private_addresses_are_allowed() {
    let bucket = |endpoint, allowed| {
        with(&[
            ("media", "s3"),
            ("media_s3_endpoint", endpoint),
            ("media_s3_bucket", "uploads"),
            ("media_s3_access_key_id", "key"),
            ("media_s3_secret_key", "secret"),
            ("allow_private_targets", allowed),
        ])
    };
    assert!(bucket("https://s3.shop.test", "false").is_ok());
    assert!(bucket("http://127.0.0.1:9000", "true").is_ok());
    for endpoint in [
        "http://127.0.0.1:9000",
        "s3.shop.test",
        "ftp://s3.shop.test",
        "https://key:secret@s3.shop.test",
    ] {
        let error = bucket(endpoint, "false").expect_err(endpoint);
        let named = format!("{error:#}").contains("MSGFLASH_MEDIA_S3_ENDPOINT");
        assert!(named, "{endpoint}: {error:#}");
    }
}

#[test]
fn uploads_lie_with_the_data_unless_somebody_says_where() {
    let folder = |flags: &[(&str, &str)]| match with(flags).expect("valid").media {
        MediaStore::Folder(folder) => folder.display().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(folder(&[("data_dir", "/d")]), "/d/media");
    assert_eq!(folder(&[("data_dir", "/d"), ("media_dir", "/m")]), "/m");
}

#[test]
fn mail_is_shown_to_this_machine_alone() {
    let shown = with(&[("dev_mode", "true"), ("bind", "127.0.0.1:4080")]).expect("valid");
    assert!(shown.dev_mode);
    let refused = with(&[("dev_mode", "true"), ("bind", "0.0.0.0:4080")]).expect_err("strangers");
    assert!(
        refused.to_string().contains("MSGFLASH_DEV_MODE"),
        "{refused}"
    );
}

/// Dodo Payments with these settings besides.
fn with_dodo(more: &[(&str, &str)]) -> Result<Config> {
    let account = [
        ("dodo_api_key", "key"),
        ("dodo_webhook_secret", "whsec_YWJj"),
    ];
    with(&[&account[..], more].concat())
}

#[test]
fn keys_go_to_payment_providers_over_tls_or_stay_on_this_machine() {
    for fine in [
        "https://pay.test",
        "http://127.0.0.1:9",
        "http://localhost:9",
    ] {
        assert!(with_dodo(&[("dodo_url", fine)]).is_ok(), "{fine}");
    }
    for odd in ["http://pay.test", "pay.test", "https://key:secret@pay.test"] {
        let refused = with_dodo(&[("dodo_url", odd)]).expect_err(odd);
        assert!(format!("{refused:#}").contains("MSGFLASH_DODO_URL"));
    }
    let refused = with_dodo(&[("dodo_webhook_secret", "whsec_?")]).expect_err("no base64");
    assert!(format!("{refused:#}").contains("MSGFLASH_DODO_WEBHOOK_SECRET"));
}

#[test]
fn a_provider_is_listened_to_that_does_not_sell() {
    let config = with_dodo(&[]).expect("valid");
    assert_eq!(config.billing.provider.as_str(), "manual");
    assert!(config.billing.dodo.is_some() && config.billing.stripe.is_none());
}

#[test]
fn everything_wrong_with_a_file_of_plans_is_told_with_its_place() {
    let folder = std::env::temp_dir().join(format!("msgflash-plans-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("plans.toml");
    let text = msgflash_billing::catalogue::DEFAULT;
    let text = text.replacen("price = 19", "price = -1", 1);
    let text = text.replacen("max_instances = 20", "max_instances = \"many\"", 1);
    std::fs::write(&file, text).expect("written");
    let name = file.display().to_string();
    let refused = with(&[("billing_catalogue", &name)]).expect_err("two mistakes");
    let told = format!("{refused:#}");
    std::fs::remove_dir_all(&folder).expect("removed");
    for place in [
        "MSGFLASH_BILLING_CATALOGUE",
        name.as_str(),
        "plan pro, price",
        "plan max, limits.max_instances",
    ] {
        assert!(told.contains(place), "{place}: {told}");
    }
}

#[test]
fn plans_that_cannot_be_bought_where_purchases_are_paid_are_known() {
    assert!(with(&[]).expect("valid").billing.unsellable().is_empty());
    let config = with_dodo(&[("billing_provider", "dodo")]).expect("valid");
    let codes: Vec<_> = config
        .billing
        .unsellable()
        .iter()
        .map(|it| it.code.clone())
        .collect();
    assert_eq!(codes, ["pro", "max"]);
}

#[test]
fn the_documented_table_is_the_table() {
    let page = include_str!("../../../../docs/configuration.md");
    let rows: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with("| `") && line.split('|').count() == 6)
        .collect();
    assert_eq!(rows.len(), SETTINGS.len());
    for (row, setting) in rows.into_iter().zip(SETTINGS) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let default = if setting.default.is_empty() {
            "–".to_owned()
        } else {
            format!("`{}`", setting.default)
        };
        let (name, env) = (format!("`{}`", setting.name), format!("`{}`", setting.env));
        assert_eq!(cells[1..4], [name, env, default]);
    }
}
