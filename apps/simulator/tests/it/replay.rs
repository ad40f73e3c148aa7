//! Every recorded exchange, in the state it needs.

use std::collections::BTreeSet;

use serde_json::json;

use crate::recording;
use crate::stage::{OWNER, PROFILE, Stage};

/// Nothing exists yet.
const EMPTY: &[&str] = &[
    "001", "010", "011", "012", "013", "014", "027", "031", "034", "042", "056", "057", "090",
    "091", "092", "107", "130", "131", "132", "408", "411", "501", "624", "023", "024", "025",
    "026",
];
/// One instance that never connected.
const NEVER_CONNECTED: &[&str] = &[
    "020", "021", "022", "030", "032", "033", "040", "041", "043", "050", "051", "052", "053",
    "054", "055", "100", "101", "102", "103", "104", "105", "106", "108", "109", "110", "111",
    "112", "113", "114", "116", "117", "118", "119", "120", "121", "123", "124", "125", "126",
    "127", "128", "129",
];
/// The same, without a route to `WhatsApp`.
const UNREACHABLE: &[&str] = &[
    "140", "141", "142", "143", "145", "146", "147", "148", "149",
];
const PAIRING: &[&str] = &["200", "201", "203", "204"];
const PAIRING_AFTER_RESTART: &[&str] = &["205", "206", "207", "209", "210", "617", "619"];
const OPEN: &[&str] = &[
    "212", "213", "214", "300", "301", "303", "304", "305", "310", "311", "312", "313", "320",
    "321", "330", "331", "340", "350", "351", "352", "353", "360",
];
const ACKNOWLEDGED: &[&str] = &["361"];
const TIMED_OUT: &[&str] = &["380"];
const DEAD: &[&str] = &["383", "384", "387", "388"];
const RESTARTED: &[&str] = &["389", "390"];
const LOGGED_OUT: &[&str] = &["400", "401", "402"];
const BANNED: &[&str] = &["404"];
const BY_HAND: &[&str] = &["405", "406", "407", "408"];
const NOT_LOADED: &[&str] = &["600", "601", "603", "604", "605", "606"];
const QR_LIMIT: &[&str] = &["502", "503"];
const BY_EVENTS: &[&str] = &["500", "610", "612", "613", "615", "616"];
const STUCK: &[&str] = &["621"];
const UNSTUCK: &[&str] = &["622"];

#[tokio::test]
async fn an_empty_gateway_answers_as_recorded() {
    Stage::instant().replay(EMPTY).await;
}

#[tokio::test]
async fn an_instance_that_never_connected_answers_as_recorded() {
    let mut stage = Stage::instant();
    stage.replay(NEVER_CONNECTED).await;
    stage.switch(json!({ "reachable": false })).await;
    stage.replay(UNREACHABLE).await;
}

#[tokio::test]
async fn pairing_and_sending_go_as_recorded() {
    let mut stage = Stage::instant();
    stage.replay(PAIRING).await;
    stage.get("/simulator/instances/clinic-01?qr=2").await;
    stage.replay(PAIRING_AFTER_RESTART).await;

    let phone = json!({ "number": OWNER, "profileName": PROFILE });
    stage.control("/instances/clinic-01/scan", phone).await;
    let nobody = Some(json!({ "exists": false }).to_string());
    let path = "/simulator/recipients/5511900000000";
    stage
        .call(reqwest::Method::PUT, path, None, nobody)
        .await
        .unwrap();
    stage.replay(OPEN).await;

    let key = stage.known("3EB02C33016EEEA94B4919");
    stage.hooks.ack(&key, "READ").await;
    stage.replay(ACKNOWLEDGED).await;
}

#[tokio::test]
async fn troubles_and_ends_go_as_recorded() {
    let mut stage = Stage::instant();
    let created = stage.open("clinic-01").await;
    assert_eq!(created["instance"]["status"], "close");
    stage.send_key("clinic-01", "5511987654321").await;
    stage.fault("send_timeout").await;
    stage.replay(TIMED_OUT).await;

    stage.control("/instances/clinic-01/dead", json!({})).await;
    stage.replay(DEAD).await;
    stage.get("/simulator/instances/clinic-01?until=open").await;
    stage.replay(RESTARTED).await;

    stage
        .control("/instances/clinic-01/drop", json!({ "code": 401 }))
        .await;
    stage.replay(LOGGED_OUT).await;
    let phone = json!({ "number": OWNER, "profileName": PROFILE });
    stage
        .control("/instances/clinic-01/open", phone.clone())
        .await;
    stage
        .control("/instances/clinic-01/drop", json!({ "code": 403 }))
        .await;
    stage.replay(BANNED).await;
    stage.control("/instances/clinic-01/open", phone).await;
    stage.replay(BY_HAND).await;
}

#[tokio::test]
async fn an_instance_out_of_memory_answers_as_recorded() {
    let mut stage = Stage::instant();
    stage.open("cold-01").await;
    stage.control("/instances/cold-01/unload", json!({})).await;
    stage.replay(NOT_LOADED).await;
}

#[tokio::test]
async fn the_qr_limit_leaves_the_recorded_contradiction() {
    let mut stage = Stage::instant();
    let body = json!({
        "instanceName": "qrl-01", "integration": "WHATSAPP-BAILEYS", "qrcode": true,
    });
    stage.post("/instance/create", body).await;
    stage.control("/instances/qrl-01/qr-limit", json!({})).await;
    stage.replay(QR_LIMIT).await;
}

#[tokio::test]
async fn numbers_webhooks_and_stuck_deletes_go_as_recorded() {
    let mut stage = Stage::instant();
    stage.open("clinic-05").await;
    stage.replay(BY_EVENTS).await;
    stage.control("/instances/clinic-05/dead", json!({})).await;
    let (status, answer) = stage.delete("/instance/delete/clinic-05").await;
    assert_eq!(
        (status, &answer["response"]["message"][0]),
        (400, &json!("[object Object]"))
    );
    stage.replay(STUCK).await;
    stage.post("/instance/restart/clinic-05", json!({})).await;
    stage.get("/simulator/instances/clinic-05?until=open").await;
    stage.replay(UNSTUCK).await;
}

#[test]
fn every_recording_is_replayed_or_excused() {
    // Why a recording is not an exchange to repeat or a delivery to compare.
    const EXCUSED: [(&str, &str); 1] = [(
        "w-49",
        "a list of cases that produced nothing, not an exchange",
    )];
    let replayed = [
        EMPTY,
        NEVER_CONNECTED,
        UNREACHABLE,
        PAIRING,
        PAIRING_AFTER_RESTART,
        OPEN,
        ACKNOWLEDGED,
        TIMED_OUT,
        DEAD,
        RESTARTED,
        LOGGED_OUT,
        BANNED,
        BY_HAND,
        NOT_LOADED,
        QR_LIMIT,
        BY_EVENTS,
        STUCK,
        UNSTUCK,
        crate::webhooks::COMPARED,
    ]
    .concat();
    let covered: BTreeSet<&str> = replayed
        .into_iter()
        .chain(EXCUSED.map(|(number, _)| number))
        .collect();
    let missing: Vec<String> = recording::names()
        .into_iter()
        .filter(|name| {
            !covered
                .iter()
                .any(|number| name.starts_with(&format!("{number}-")))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "neither replayed nor excused: {missing:?}"
    );
}
