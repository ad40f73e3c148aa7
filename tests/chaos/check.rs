//! What must be true when all is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blackbox::burst::left;
use blackbox::{Account, within};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::history::{Banned, History, OPTED_OUT, STOPPED, WITHDRAWN};
use crate::stage::{OUTCOMES, PEOPLE, QUOTA, Stage, World};

/// For what is under way to end by itself, once nothing goes wrong any more.
const PATIENCE: Duration = Duration::from_mins(3);

/// What left the phones: how often each text went to each number.
type Left = BTreeMap<(String, String), usize>;

/// Waits until nothing is under way.
pub(crate) async fn settle(stage: &Stage, world: &World) {
    stage.stack.heal().await;
    stage.stack.switch(json!({ "timeScale": 0.0 })).await;
    let ours = format!(
        "SELECT count(*) FROM delivery_queue WHERE endpoint_id = '{}'",
        world.endpoint
    );
    let untold = format!(
        "SELECT count(*) FROM events e WHERE e.account_id = '{}' AND e.name IN ('{}') \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = '{}' \
           AND d.event_id = e.id AND d.status <> 'pending')",
        world.shop.user.uuid(),
        OUTCOMES.join("', '"),
        world.endpoint,
    );
    let nothing = [
        ("every message has ended", "SELECT count(*) FROM queue"),
        (
            "every campaign has ended",
            "SELECT count(*) FROM campaigns WHERE status IN ('running', 'scheduled')",
        ),
        ("every event is handed on", "SELECT count(*) FROM outbox"),
        ("every delivery is made", &ours),
        ("every event has its delivery", &untold),
    ];
    for (what, asked) in nothing {
        within(PATIENCE, what, async || {
            (stage.stack.count(asked, &[]).await == 0).then_some(())
        })
        .await;
    }
}

/// How messages ended.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) sent: usize,
    /// Nobody could find out what became of the call.
    pub(crate) failed: usize,
    /// They waited when their recipient opted out.
    pub(crate) stopped: usize,
    pub(crate) cancelled: usize,
    pub(crate) campaigned: usize,
}

/// Holds what happened against what was promised; what is broken is added to the wrongs.
pub(crate) async fn check(stage: &Stage, world: &World, history: &mut History) -> Outcome {
    let mut outcome = Outcome::default();
    let mut gone = Left::new();
    for it in left(&stage.stack).await {
        let of = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        *gone.entry((of("number"), of("text"))).or_default() += 1;
    }
    for ((number, words), times) in &gone {
        if *times > 1 {
            history.wrong(format!("{words:?} left {times} times to {number}"));
        }
    }
    let by_words: BTreeSet<&str> = gone.keys().map(|(_, words)| words.as_str()).collect();
    singles(stage, history, &by_words, &mut outcome).await;
    campaigns(stage, history, &gone, &mut outcome).await;
    bans(stage, history, &gone).await;
    deeds(history);
    for (account, quota) in [(&world.shop, None), (&world.capped, Some(QUOTA))] {
        ledger(stage, history, account, quota).await;
    }
    deliveries(stage, world, history).await;
    outcome
}

/// Each accepted message is there once; sent and left, or not sent and never left.
async fn singles(stage: &Stage, history: &mut History, gone: &BTreeSet<&str>, all: &mut Outcome) {
    let asked = "SELECT m.id::text, m.status, m.meta->>'code' FROM messages m WHERE NOT m.inbound \
         AND NOT EXISTS (SELECT 1 FROM campaign_recipients r WHERE r.message_id = m.id)";
    let mut stored = BTreeSet::new();
    for row in stage.stack.rows(asked, &[]).await {
        let (id, status, code): (String, i16, Option<String>) =
            (row.get(0), row.get(1), row.get(2));
        let Some(message) = history.accepted.get(&id).cloned() else {
            history.wrong(format!("{id} is stored and nobody was told of it"));
            continue;
        };
        let has_left = gone.contains(message.words.as_str());
        let is_cancelled = history.cancelled.contains(&id);
        let words = &message.words;
        match status {
            1..=3 => all.sent += 1,
            4 if code.as_deref() == Some("RECIPIENT_OPTED_OUT") => all.stopped += 1,
            4 => all.failed += 1,
            5 => all.cancelled += 1,
            _ => history.wrong(format!("{words} has not ended: {status}")),
        }
        let told = format!("{words}: status {status}, code {code:?}, left: {has_left}");
        let is_told = (1..=3).contains(&status) == has_left && (!is_cancelled || status == 5);
        let is_honest = status != 4
            || matches!(
                code.as_deref(),
                Some("PROVIDER_TIMEOUT" | "RECIPIENT_OPTED_OUT")
            );
        if !is_told || !is_honest {
            history.wrong(told);
        }
        stored.insert(id);
    }
    let missing: Vec<String> = history
        .accepted
        .iter()
        .filter(|(id, _)| !stored.contains(*id))
        .map(|(_, message)| message.words.clone())
        .collect();
    for words in missing {
        history.wrong(format!("{words} was accepted and is lost"));
    }
}

