//! Commands about payments.

use clap::{Args, Subcommand};
use msgflash_accounts::User;
use msgflash_billing::{
    Entitlement, HandledEvent, Money, Outcome, PendingPurchase, SeenPayment, WANTED, minor_units,
};
use msgflash_kernel::{AccountId, Id};
use msgflash_messaging::events::timestamp;
use serde_json::{Value, json};

use super::exit;
use super::output::{Failure, Output};
use super::user::{find, open};
use crate::config::Config;
use crate::wire::Backend;

/// The most purchases that are listed.
const MOST: u32 = 10_000;

/// `billing`.
#[derive(Debug, Subcommand)]
pub enum BillingCommand {
    /// List purchases that wait for a payment by hand, the oldest first
    Pending,
    /// Take a payment as made
    ///
    /// A payment for the plan that is held follows on what is paid, or owed; a higher plan begins now
    /// with a full period. The same reference counts once.
    Confirm(ConfirmArgs),
    /// List what payment providers told and operators confirmed, the newest first
    Events {
        /// Only of this account: its address or id
        #[arg(long)]
        user: Option<String>,
        /// How many
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
}

/// `billing confirm`.
#[derive(Debug, Args)]
pub struct ConfirmArgs {
    /// Who paid: their address or id
    #[arg(long)]
    user: String,
    /// The code of the plan paid for, such as pro
    #[arg(long)]
    plan: String,
    /// For how many months
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=36))]
    months: u32,
    /// How much was paid, such as 57.00, in the plan's currency; without it the plan's price
    #[arg(long, value_name = "AMOUNT")]
    amount: Option<String>,
    /// Your name for the payment, such as the number of a transfer
    #[arg(long)]
    reference: String,
}

pub(super) async fn run(
    config: &Config,
    command: BillingCommand,
    out: Output,
) -> Result<(), Failure> {
    let (_database, backend) = open(config).await?;
    match command {
        BillingCommand::Pending => pending(&backend, out).await,
        BillingCommand::Confirm(args) => confirm(&backend, args, out).await,
        BillingCommand::Events { user, limit } => events(&backend, user, limit, out).await,
    }
}

async fn pending(backend: &Backend, out: Output) -> Result<(), Failure> {
    let since = backend.clock.now() - WANTED;
    let waiting = backend.billing_desk.operator.pending(since, MOST).await?;
    let row = |it: &PendingPurchase| {
        let price = format!("{} {}", it.price, it.currency);
        vec![
            timestamp(it.created_at),
            it.email.clone(),
            it.plan.clone(),
            price,
        ]
    };
    let rows: Vec<_> = waiting.iter().map(row).collect();
    let values: Vec<Value> = waiting.iter().map(purchase).collect();
    out.table(&["SINCE", "WHO", "PLAN", "PRICE"], &rows, &values)
}

fn purchase(it: &PendingPurchase) -> Value {
    json!({
        "accountId": it.account.to_string(), "email": it.email, "planCode": it.plan,
        "planName": it.plan_name, "price": it.price, "currency": it.currency,
        "createdAt": timestamp(it.created_at),
    })
}

async fn confirm(backend: &Backend, args: ConfirmArgs, out: Output) -> Result<(), Failure> {
    let user = find(backend, &args.user).await?;
    let account: AccountId = Id::new(user.id.uuid());
    let money = match &args.amount {
        None => None,
        Some(amount) => Some(money(backend, account, &args.plan, amount).await?),
    };
    let payment = SeenPayment {
        account,
        plan: args.plan,
        months: args.months,
        money,
        reference: args.reference,
    };
    let outcome = backend.billing_desk.confirm.confirm(payment).await?;
    let held = backend.billing.entitlement(account).await?;
    let held = held.ok_or_else(|| Failure::not_found("the account has no subscription"))?;
    let text = told(outcome, &user, &held);
    let value = json!({
        "outcome": outcome.as_str(), "accountId": account.to_string(), "email": user.email,
        "plan": held.plan.code, "status": status(&held),
        "currentPeriodEnd": held.subscription.period_end.map(timestamp),
    });
    out.result(&value, text)
}

