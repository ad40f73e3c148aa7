//! Every metric, what it tells, and the buckets of the histograms.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Time of answers, of the database and of webhook receivers.
const QUICK: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// Time of calls to the gateway, which talks to phones.
const SLOW: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// Sizes of groups: most are small.
const GROUPS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
const BATCHES: &[f64] = &[1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

const COUNTERS: &[(&str, &str)] = &[
    (
        "http_requests_total",
        "Requests answered, by method, route pattern and status.",
    ),
    (
        "msgflash_accept_contended_total",
        "Messages whose account was held elsewhere, so that accepting them had to wait.",
    ),
    ("msgflash_alarms_total", "Alarms raised, by kind."),
    (
        "msgflash_billing_turns_total",
        "Subscriptions that were brought up to date when their time had come.",
    ),
    (
        "msgflash_breaker_trips_total",
        "Times a lane or the gateway was left alone for a while.",
    ),
    (
        "msgflash_calls_total",
        "Calls that send, by what the answer proved.",
    ),
    (
        "msgflash_campaign_recipients_total",
        "Recipients that campaigns wrote down when they started.",
    ),
    (
        "msgflash_campaign_runs_total",
        "Runs of campaigns that were started.",
    ),
    (
        "msgflash_inbox_applied_total",
        "Stored events that were applied, by kind.",
    ),
    (
        "msgflash_inbox_retried_total",
        "Stored events that were put off.",
    ),
    (
        "msgflash_held_new_contacts_total",
        "Messages put off because WhatsApp refuses the number's new contacts.",
    ),
    (
        "msgflash_held_by_caps_total",
        "Times a message waited for the caps of the safety guidance.",
    ),
    (
        "msgflash_opt_out_unknown_sender_total",
        "Stop words from addresses whose number is not known: nobody was put on a list.",
    ),
    (
        "msgflash_unconfirmed_total",
        "Sent messages without any receipt after a while.",
    ),
    (
        "msgflash_lane_waits_total",
        "Times a lane was found unable to call yet.",
    ),
    (
        "msgflash_notices_mailed_total",
        "Notices about plans and payments that were written as mail.",
    ),
    (
        "msgflash_payment_events_total",
        "Events of payment providers that came, by provider and outcome.",
    ),
    (
        "msgflash_payment_instructions_total",
        "Times a payment provider was to be told what to do, by outcome.",
    ),
    (
        "msgflash_statuses_total",
        "Calls that publish statuses, by what the answer proved.",
    ),
    (
        "msgflash_webhook_attempts_total",
        "Attempts to deliver events, by outcome.",
    ),
    (
        "msgflash_webhook_endpoints_switched_off_total",
        "Endpoints switched off, by reason.",
    ),
    (
        "msgflash_webhook_unrecorded_total",
        "Attempts to deliver whose outcome could not be written.",
    ),
];

const GAUGES: &[(&str, &str)] = &[
    (
        "msgflash_database_connections",
        "Connections of the pool, by state.",
    ),
    (
        "msgflash_database_waiting",
        "Who waits for a connection of the pool.",
    ),
    (
        "msgflash_gateway_down",
        "1 while the gateway is left alone.",
    ),
    (
        "msgflash_inbox_events",
        "Events of the gateway that are stored and not applied yet.",
    ),
    (
        "msgflash_lanes",
        "Instances this process sends for, by what they do.",
    ),
    (
        "msgflash_clock_offset_seconds",
        "By how much the database's clock is ahead of this machine's.",
    ),
    ("msgflash_lanes_owned", "Lanes that this process sends for."),
    (
        "msgflash_ledger_drift",
        "By how much the ledger differed from the last recount, by what it was compared with.",
    ),
    (
        "msgflash_queue_entries",
        "Messages still to be sent, by state and class.",
    ),
    (
        "msgflash_queue_oldest_ready_seconds",
        "How long the oldest ready message has been ready, by class.",
    ),
    ("msgflash_webhook_backlog", "Deliveries that wait."),
    (
        "msgflash_webhook_backlog_oldest_seconds",
        "How long the oldest waiting delivery has waited.",
    ),
    (
        "msgflash_webhook_breakers",
        "Endpoints in trouble, by state.",
    ),
    (
        "msgflash_webhook_endpoints_disabled",
        "Endpoints that are switched off.",
    ),
];

/// A histogram.
struct Spread {
    name: &'static str,
    buckets: &'static [f64],
    unit: Unit,
    tells: &'static str,
}

const fn seconds(name: &'static str, buckets: &'static [f64], tells: &'static str) -> Spread {
    Spread {
        name,
        buckets,
        unit: Unit::Seconds,
        tells,
    }
}

const fn sizes(name: &'static str, buckets: &'static [f64], tells: &'static str) -> Spread {
    Spread {
        name,
        buckets,
        unit: Unit::Count,
        tells,
    }
}

const HISTOGRAMS: &[Spread] = &[
    seconds(
        "http_request_duration_seconds",
        QUICK,
        "How long answers took.",
    ),
    seconds(
        "msgflash_accept_seconds",
        QUICK,
        "How long accepting a group took.",
    ),
    seconds(
        "msgflash_provider_seconds",
        SLOW,
        "How long the gateway took, by call.",
    ),
    seconds(
        "msgflash_webhook_post_seconds",
        QUICK,
        "How long webhook receivers took to answer.",
    ),
    sizes(
        "msgflash_accept_group_size",
        GROUPS,
        "Messages accepted in one transaction.",
    ),
    sizes(
        "msgflash_campaign_made_size",
        BATCHES,
        "Messages of a campaign made in one transaction.",
    ),
    sizes(
        "msgflash_inbox_batch_size",
        BATCHES,
        "Receipts applied in one transaction.",
    ),
    sizes(
        "msgflash_settle_group_size",
        GROUPS,
        "Outcomes recorded in one transaction.",
    ),
    sizes(
        "msgflash_start_group_size",
        GROUPS,
        "Calls marked as started in one transaction.",
    ),
];

/// The names of all of them.
pub fn described() -> impl Iterator<Item = &'static str> {
    let plain = COUNTERS.iter().chain(GAUGES).map(|(name, _)| *name);
    plain.chain(HISTOGRAMS.iter().map(|it| it.name))
}

/// Histograms and their buckets. One without buckets would be a summary, and summaries of several
/// processes cannot be put together.
pub(super) fn buckets() -> impl Iterator<Item = (&'static str, &'static [f64])> {
    HISTOGRAMS.iter().map(|it| (it.name, it.buckets))
}

/// Explains all of them to whoever reads the numbers.
pub(super) fn describe() {
    for (name, tells) in COUNTERS {
        describe_counter!(*name, *tells);
    }
    for (name, tells) in GAUGES {
        describe_gauge!(*name, *tells);
    }
    for it in HISTOGRAMS {
        describe_histogram!(it.name, it.unit, it.tells);
    }
}
