//! What the demo needs before it can call the API: an account, an instance, a key.

use anyhow::{Context as _, Result, bail};
use msgflash_accounts::{KeyOrder, User, UserOrder};
use msgflash_kernel::{AccountId, Actor, Id, Random as _, Secret, Workspace};
use msgflash_messaging::InstanceId;
use msgflash_messaging::instance::provision::NewInstance;
use msgflash_messaging::provider::Pairing;
use serde_json::json;
use std::time::Duration;

use super::OWN_NUMBER;
use crate::chance::SystemRandom;
use crate::wire::Backend;

const EMAIL: &str = "demo@msgflash.example";
const KEY_NAME: &str = "demo";
const INSTANCE_NAME: &str = "Demo shop";

/// What was prepared.
pub(super) struct Setup {
    pub(super) key: String,
    pub(super) instance: String,
    pub(super) session: String,
}

/// Makes what is missing and reuses what an earlier demo made.
pub(super) async fn prepare(backend: &Backend) -> Result<Setup> {
    let user = account(backend).await?;
    let workspace = Workspace::personal(user.id);
    let actor = Actor::new(workspace, user.id);
    let plan = backend
        .billing
        .entitlement(workspace.account)
        .await?
        .context("the demo account has no subscription")?
        .plan;

    // A key's secret is shown once and never stored, so every demo makes its own.
    for key in backend.list_keys.list(&workspace).await? {
        if key.name == KEY_NAME {
            backend.revoke_key.revoke(workspace.account, key.id).await?;
        }
    }
    let order = KeyOrder {
        actor,
        name: KEY_NAME.to_owned(),
        cap: plan.limits.max_api_keys,
    };
    let (_, secret) = backend.create_key.create(order).await?;

    let known = backend
        .read_instances
        .list(&Actor::owner_of(workspace.account))
        .await?;
    let known = known.into_iter().find(|it| it.name == INSTANCE_NAME);
    let instance = if let Some(instance) = known {
        // The simulated phone of an earlier demo is gone; this notes it.
        backend
            .read_instances
            .state(&Actor::owner_of(workspace.account), instance.id)
            .await?;
        instance
    } else {
        let name = INSTANCE_NAME.to_owned();
        let cap = plan.limits.max_instances;
        backend
            .provision
            .create(NewInstance { actor, name, cap })
            .await?
    };
    Ok(Setup {
        key: secret.reveal().to_owned(),
        instance: instance.id.to_string(),
        session: instance.session,
    })
}

async fn account(backend: &Backend) -> Result<User> {
    if let Some(user) = backend.accounts.find_by_email(EMAIL).await? {
        return Ok(user);
    }
    let mut password = [0u8; 16];
    SystemRandom.fill(&mut password);
    let order = UserOrder {
        email: EMAIL.to_owned(),
        full_name: "Demo Account".to_owned(),
        phone: None,
        // Nobody signs in to it.
        password: Secret::new(hex::encode(password)),
        is_verified: true,
    };
    let user = backend.create_user.create(order).await?;
    let account = Id::new(user.id.uuid());
    backend.billing_desk.assign.assign(account, "pro").await?;
    Ok(user)
}

/// Asks for a code and lets the simulated phone scan it.
pub(super) async fn link(
    backend: &Backend,
    instance: &str,
    simulator: &str,
    session: &str,
) -> Result<()> {
    let id = InstanceId::parse(instance).context("an instance id")?;
    let found = backend
        .read_instances
        .any(id)
        .await?
        .context("the demo instance is gone")?;
    let account: AccountId = found.account;
    for _ in 0..20 {
        match backend
            .provision
            .connect(&Actor::owner_of(account), id, None)
            .await?
        {
            Pairing::AlreadyOpen => return Ok(()),
            Pairing::Code { .. } => return scan(simulator, session).await,
            Pairing::NotYet => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    }
    bail!("the simulator showed no QR code")
}

async fn scan(simulator: &str, session: &str) -> Result<()> {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()?;
    let url = format!("{simulator}/simulator/instances/{session}/scan");
    let body = json!({ "number": OWN_NUMBER, "profileName": "Demo shop" });
    let answer = http.post(url).json(&body).send().await?;
    if !answer.status().is_success() {
        bail!(
            "the simulated phone could not scan the code: {}",
            answer.status()
        );
    }
    Ok(())
}
