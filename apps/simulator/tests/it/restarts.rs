//! A gateway that goes away and comes back.

use evolution_simulator::Options;
use reqwest::Method;
use serde_json::json;

use crate::stage::{KEY, Stage};

#[tokio::test]
async fn a_gateway_that_is_down_cuts_every_connection() {
    let stage = Stage::instant();
    stage.open("one").await;
    // Delays are on, so that the phases of the restart last longer than this test.
    stage.switch(json!({ "timeScale": 1.0 })).await;
    stage
        .control("/restart", json!({ "downMs": 600_000, "coldMs": 600_000 }))
        .await;
    let answer = stage
        .call(Method::GET, "/instance/fetchInstances", Some(KEY), None)
        .await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn a_cold_gateway_has_no_instance_in_memory_and_then_reconnects() {
    let stage = Stage::instant();
    stage.open("one").await;
    stage.switch(json!({ "timeScale": 1.0 })).await;
    stage
        .control("/restart", json!({ "downMs": 0, "coldMs": 600_000 }))
        .await;
    let path = "/simulator/instances/one?until=unloaded";
    stage.get(path).await;
    // The process is up as soon as it answers at all.
    let (status, answer) = loop {
        let body = Some(json!({ "number": "33612345678", "text": "x" }).to_string());
        let path = "/message/sendText/one";
        if let Ok(answer) = stage.call(Method::POST, path, Some(KEY), body).await {
            break answer;
        }
    };
    assert_eq!(status, 500);
    let words = "Cannot read properties of undefined (reading 'textMessage')";
    assert_eq!(answer["response"]["message"], words);
    stage.switch(json!({ "timeScale": 0.0 })).await;
    stage.get("/simulator/instances/one?until=open").await;
    assert_eq!(stage.send("one", "33612345678").await.0, 201);
}

#[tokio::test]
async fn a_gateway_with_a_control_port_refuses_connections_and_comes_back_on_its_own() {
    let stage = Stage::with(&Options {
        time_scale: 0.0,
        control_bind: Some("127.0.0.1:0".parse().unwrap()),
        ..Options::default()
    });
    stage.open("one").await;
    for _ in 0..3 {
        stage.control("/down", json!({})).await;
        // A connection kept from before ends first; new ones are refused.
        while !asked_in_vain(&stage).await.is_connect() {}
        // Nobody else gets the port meanwhile.
        let address = stage
            .simulator
            .url()
            .replace("http://", "")
            .parse()
            .unwrap();
        let other = tokio::net::TcpSocket::new_v4().unwrap();
        assert!(other.bind(address).is_err());
        stage.control("/up", json!({ "cold": true })).await;
        let body = json!({ "number": "33612345678", "text": "x" });
        let (status, answer) = stage.post("/message/sendText/one", body).await;
        assert_eq!(status, 500);
        let words = "Cannot read properties of undefined (reading 'textMessage')";
        assert_eq!(answer["response"]["message"], words);
        stage.control("/instances/one/load", json!({})).await;
        stage.get("/simulator/instances/one?until=open").await;
        assert_eq!(stage.send("one", "33612345678").await.0, 201);
    }
    let wait = json!({ "downMs": 0, "coldMs": 0, "wait": true });
    stage.control("/restart", wait).await;
    stage.get("/simulator/instances/one?until=open").await;
    assert_eq!(stage.send("one", "33612345678").await.0, 201);
    let (status, _) = stage.post("/simulator/up", json!({})).await;
    assert_eq!(status, 409);
}

async fn asked_in_vain(stage: &Stage) -> reqwest::Error {
    let asked = stage.call(Method::GET, "/", Some(KEY), None).await;
    asked.expect_err("nobody answers")
}

#[tokio::test]
async fn a_call_in_hand_dies_with_the_process() {
    let stage = Stage::with(&Options {
        time_scale: 0.0,
        control_bind: Some("127.0.0.1:0".parse().unwrap()),
        ..Options::default()
    });
    stage.open("one").await;
    let hanging = stage.sending("one", "15550100002");
    while stage.left("one", "15550100002").await.is_empty() {
        tokio::task::yield_now().await;
    }
    stage.control("/down", json!({})).await;
    assert!(!hanging.await.unwrap().unwrap_err().is_connect());
}

#[tokio::test]
async fn a_restart_forgets_the_webhooks_it_wanted_to_repeat() {
    let mut stage = Stage::instant();
    stage.open_quietly("one").await;
    stage
        .control("/faults", json!({ "fault": "no_acks" }))
        .await;
    stage.switch(json!({ "timeScale": 0.001 })).await;
    let webhook = json!({ "webhook": {
        "enabled": true, "url": stage.hooks.url, "events": ["SEND_MESSAGE", "CONNECTION_UPDATE"],
    } });
    stage.post("/webhook/set/one", webhook).await;
    stage.hooks.answer(&[500]);
    // Fast until the first attempt has failed, then the wait before the second outlasts the test.
    stage.switch(json!({ "timeScale": 1.0 })).await;
    let body = json!({ "number": "33612345678", "text": "lost" });
    stage.post("/message/sendText/one", body).await;
    stage.hooks.event("send.message").await;
    stage
        .control("/restart", json!({ "downMs": 0, "coldMs": 0 }))
        .await;
    stage.switch(json!({ "timeScale": 0.0 })).await;
    stage.get("/simulator/instances/one?until=open").await;
    stage
        .hooks
        .until(|hook| hook.body["data"]["state"] == "open")
        .await;
    let (_, posts) = stage.get("/simulator/webhooks?event=send.message").await;
    assert_eq!(posts.as_array().unwrap().len(), 1, "{posts}");
}

#[tokio::test]
async fn a_stopped_simulator_no_longer_listens() {
    let stage = Stage::instant();
    let url = stage.simulator.url();
    stage.simulator.stop().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.get(url).send().await.is_err());
}

#[actix_web::test]
async fn it_runs_beside_an_actix_system() {
    let stage = Stage::instant();
    assert_eq!(stage.get("/").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_beside_a_runtime_of_many_threads() {
    let stage = Stage::instant();
    assert_eq!(stage.get("/").await.0, 200);
}

#[test]
fn a_taken_port_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = evolution_simulator::Options {
        bind: taken.local_addr().unwrap(),
        ..evolution_simulator::Options::default()
    };
    assert!(evolution_simulator::Simulator::start(options).is_err());
}
