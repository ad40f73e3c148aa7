//! Commands about accounts.

use msgflash_accounts::{User, UserOrder};
use msgflash_kernel::{Id, Secret, UserId};
use msgflash_messaging::events::timestamp;
use serde_json::{Value, json};

use super::UserCommand;
use super::output::{Failure, Output};
use crate::config::Config;
use crate::database::Database;
use crate::wire::{self, Backend};

/// Opens the database and builds the use cases for one command. The schema must be up to date.
pub(super) async fn open(config: &Config) -> Result<(Database, Backend), Failure> {
    let database = Database::open(config).await?;
    database.reach(config).await?;
    msgflash_postgres::migrate(database.url())
        .await
        .map_err(Failure::from_error)?;
    let postgres = database.connect(config)?;
    let backend = wire::backend(config, &postgres).await?;
    Ok((database, backend))
}

/// The account somebody named by address or id.
pub(super) async fn find(backend: &Backend, named: &str) -> Result<User, Failure> {
    let found = match UserId::parse(named) {
        Some(id) => backend.accounts.find(id).await?,
        None => backend.accounts.find_by_email(named).await?,
    };
    found.ok_or_else(|| Failure::not_found(format!("there is no account {named}")))
}

pub(super) async fn run(config: &Config, command: UserCommand, out: Output) -> Result<(), Failure> {
    let (_database, backend) = open(config).await?;
    match command {
        UserCommand::Create {
            email,
            password,
            name,
            plan,
        } => {
            // First, so that a misspelt plan leaves no account behind.
            if let Some(code) = &plan {
                known(&backend, code).await?;
            }
            let order = UserOrder {
                email,
                full_name: name,
                phone: None,
                password: Secret::new(password),
                // Whoever may run this command vouches for the address.
                is_verified: true,
            };
            let user = backend.create_user.create(order).await?;
            let code = match plan {
                Some(code) => set_plan(&backend, &user, &code).await?,
                None => plan_of(&backend, &user).await?,
            };
            out.result(
                &view(&user, &code),
                format!("Account {} ({}) on {code}", user.email, user.id),
            )
        }
        UserCommand::SetPlan { user, plan } => {
            let user = find(&backend, &user).await?;
            let code = set_plan(&backend, &user, &plan).await?;
            out.result(
                &view(&user, &code),
                format!("{} is on {code} now", user.email),
            )
        }
        UserCommand::Suspend { user } => {
            let user = find(&backend, &user).await?;
            let user = backend.people.suspend.suspend(user.id).await?;
            let code = plan_of(&backend, &user).await?;
            out.result(&view(&user, &code), format!("{} is suspended", user.email))
        }
        UserCommand::SignOut { user } => {
            let user = find(&backend, &user).await?;
            let ended = backend.people.end_sessions.end_all(user.id).await;
            let ended = ended.map_err(Failure::from_error)?;
            let value = json!({ "id": user.id.to_string(), "endedSessions": ended });
            out.result(
                &value,
                format!("{} sessions of {} ended", ended, user.email),
            )
        }
        UserCommand::Reactivate { user } => {
            let user = find(&backend, &user).await?;
            let user = backend.people.suspend.reactivate(user.id).await?;
            let code = plan_of(&backend, &user).await?;
            out.result(&view(&user, &code), format!("{} is open again", user.email))
        }
    }
}

/// Lets a new key sign sessions.
pub(super) async fn rotate_signing_key(config: &Config, out: Output) -> Result<(), Failure> {
    let (_database, backend) = open(config).await?;
    let id = backend.people.rotate_key.rotate().await?;
    let value = json!({ "keyId": id.to_string() });
    out.result(&value, format!("Key {id} signs sessions from now on"))
}

async fn set_plan(backend: &Backend, user: &User, code: &str) -> Result<String, Failure> {
    let account = Id::new(user.id.uuid());
    Ok(backend
        .billing_desk
        .assign
        .assign(account, code)
        .await?
        .plan
        .code)
}

async fn known(backend: &Backend, code: &str) -> Result<(), Failure> {
    let plans = backend.billing.active_plans().await?;
    if plans.iter().any(|plan| plan.code == code) {
        return Ok(());
    }
    let codes: Vec<_> = plans.iter().map(|plan| plan.code.as_str()).collect();
    Err(Failure::not_found(format!(
        "there is no plan {code}; there are {}",
        codes.join(", ")
    )))
}

async fn plan_of(backend: &Backend, user: &User) -> Result<String, Failure> {
    let held = backend.billing.entitlement(Id::new(user.id.uuid())).await?;
    Ok(held.map(|held| held.plan.code).unwrap_or_default())
}

fn view(user: &User, plan: &str) -> Value {
    json!({
        "id": user.id.to_string(), "email": user.email, "fullName": user.full_name, "plan": plan,
        "suspendedAt": user.suspended_at.map(timestamp),
    })
}