async fn campaigns(stage: &Stage, history: &mut History, gone: &Left, all: &mut Outcome) {
    for it in stage.stack.recount().await {
        if it.counted != it.found {
            history.wrong(format!("a campaign's counters are not its rows: {it:?}"));
        }
    }
    ends(stage, history).await;
    let asked = "SELECT r.campaign_id::text, r.phone::text, m.status, m.meta->>'code' \
         FROM campaign_recipients r JOIN messages m ON m.id = r.message_id";
    let mut known = BTreeSet::new();
    let words: BTreeMap<String, String> = history.campaigns.iter().cloned().collect();
    for row in stage.stack.rows(asked, &[]).await {
        let (id, phone, status): (String, String, i16) = (row.get(0), row.get(1), row.get(2));
        let code: Option<String> = row.get(3);
        let Some(words) = words.get(&id) else {
            history.wrong(format!("campaign {id} is stored and nobody was told of it"));
            continue;
        };
        let sent = (phone, words.clone());
        let has_left = gone.contains_key(&sent);
        let is_honest = status != 4 || code.as_deref() == Some("PROVIDER_TIMEOUT");
        if has_left != (1..=3).contains(&status) || !is_honest {
            history.wrong(format!(
                "{sent:?}: status {status}, code {code:?}, left: {has_left}"
            ));
        }
        all.campaigned += usize::from(has_left);
        known.insert(sent);
    }
    let campaigns: BTreeSet<&String> = words.values().collect();
    for sent in gone.keys().filter(|(_, words)| campaigns.contains(words)) {
        if !known.contains(sent) {
            history.wrong(format!("{sent:?} left and is not recorded"));
        }
    }
}

/// A campaign that says it is complete wrote to everybody; none stays half done.
async fn ends(stage: &Stage, history: &mut History) {
    let asked = "SELECT c.name, c.status, n.sent + n.failed, n.queued \
         FROM campaigns c JOIN campaign_counters n ON n.campaign_id = c.id";
    let people = i64::try_from(PEOPLE).expect("small");
    for row in stage.stack.rows(asked, &[]).await {
        let (name, status): (String, String) = (row.get(0), row.get(1));
        let (ended, queued): (i64, i64) = (row.get(2), row.get(3));
        let is_right = match status.as_str() {
            "completed" => ended == people,
            "cancelled" => ended <= people,
            _ => false,
        };
        if !is_right || queued != 0 {
            history.wrong(format!(
                "{name} is {status}, with {ended} of {people} ended and {queued} queued"
            ));
        }
    }
}

/// The gateway was not asked for what had been promised not to be sent.
async fn bans(stage: &Stage, history: &mut History, gone: &Left) {
    let asked = stage.stack.asked("sendText").await;
    let mut wrongs = Vec::new();
    let known: BTreeSet<(&str, &str)> = asked
        .iter()
        .filter_map(|it| Some((it["body"]["number"].as_str()?, it["body"]["text"].as_str()?)))
        .collect();
    let unknown = gone
        .keys()
        .filter(|(number, words)| !known.contains(&(number.as_str(), words.as_str())));
    let unknown = unknown.count();
    if unknown > 0 {
        wrongs.push(format!(
            "the gateway does not remember that it was asked for {unknown} messages that left: \
             what it was asked after a promise cannot be told"
        ));
    }
    for request in &asked {
        let at = moment(&request["at"]);
        let (number, words) = (&request["body"]["number"], &request["body"]["text"]);
        for ban in &history.bans {
            let is_meant = match &ban.what {
                Banned::Words(it) => words == it.as_str(),
                Banned::Number(it) => number == it.as_str(),
            };
            let is_within = at > ban.from && ban.until.is_none_or(|until| at < until);
            if is_meant && is_within {
                wrongs.push(format!(
                    "asked to send {words} to {number} at {at}, but {} at {}",
                    ban.why, ban.from
                ));
            }
        }
    }
    for wrong in wrongs {
        history.wrong(wrong);
    }
}

