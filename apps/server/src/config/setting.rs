//! The table of settings: one row each, read by the loader, by `config print` and by the docs.

use figment::Provider;
use figment::providers::Env;
use figment::value::Value;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Its name in `msgflash.toml`, and after `--set`.
    pub name: &'static str,
    /// Its name in the environment.
    pub env: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Its value when nobody sets it.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text, also one that looks like a number.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
}

/// Names with our prefix that scripts and tests read, not the server.
pub(super) const FOR_SCRIPTS: &[&str] = &["MSGFLASH_TEST_DATABASE_URL", "MSGFLASH_PROFILE"];

const fn text(
    name: &'static str,
    env: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        env,
        kind: Kind::Text,
        default,
        help,
    }
}

const fn number(
    name: &'static str,
    env: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        env,
        kind: Kind::Number,
        default,
        help,
    }
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    text(
        "database_url",
        "DATABASE_URL",
        "",
        "PostgreSQL 15 or newer. Without it a private PostgreSQL is started in the data directory",
    ),
    number(
        "database_pool",
        "MSGFLASH_DATABASE_POOL",
        "16",
        "Database connections this process opens at most",
    ),
    number(
        "statement_timeout_seconds",
        "MSGFLASH_STATEMENT_TIMEOUT_SECONDS",
        "30",
        "How long the database may take for one statement; migrations may take longer",
    ),
    text(
        "redis_url",
        "REDIS_URL",
        "",
        "Redis or Valkey, in which all processes share their rate windows. Without it each has its own",
    ),
    text(
        "data_dir",
        "MSGFLASH_DATA_DIR",
        ".local/data",
        "Where the private PostgreSQL and uploaded files live",
    ),
    text(
        "pg_bin",
        "PG_BIN",
        "",
        "The directory of PostgreSQL's programs, when they are not found by themselves",
    ),
    text(
        "bind",
        "MSGFLASH_BIND",
        "127.0.0.1:4080",
        "Address and port the API listens on",
    ),
    text(
        "ops_bind",
        "MSGFLASH_OPS_BIND",
        "",
        "Address and port for /healthz, /readyz and /metrics alone; off for none. Without it: 127.0.0.1:4081 in a process without the API, none in others",
    ),
    text(
        "public_url",
        "MSGFLASH_PUBLIC_URL",
        "http://<bind>",
        "Where clients reach the API",
    ),
    text(
        "callback_url",
        "MSGFLASH_CALLBACK_URL",
        "<public_url>",
        "Where the WhatsApp gateway reaches this server, if that differs",
    ),
    text(
        "portal_url",
        "MSGFLASH_PORTAL_URL",
        "<public_url>",
        "Where people reach the console: links in mails lead there, and its pages may call the API",
    ),
    Setting {
        name: "behind_proxy",
        env: "MSGFLASH_BEHIND_PROXY",
        kind: Kind::Switch,
        default: "false",
        help: "Every request comes through a proxy, whose entry in X-Forwarded-For says where from",
    },
    text(
        "smtp_url",
        "MSGFLASH_SMTP_URL",
        "",
        "The server that takes mail: smtps://user:password@host, or smtp://…?tls=required for STARTTLS. Without it no mail leaves",
    ),
    text(
        "mail_from",
        "MSGFLASH_MAIL_FROM",
        "",
        "Who mail comes from, such as MsgFlash <no-reply@example.com>",
    ),
    text(
        "google_client_id",
        "MSGFLASH_GOOGLE_CLIENT_ID",
        "",
        "The OAuth client with which people sign in with Google. Without it they cannot",
    ),
    text(
        "google_client_secret",
        "MSGFLASH_GOOGLE_CLIENT_SECRET",
        "",
        "The secret of that client",
    ),
    text(
        "google_issuer",
        "MSGFLASH_GOOGLE_ISSUER",
        "https://accounts.google.com",
        "Another OpenID provider in Google's place, as it writes itself: https, or plain http on this machine",
    ),
    Setting {
        name: "dev_mode",
        env: "MSGFLASH_DEV_MODE",
        kind: Kind::Switch,
        default: "false",
        help: "Keeps mail and shows it to everybody on /dev/mailbox; for development, and on a loopback address only",
    },
    text(
        "media",
        "MSGFLASH_MEDIA",
        "folder",
        "Where files lie that people upload: folder, s3, or off to take none",
    ),
    text(
        "media_dir",
        "MSGFLASH_MEDIA_DIR",
        "<data_dir>/media",
        "The folder of media = folder; all processes must see the same one",
    ),
    number(
        "media_space_mb",
        "MSGFLASH_MEDIA_SPACE_MB",
        "1024",
        "The most megabytes of uploads of one workspace at a time",
    ),
    text(
        "media_s3_endpoint",
        "MSGFLASH_MEDIA_S3_ENDPOINT",
        "",
        "The S3-compatible service of media = s3, such as https://s3.example.com; without it Amazon's",
    ),
    text(
        "media_s3_bucket",
        "MSGFLASH_MEDIA_S3_BUCKET",
        "",
        "The bucket of media = s3",
    ),
    text(
        "media_s3_region",
        "MSGFLASH_MEDIA_S3_REGION",
        "us-east-1",
        "The bucket's region",
    ),
    text(
        "media_s3_access_key_id",
        "MSGFLASH_MEDIA_S3_ACCESS_KEY_ID",
        "",
        "The name of the key that may read, write, list and delete there",
    ),
    text(
        "media_s3_secret_key",
        "MSGFLASH_MEDIA_S3_SECRET_KEY",
        "",
        "The key itself",
    ),
    Setting {
        name: "media_s3_path_style",
        env: "MSGFLASH_MEDIA_S3_PATH_STYLE",
        kind: Kind::Switch,
        default: "true",
        help: "The bucket is named in the path, not in the host",
    },
    text(
        "billing_provider",
        "MSGFLASH_BILLING_PROVIDER",
        "manual",
        "Where new purchases of plans are paid: manual, dodo or stripe",
    ),
    text(
        "billing_catalogue",
        "MSGFLASH_BILLING_CATALOGUE",
        "",
        "The file of plans. Without it Free, Pro and MAX are offered",
    ),
    text(
        "dodo_api_key",
        "MSGFLASH_DODO_API_KEY",
        "",
        "The API key of Dodo Payments. While it is set, Dodo Payments is listened to",
    ),
    text(
        "dodo_webhook_secret",
        "MSGFLASH_DODO_WEBHOOK_SECRET",
        "",
        "The secret of the webhook endpoint there",
    ),
    text(
        "dodo_url",
        "MSGFLASH_DODO_URL",
        "https://live.dodopayments.com",
        "Its address; https://test.dodopayments.com in test mode",
    ),
    text(
        "stripe_api_key",
        "MSGFLASH_STRIPE_API_KEY",
        "",
        "The secret key of Stripe, or a restricted one. While it is set, Stripe is listened to",
    ),
    text(
        "stripe_webhook_secret",
        "MSGFLASH_STRIPE_WEBHOOK_SECRET",
        "",
        "The secret of the webhook endpoint there",
    ),
    text(
        "stripe_url",
        "MSGFLASH_STRIPE_URL",
        "https://api.stripe.com",
        "Its address",
    ),
    text(
        "roles",
        "MSGFLASH_ROLES",
        "api,worker",
        "What this process does: api, worker, or both",
    ),
    text(
        "evolution_url",
        "MSGFLASH_EVOLUTION_URL",
        "",
        "The Evolution API gateway, such as http://127.0.0.1:8080",
    ),
    text(
        "evolution_api_key",
        "MSGFLASH_EVOLUTION_API_KEY",
        "",
        "The gateway's global key (its AUTHENTICATION_API_KEY)",
    ),
    Setting {
        name: "allow_private_targets",
        env: "MSGFLASH_ALLOW_PRIVATE_TARGETS",
        kind: Kind::Switch,
        default: "false",
        help: "Lets webhooks and media go to private addresses, and webhooks over plain HTTP; for development",
    },
    number(
        "rate_limit_per_second",
        "MSGFLASH_RATE_LIMIT_PER_SECOND",
        "10",
        "Requests per second and API key",
    ),
    number(
        "console_rate_limit_per_second",
        "MSGFLASH_CONSOLE_RATE_LIMIT_PER_SECOND",
        "20",
        "Requests per second and person",
    ),
    number(
        "pace_ms",
        "MSGFLASH_PACE_MS",
        "1000",
        "Milliseconds between two messages of one number, at least",
    ),
    text(
        "safety",
        "MSGFLASH_SAFETY",
        "advise",
        "What the caps of the safety guidance are: advise tells of them; enforce sends no faster than they say, and later what passes them",
    ),
    number(
        "send_timeout_seconds",
        "MSGFLASH_SEND_TIMEOUT_SECONDS",
        "90",
        "How long one send may take at the gateway before its outcome counts as unknown",
    ),
    number(
        "gateway_patience_seconds",
        "MSGFLASH_GATEWAY_PATIENCE_SECONDS",
        "900",
        "How long a single or scheduled message waits for a gateway that is away",
    ),
    number(
        "unknown_patience_seconds",
        "MSGFLASH_UNKNOWN_PATIENCE_SECONDS",
        "600",
        "How long an unknown outcome is looked up before the message fails",
    ),
    text(
        "unknown",
        "MSGFLASH_UNKNOWN",
        "resend",
        "What becomes of a message whose outcome stays unknown: resend sends it once more when the gateway shows everything else and not this one; fail never does",
    ),
    number(
        "unconfirmed_after_seconds",
        "MSGFLASH_UNCONFIRMED_AFTER_SECONDS",
        "600",
        "How long a sent message may be without any receipt before the gateway is asked for one",
    ),
    number(
        "restriction_seconds",
        "MSGFLASH_RESTRICTION_SECONDS",
        "3600",
        "How long a number writes to no new contacts after WhatsApp refused two such messages in a row; twice as long each further time in a row, up to a day",
    ),
    number(
        "worker_silence_seconds",
        "MSGFLASH_WORKER_SILENCE_SECONDS",
        "30",
        "A worker that was silent for so long has lost its lanes to others",
    ),
    number(
        "reconnect_patience_seconds",
        "MSGFLASH_RECONNECT_PATIENCE_SECONDS",
        "60",
        "How long a link that broke may take to come back before it counts as lost, and a dead one before the alarm",
    ),
    number(
        "webhook_timeout_seconds",
        "MSGFLASH_WEBHOOK_TIMEOUT_SECONDS",
        "10",
        "How long a webhook receiver may take to answer",
    ),
    text(
        "webhook_retry_seconds",
        "MSGFLASH_WEBHOOK_RETRY_SECONDS",
        "5,30,120,600",
        "Waits between the attempts of a webhook delivery; one attempt more than waits",
    ),
    number(
        "webhook_disable_after_seconds",
        "MSGFLASH_WEBHOOK_DISABLE_AFTER_SECONDS",
        "432000",
        "How long everything may fail at a webhook endpoint before it is switched off",
    ),
    number(
        "webhook_secret_overlap_seconds",
        "MSGFLASH_WEBHOOK_SECRET_OVERLAP_SECONDS",
        "86400",
        "How long a webhook secret that was rotated signs beside the new one",
    ),
    number(
        "drain_seconds",
        "MSGFLASH_DRAIN_SECONDS",
        "2",
        "How long the API still answers after it said on /readyz that it is leaving",
    ),
    number(
        "shutdown_seconds",
        "MSGFLASH_SHUTDOWN_SECONDS",
        "25",
        "How long calls in hand may take when the process is told to stop",
    ),
    text(
        "log",
        "MSGFLASH_LOG",
        "info",
        "Which log lines are written: error, warn, info, debug, or a tracing filter",
    ),
    text(
        "log_format",
        "MSGFLASH_LOG_FORMAT",
        "text",
        "text for people, json for machines",
    ),
    text(
        "otlp_endpoint",
        "MSGFLASH_OTLP_ENDPOINT",
        "",
        "Where spans are sent with OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; only in a build with the feature otel",
    ),
];

