//! What a phone shows of each type.

use blackbox::{Account, Stack, id_of};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

const TO: &str = "+33612345678";

/// A stack with an account whose instance is linked.
struct Scene {
    stack: Stack,
    account: Account,
    instance: Instance,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::start().await;
        let account = stack.account("pro").await;
        let instance = account.connected(&stack).await;
        Self {
            stack,
            account,
            instance,
        }
    }

    /// Sends one message and answers what the phone shows, once the server knows that it left.
    async fn shows(&self, mut body: Value) -> Value {
        body["instanceId"] = json!(self.instance.id.to_string());
        body["to"] = json!(TO);
        let before = self.stack.received_by(TO).await.len();
        let sent = self.account.client.send(&body).await;
        assert_eq!(sent["type"], body["type"]);
        let received = self.stack.wait_received(TO, before + 1).await;
        assert_eq!(received.len(), before + 1, "{received:?}");
        let shown = received[before].clone();
        let id = id_of(&sent);
        blackbox::eventually("the server knows its id", async || {
            let message = self.account.client.message(&id).await;
            (message["providerMessageId"] == shown["keyId"]).then_some(())
        })
        .await;
        shown
    }

    /// What the gateway was asked last on a route.
    async fn asked(&self, route: &str) -> Value {
        let url = self.stack.simulator.url();
        let path = format!("/simulator/requests?path={route}");
        let all = blackbox::Client::new(&url, None).get(&path).await.json;
        let last = all
            .as_array()
            .and_then(|all| all.last())
            .cloned()
            .unwrap_or_default();
        match &last["body"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            body => body.clone(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_goes_all_the_way_to_read() {
    let scene = Scene::new().await;
    let id = scene.account.client.text(&scene.instance, TO, "Hi").await;
    let message = scene.account.client.wait_message(&id, "read").await;
    let left = scene.stack.received_by(TO).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["message"]["conversation"], "Hi");
    assert_eq!(message["providerMessageId"], left[0]["keyId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_arrives_to_the_letter() {
    let scene = Scene::new().await;
    let words = "Grüße 👋🏽\n\n*fett* _kursiv_ \"Zitat\" \\ {{contact.name}} <b>&amp;</b>";
    let shown = scene.shows(json!({ "type": "text", "text": words })).await;
    assert_eq!(shown["message"]["conversation"], words);
    let long = "é".repeat(4096);
    let shown = scene.shows(json!({ "type": "text", "text": long })).await;
    assert_eq!(shown["message"]["conversation"], long);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_films_arrive_with_their_captions() {
    let scene = Scene::new().await;
    for (kind, part, url) in [
        (
            "image",
            "imageMessage",
            "https://files.example.com/parcel.jpg",
        ),
        (
            "video",
            "videoMessage",
            "https://files.example.com/parcel.mp4",
        ),
    ] {
        let body = json!({ "type": kind, "mediaUrl": url, "text": "Here it is" });
        let shown = scene.shows(body).await;
        assert_eq!(shown["message"][part]["caption"], "Here it is", "{shown}");
        assert_eq!(scene.asked("sendMedia").await["media"], url);
        let shown = scene.shows(json!({ "type": kind, "mediaUrl": url })).await;
        assert!(shown["message"][part].is_object(), "{shown}");
        assert!(
            shown["message"][part]["caption"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_keeps_the_name_of_its_file() {
    let scene = Scene::new().await;
    let url = "https://files.example.com/2026/Guide%20d'usage.pdf?sig=1";
    let shown = scene
        .shows(json!({ "type": "document", "mediaUrl": url, "text": "Read me" }))
        .await;
    let document = &shown["message"]["documentMessage"];
    assert_eq!(document["fileName"], "Guide d'usage.pdf", "{shown}");
    assert_eq!(document["mimetype"], "application/pdf");
    assert_eq!(document["caption"], "Read me");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_is_a_file_and_a_voice_note_is_a_voice() {
    let scene = Scene::new().await;
    let url = "https://files.example.com/hello.ogg";
    let file = scene
        .shows(json!({ "type": "audio", "mediaUrl": url, "text": "ignored" }))
        .await;
    assert!(file["message"]["audioMessage"].is_object(), "{file}");
    assert_ne!(file["message"]["audioMessage"]["ptt"], true);
    assert!(file["text"].is_null(), "{file}");
    let voice = scene
        .shows(json!({ "type": "voice_note", "mediaUrl": url }))
        .await;
    assert_eq!(voice["message"]["audioMessage"]["ptt"], true, "{voice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_arrives_with_its_name_and_without_one() {
    let scene = Scene::new().await;
    let named = json!({
        "type": "location", "latitude": 48.858_37, "longitude": 2.294_481,
        "locationName": "Tour Eiffel", "locationAddress": "5 avenue Anatole France",
    });
    let place = scene.shows(named).await["message"]["locationMessage"].clone();
    assert_eq!(place["degreesLatitude"], 48.858_37);
    assert_eq!(place["degreesLongitude"], 2.294_481);
    assert_eq!(place["name"], "Tour Eiffel");
    assert_eq!(place["address"], "5 avenue Anatole France");
    let bare = json!({ "type": "location", "latitude": -33.5, "longitude": 0 });
    let place = scene.shows(bare).await["message"]["locationMessage"].clone();
    assert_eq!(place["degreesLatitude"], -33.5);
    assert_eq!(place["degreesLongitude"].as_f64(), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_shared_as_a_card() {
    let scene = Scene::new().await;
    let contact = scene
        .account
        .client
        .contact("Zoé Martin", 33_699_887_766)
        .await;
    let shown = scene
        .shows(json!({ "type": "contact", "contactId": contact }))
        .await;
    let card = &shown["message"]["contactMessage"];
    assert_eq!(card["displayName"], "Zoé Martin", "{shown}");
    let vcard = card["vcard"].as_str().unwrap_or_default();
    assert!(vcard.contains("FN:Zoé Martin"), "{vcard}");
    assert!(vcard.contains("waid=33699887766"), "{vcard}");
    assert!(vcard.contains("+33699887766"), "{vcard}");
}

fn appointment() -> Value {
    json!({
        "type": "buttons", "title": "Appointment", "description": "Can you come?",
        "footer": "Reply before noon",
        "buttons": [
            { "type": "reply", "displayText": "Yes", "id": "yes" },
            { "type": "reply", "displayText": "No", "id": "no" },
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_are_numbered_text_unless_the_instance_is_native() {
    let scene = Scene::new().await;
    let shown = scene.shows(appointment()).await;
    let text = shown["message"]["conversation"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "*Appointment*",
            "Can you come?",
            "1. Yes",
            "2. No",
            "_Reply before noon_"
        ]
    );
    assert_eq!(scene.stack.received_by(TO).await.len(), 1, "never both");

    let native = "UPDATE instances SET native_buttons = true WHERE id = $1";
    scene.stack.sql(native, &[&scene.instance.id.uuid()]).await;
    let shown = scene.shows(appointment()).await;
    let inner = &shown["message"]["viewOnceMessage"]["message"]["interactiveMessage"];
    assert!(
        inner["body"]["text"]
            .as_str()
            .unwrap_or_default()
            .contains("Can you come?")
    );
    assert_eq!(inner["footer"]["text"], "Reply before noon");
    let buttons = inner["nativeFlowMessage"]["buttons"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let ids: Vec<String> = buttons
        .iter()
        .map(|button| button["buttonParamsJson"].as_str().unwrap_or_default())
        .map(|text| serde_json::from_str::<Value>(text).unwrap_or_default())
        .map(|parameters| parameters["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(ids, ["yes", "no"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_as_text_tell_what_each_of_them_does() {
    let scene = Scene::new().await;
    let body = json!({
        "type": "buttons", "title": "Offer", "description": "Ten percent",
        "buttons": [
            { "type": "copy", "displayText": "Code", "copyCode": "SPRING" },
            { "type": "url", "displayText": "Shop", "url": "https://shop.example.com/" },
        ],
    });
    let text = scene.shows(body).await["message"]["conversation"].clone();
    let text = text.as_str().unwrap_or_default();
    assert!(text.contains("1. Code: SPRING"), "{text}");
    assert!(
        text.contains("2. Shop: https://shop.example.com/"),
        "{text}"
    );
    let body = json!({
        "type": "buttons", "title": "Help", "description": "Two ways",
        "buttons": [
            { "title": "call", "displayText": "Ring us", "phoneNumber": "+33140000000" },
            { "type": "pix", "displayText": "Pay", "currency": "BRL", "name": "Loja",
              "keyType": "email", "key": "pay@example.com" },
        ],
    });
    let text = scene.shows(body).await["message"]["conversation"].clone();
    let text = text.as_str().unwrap_or_default();
    assert!(text.contains("1. Ring us: +33140000000"), "{text}");
    assert!(text.contains("2. Pay: pay@example.com"), "{text}");
}
