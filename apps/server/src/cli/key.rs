//! Commands about API keys.

use msgflash_accounts::{ApiKey, ApiKeyId, KeyOrder};
use msgflash_kernel::{Actor, Id, Workspace};
use msgflash_messaging::events::timestamp;
use serde_json::{Value, json};

use super::KeyCommand;
use super::output::{Failure, Output};
use super::user::{find, open};
use crate::config::Config;

pub(super) async fn run(config: &Config, command: KeyCommand, out: Output) -> Result<(), Failure> {
    let (_database, backend) = open(config).await?;
    match command {
        KeyCommand::Create { user, name } => {
            let user = find(&backend, &user).await?;
            let account = Id::new(user.id.uuid());
            let held = backend.billing.entitlement(account).await?;
            let held = held.ok_or_else(|| Failure::not_found("the account has no subscription"))?;
            held.plan.allow_api_keys()?;
            let order = KeyOrder {
                actor: Actor::owner_of(account),
                name,
                cap: held.plan.limits.max_api_keys,
            };
            let (key, secret) = backend.create_key.create(order).await?;
            let mut value = view(&key);
            value["secret"] = json!(secret.reveal());
            let text = format!(
                "{}\n\nThis is the only time the key is shown. Send it in the header x-api-key.",
                secret.reveal()
            );
            out.result(&value, text)
        }
        KeyCommand::List { user } => {
            let user = find(&backend, &user).await?;
            let found = backend
                .list_keys
                .list(&Workspace::personal(user.id))
                .await?;
            let rows: Vec<_> = found
                .iter()
                .map(|key| {
                    let last = key.last_used_at.map_or("never".to_owned(), timestamp);
                    vec![
                        key.id.to_string(),
                        key.name.clone(),
                        key.prefix.clone(),
                        last,
                    ]
                })
                .collect();
            let values: Vec<_> = found.iter().map(view).collect();
            out.table(&["ID", "NAME", "PREFIX", "LAST USED"], &rows, &values)
        }
        KeyCommand::Revoke { id, user } => {
            let user = find(&backend, &user).await?;
            let unknown = || Failure::not_found(format!("there is no key {id}"));
            let key = ApiKeyId::parse(&id).ok_or_else(unknown)?;
            backend
                .revoke_key
                .revoke(Id::new(user.id.uuid()), key)
                .await?;
            out.result(
                &json!({ "success": true }),
                "The key is revoked and works no more.",
            )
        }
    }
}

fn view(key: &ApiKey) -> Value {
    json!({
        "id": key.id.to_string(), "name": key.name, "keyPrefix": key.prefix,
        "kind": key.kind().as_str(), "lastUsedAt": key.last_used_at.map(timestamp),
        "revokedAt": key.revoked_at.map(timestamp), "createdAt": timestamp(key.created_at),
    })
}
