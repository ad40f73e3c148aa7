//! `instance`: making a number, linking a phone from the terminal.

use std::time::Duration;

use blackbox::{Account, Stack, eventually};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;

use super::{FAILED, NOT_FOUND, Said, Shell, UNAVAILABLE, USAGE};

async fn create(shell: &Shell, account: &Account) -> Value {
    shell
        .json(&[
            "instance",
            "create",
            "--user",
            &account.user.to_string(),
            "--name",
            "Shop",
        ])
        .await
}

/// The name an instance has at the gateway.
async fn session(stack: &Stack, id: &str) -> String {
    let id: uuid::Uuid = id.parse().expect("an id");
    stack
        .rows("SELECT session FROM instances WHERE id = $1", &[&id])
        .await[0]
        .get(0)
}

/// Lets the phone scan as soon as the gateway shows a code.
async fn scan(stack: &Stack, id: &str) {
    let session = session(stack, id).await;
    let body = json!({ "number": "33611112222" });
    eventually("the phone scans", async || {
        let path = format!("instances/{session}/scan");
        (stack.control(&path, body.clone()).await.status < 300).then_some(())
    })
    .await;
}

/// Reads until the program has said this, or ended.
async fn hear(child: &mut Child, wanted: impl Fn(&str) -> bool) -> String {
    let out = child.stdout.as_mut().expect("a pipe");
    let mut heard = Vec::new();
    let mut chunk = [0; 4096];
    let read = async {
        loop {
            let count = out.read(&mut chunk).await.expect("a pipe");
            heard.extend_from_slice(&chunk[..count]);
            if count == 0 || wanted(&String::from_utf8_lossy(&heard)) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read)
        .await
        .expect("it says something");
    String::from_utf8_lossy(&heard).into_owned()
}

async fn end(child: Child) -> Said {
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output()).await;
    ended.expect("it ends by itself").expect("it ran").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_made_here_and_at_the_gateway() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let shell = Shell::of(&stack);
    let made = create(&shell, &account).await;
    let id = made["id"].as_str().expect("an id");
    let shown = account.client.get(&format!("/api/v1/instances/{id}")).await;
    for member in ["id", "name", "waNumber", "status", "createdAt", "updatedAt"] {
        assert_eq!(made[member], shown.data()[member], "{member}");
    }
    assert_eq!(made["userId"], account.user.to_string());
    let listed = shell
        .json(&["instance", "list", "--user", &account.user.to_string()])
        .await;
    assert_eq!(listed, json!([made]));
    let table = shell
        .run(&["instance", "list", "--user", &account.user.to_string()])
        .await;
    assert!(
        table.out.contains("STATUS")
            && table.out.contains(id)
            && table.out.contains("disconnected"),
        "{table:?}"
    );
    let session = session(&stack, id).await;
    let there = stack
        .control(&format!("instances/{session}/drop"), json!({ "code": 401 }))
        .await;
    assert_eq!(
        there.status, 409,
        "known to the gateway, not connected: {there:?}"
    );

    let user = account.user.to_string();
    let more = ["instance", "create", "--user", &user, "--name", "Two"];
    assert_eq!(
        shell.failure(&more).await,
        (FAILED, "MAX_INSTANCES_REACHED".to_owned()),
        "free has one"
    );
    let nameless = ["instance", "create", "--user", &user, "--name", " "];
    assert_eq!(shell.failure(&nameless).await.0, FAILED);
    assert_eq!(stack.count("SELECT count(*) FROM instances", &[]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_leaves_no_instance_behind() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let shell = Shell::of(&stack).with("MSGFLASH_EVOLUTION_URL", "http://127.0.0.1:1");
    let user = account.user.to_string();
    let failed = shell
        .failure(&["instance", "create", "--user", &user, "--name", "Shop"])
        .await;
    assert_eq!(failed, (UNAVAILABLE, "PROVIDER_UNAVAILABLE".to_owned()));
    let left = stack
        .count(
            "SELECT count(*) FROM instances WHERE deleted_at IS NULL",
            &[],
        )
        .await;
    assert_eq!(left, 0);
    let made = account.instance(&stack).await.id.to_string();
    assert_eq!(
        shell.failure(&["instance", "connect", &made]).await.0,
        UNAVAILABLE
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_shows_a_code_and_ends_when_the_phone_scanned_it() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let shell = Shell::of(&stack);
    let id = create(&shell, &account).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut child = shell.spawn(&["instance", "connect", &id]);
    let heard = hear(&mut child, |text| text.contains("scan this")).await;
    let rows: Vec<_> = heard
        .lines()
        .filter(|line| line.contains(['█', '▀', '▄']))
        .collect();
    assert!(rows.len() >= 20, "a QR code is drawn: {heard}");
    let width = rows[rows.len() / 2].chars().count();
    assert!(
        rows.iter().all(|row| row.chars().count() == width),
        "it is a rectangle"
    );
    scan(&stack, &id).await;
    let said = end(child).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("Connected as +33611112222"), "{said:?}");
    account
        .wait_status(
            &stack,
            id.parse::<uuid::Uuid>()
                .map(msgflash_kernel::Id::new)
                .expect("an id"),
            "connected",
        )
        .await;

    let again = shell.run(&["instance", "connect", &id]).await;
    assert!(
        again.code == 0 && again.out.contains("Connected"),
        "linked already: {again:?}"
    );
    let shown = shell
        .json(&[
            "instance",
            "connect",
            &id,
            "--user",
            &account.user.to_string(),
        ])
        .await;
    assert_eq!(
        (&shown["status"], &shown["waNumber"]),
        (&json!("connected"), &json!("+33611112222"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_by_phone_shows_a_pairing_code() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let shell = Shell::of(&stack);
    let id = create(&shell, &account).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let shown = shell
        .json(&[
            "instance",
            "connect",
            &id,
            "--phone",
            "+33611112222",
            "--no-wait",
        ])
        .await;
    let code = shown["pairingCode"].as_str().expect("a code");
    assert_eq!(code.len(), 8, "{shown}");
    assert_eq!(shown["instanceId"], id);

    let other = create(&shell, &account).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut child = shell.spawn(&["instance", "connect", &other, "--phone", "+33611112222"]);
    let heard = hear(&mut child, |text| {
        text.contains("type") && text.contains('-')
    })
    .await;
    assert!(
        heard.contains("phone number") && !heard.contains('█'),
        "{heard}"
    );
    scan(&stack, &other).await;
    let said = end(child).await;
    assert!(said.code == 0 && said.out.contains("Connected"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_tells_what_it_cannot_do() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let other = stack.account("pro").await;
    let shell = Shell::of(&stack);
    let id = create(&shell, &account).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for unknown in ["nonsense", "0197b3c0-1111-7000-8000-00000000dead"] {
        assert_eq!(
            shell.failure(&["instance", "connect", unknown]).await.0,
            NOT_FOUND,
            "{unknown}"
        );
    }
    let foreign = [
        "instance",
        "connect",
        &id,
        "--user",
        &other.user.to_string(),
    ];
    assert_eq!(
        shell.failure(&foreign).await.0,
        NOT_FOUND,
        "another account's"
    );
    let phone = ["instance", "connect", &id, "--phone", "0612"];
    assert_eq!(
        shell.failure(&phone).await,
        (USAGE, "VALIDATION_ERROR".to_owned())
    );
    let qr = shell.json(&["instance", "connect", &id, "--no-wait"]).await;
    assert!(
        qr["qr"].as_str().is_some_and(|code| !code.is_empty()),
        "{qr}"
    );
    let no_gateway = Shell::bare().with("DATABASE_URL", stack.database.url());
    let said = no_gateway.run(&["instance", "connect", &id]).await;
    assert!(
        said.code != 0 && said.err.contains("MSGFLASH_EVOLUTION_URL"),
        "says what to set: {said:?}"
    );
}