/// An amount as people write it, in the currency of the plan it is for.
async fn money(
    backend: &Backend,
    account: AccountId,
    plan: &str,
    amount: &str,
) -> Result<Money, Failure> {
    let offered = backend.billing.active_plans().await?;
    let held = backend.billing.entitlement(account).await?;
    let mut known = offered.into_iter().chain(held.map(|it| it.plan));
    let found = known.find(|it| it.code == plan);
    let currency = found
        .ok_or_else(|| Failure::not_found(format!("there is no plan {plan}")))?
        .currency;
    let amount = minor(amount, &currency).ok_or_else(|| {
        let told = format!("{amount:?} is no amount of {currency}");
        Failure::new(exit::USAGE, "VALIDATION_ERROR", told)
    })?;
    Ok(Money { amount, currency })
}

/// `57.00` in the smallest units of a currency; `None` for what is no amount of it.
fn minor(text: &str, currency: &str) -> Option<i64> {
    let unit = minor_units(1, currency);
    let digits = unit.ilog10() as usize;
    let (whole, part) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, part)) => (whole, part),
        None => (text, ""),
    };
    let is_number = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    if part.len() > digits || !is_number(whole) || !is_number(part) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    // With a zero before it: a currency without a part has no digits at all.
    let part: i64 = format!("0{part:0<digits$}").parse().ok()?;
    whole.checked_mul(unit)?.checked_add(part)
}

fn told(outcome: Outcome, user: &User, held: &Entitlement) -> String {
    let until = held.subscription.period_end.map(timestamp);
    let until = until.map_or("without an end".to_owned(), |it| format!("until {it}"));
    let stands = format!("{} is on {}, {until}.", user.email, held.plan.code);
    match outcome {
        Outcome::Applied | Outcome::Unexpected => stands,
        Outcome::Seen => format!("This payment was confirmed before. {stands}"),
        Outcome::Noted | Outcome::Unknown | Outcome::Unneeded => {
            format!("The payment is noted and changes nothing. {stands}")
        }
    }
}

fn status(held: &Entitlement) -> &'static str {
    use msgflash_billing::SubscriptionStatus as Status;
    match held.subscription.status {
        Status::Active => "active",
        Status::Trialing => "trialing",
        Status::PastDue => "past_due",
        Status::Cancelled => "cancelled",
        Status::Expired => "expired",
    }
}

async fn events(
    backend: &Backend,
    user: Option<String>,
    limit: u32,
    out: Output,
) -> Result<(), Failure> {
    let account = match user {
        Some(user) => Some(Id::new(find(backend, &user).await?.id.uuid())),
        None => None,
    };
    let handled = backend.billing_desk.operator.events(account, limit).await?;
    let row = |it: &HandledEvent| {
        let who = it.email.clone().unwrap_or_else(|| it.account.to_string());
        vec![
            timestamp(it.handled_at),
            who,
            it.provider.clone(),
            it.kind.clone(),
            it.id.clone(),
        ]
    };
    let rows: Vec<_> = handled.iter().map(row).collect();
    let values: Vec<Value> = handled.iter().map(event).collect();
    out.table(
        &["HANDLED", "WHO", "PROVIDER", "WHAT", "ID"],
        &rows,
        &values,
    )
}

fn event(it: &HandledEvent) -> Value {
    json!({
        "id": it.id, "provider": it.provider, "kind": it.kind,
        "accountId": it.account.to_string(), "email": it.email,
        "occurredAt": timestamp(it.occurred_at), "handledAt": timestamp(it.handled_at),
    })
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn amounts_are_read_in_the_units_of_their_currency() {
        assert_eq!(minor("57.00", "EUR"), Some(5700));
        assert_eq!(minor("57", "EUR"), Some(5700));
        assert_eq!(minor("57.5", "EUR"), Some(5750));
        assert_eq!(minor("0.05", "EUR"), Some(5));
        assert_eq!(minor("7200", "XOF"), Some(7200));
        assert_eq!(minor("5.125", "KWD"), Some(5125));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for odd in [
            "",
            ".",
            "5.",
            ".5",
            "-5",
            "5,00",
            "5.001",
            "1e3",
            "five",
            "99999999999999999999",
        ] {
            assert_eq!(minor(odd, "EUR"), None, "{odd}");
        }
        assert_eq!(minor("7200.5", "XOF"), None);
    }
}