/// Each promise was asked for: one that was never made could not be broken.
fn deeds(history: &mut History) {
    let mut wanting: Vec<String> = [WITHDRAWN, OPTED_OUT, STOPPED]
        .into_iter()
        .filter(|why| !history.has_told(why))
        .map(|why| format!("nobody was told: {why}"))
        .collect();
    for (count, what) in [
        (history.accepted.len(), "no message was accepted"),
        (history.replays, "no request was repeated"),
        (history.revoked, "no key was revoked"),
        (history.capped, "the quota was never met"),
    ] {
        if count == 0 {
            wanting.push(what.to_owned());
        }
    }
    for what in wanting {
        history.wrong(what);
    }
}

fn moment(at: &Value) -> OffsetDateTime {
    let text = at.as_str().expect("a time");
    OffsetDateTime::parse(text, &Rfc3339).expect("RFC 3339")
}

/// What an account has that was charged, and what was sent.
const CHARGED: &str = "SELECT count(*) FILTER (WHERE charged_period IS NOT NULL), \
       count(*) FILTER (WHERE status IN (1, 2, 3)), count(*) FILTER (WHERE status = 4) \
     FROM messages WHERE account_id = $1";

async fn ledger(stage: &Stage, history: &mut History, account: &Account, quota: Option<usize>) {
    let id: Uuid = account.user.uuid();
    let ledger = stage.stack.ledger(account).await;
    let (used, reserved) = (ledger.used, ledger.reserved);
    let row = &stage.stack.rows(CHARGED, &[&id]).await[0];
    let (charged, sent, failed): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    if used != charged || used != sent || reserved != 0 {
        history.wrong(format!(
            "the ledger has {used} used and {reserved} reserved; {charged} are charged, {sent} sent"
        ));
    }
    if let Some(quota) = quota {
        let quota = i64::try_from(quota).expect("small");
        if used > quota {
            history.wrong(format!("{used} were sent with a quota of {quota}"));
        }
        // Whoever is refused had none left: what was reserved then was sent since, or has failed.
        if history.capped > 0 && used + failed < quota {
            history.wrong(format!(
                "refused with a quota of {quota}, of which {used} were sent and {failed} failed"
            ));
        }
    }
}

/// What became of each message was told.
async fn deliveries(stage: &Stage, world: &World, history: &mut History) {
    let shop: Uuid = world.shop.user.uuid();
    let asked = "SELECT id::text, status FROM messages WHERE account_id = $1 AND NOT inbound \
         AND status IN (1, 2, 3, 4)";
    let endpoint: Uuid = world.endpoint.parse().expect("an id");
    let log = "SELECT event_id::text, event, status FROM deliveries WHERE endpoint_id = $1";
    let log = stage.stack.rows(log, &[&endpoint]).await;
    // Afterwards: what the log says is made has arrived by now.
    let heard = stage.receiver.heard();
    let told: BTreeSet<(bool, &str)> = heard
        .iter()
        .filter_map(|it| {
            let failed = it.header("x-msgflash-event") == "message.failed";
            Some((failed, it.json["messageId"].as_str()?))
        })
        .collect();
    for row in stage.stack.rows(asked, &[&shop]).await {
        let (id, status): (String, i16) = (row.get(0), row.get(1));
        if !told.contains(&(status == 4, id.as_str())) {
            history.wrong(format!("nobody was told that {id} ended with {status}"));
        }
        if told.contains(&(status != 4, id.as_str())) {
            history.wrong(format!(
                "{id} ended with {status}, and the opposite was told"
            ));
        }
    }
    let arrived: BTreeSet<&str> = heard.iter().map(|it| it.header("webhook-id")).collect();
    for row in log {
        let (event, name, status): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        // What was raised after all had settled may be on its way.
        if status == "failed" || (status == "delivered" && !arrived.contains(event.as_str())) {
            history.wrong(format!("{name} {event} is {status} and never arrived"));
        }
    }
    let twice = "SELECT count(*) FROM (SELECT 1 FROM events WHERE name LIKE 'message.%' \
         GROUP BY payload->>'messageId', name HAVING count(*) > 1) twice";
    let twice = stage.stack.count(twice, &[]).await;
    if twice > 0 {
        history.wrong(format!("{twice} changes were told twice"));
    }
}