impl Setting {
    /// The environment's value with the type the setting has.
    pub(super) fn typed(&self, env: Env) -> impl Provider {
        // figment guesses types: a key of digits would become a number and be refused.
        let text = self.kind == Kind::Text;
        TypedEnv { env, text }
    }

    /// A flag's value with the type the setting has; a text that does not fit stays text, and the
    /// loader says what it expected.
    pub(super) fn value(&self, text: &str) -> Value {
        match self.kind {
            Kind::Text => Value::from(text),
            Kind::Number => text
                .parse::<u64>()
                .map_or_else(|_| Value::from(text), Value::from),
            Kind::Switch => text
                .parse::<bool>()
                .map_or_else(|_| Value::from(text), Value::from),
        }
    }
}

struct TypedEnv {
    env: Env,
    text: bool,
}

impl Provider for TypedEnv {
    fn metadata(&self) -> figment::Metadata {
        self.env.metadata()
    }

    fn data(
        &self,
    ) -> Result<figment::value::Map<figment::Profile, figment::value::Dict>, figment::Error> {
        if !self.text {
            return self.env.data();
        }
        let dict = self
            .env
            .iter()
            .map(|(key, value)| (key.into_string(), Value::from(value)));
        Ok(figment::Profile::Default.collect(dict.collect()))
    }
}
