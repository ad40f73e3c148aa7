//! A shop tells its customers that their parcels have left, with the domain crates of `MsgFlash` and
//! nothing else of it: no database, no HTTP server, no gateway.
//!
//! The rules come from the crates: what a template becomes, how much of the month is left, who must
//! not be written to, that a repeated request is answered and not done again. What they ask for is
//! in this folder: [`directory`] says what the shop knows, [`store`] keeps what was accepted,
//! [`console`] prints instead of sending. [`shop`] puts them together.
//!
//! The program checks what it shows and ends with an error when something is not as promised.

mod console;
mod directory;
mod sender;
mod shop;
mod store;

use std::error::Error;

use msgflash_kernel::{Fault, Outcome, ReplayKey};
use msgflash_messaging::{MessageStatus, MessagingError};

use crate::shop::Shop;

/// What the plan of the shop grants, in messages a month.
const MONTHLY_MESSAGES: u32 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let shop = Shop::open(MONTHLY_MESSAGES)?;

    let Outcome::Done(first) = shop.tell("+221 77 000 00 00", Some("PX-1")).await? else {
        return Err("the first request was not new".into());
    };
    check(
        first.message.body.as_deref() == Some("Hello Awa, parcel PX-1 has left Main shop."),
        "the template became a message",
    )?;
    check(first.message.status == MessageStatus::Queued, "it waits")?;

    let refusal = refused(shop.tell("+221 77 000 00 00", None).await)?;
    check(
        refusal.code() == "TEMPLATE_VARIABLES_MISSING"
            && refusal.to_string().contains("custom.parcel"),
        "a placeholder without a value is told by name",
    )?;

    let refusal = refused(shop.tell("+33 6 12 34 56 99", Some("PX-2")).await)?;
    check(
        refusal.code() == "RECIPIENT_OPTED_OUT",
        "whoever wants no messages gets none",
    )?;

    let key = shop.request(1);
    let Outcome::Done(second) = shop
        .say("+33612345678", "Your order is here.", &key)
        .await?
    else {
        return Err("the second request was not new".into());
    };
    let repeated = shop
        .say("+33612345678", "Your order is here.", &key)
        .await?;
    let id = second.message.id.to_string();
    check(
        matches!(repeated, Outcome::Replayed(answer) if answer.body == id),
        "a repeated request is answered and not done again",
    )?;
    let other = ReplayKey {
        request: [2; 32],
        ..key
    };
    let refusal = refused(shop.say("+33612345678", "Something else.", &other).await)?;
    check(
        refusal.code() == "CONFLICT",
        "the same key with another request is a mistake",
    )?;

    let refusal = refused(shop.tell("+221 77 000 00 00", Some("PX-3")).await)?;
    check(
        refusal.code() == "MONTHLY_OUTBOUND_QUOTA_EXCEEDED",
        "reservations fill the month like messages do",
    )?;

    shop.send_what_waits().await?;
    let usage = shop.usage().await?;
    check(
        (usage.messages, usage.reserved) == (1, 0),
        "what was sent is counted, what could not be sent is given back",
    )?;
    check(
        shop.status_of(second.message.id).await == Some(MessageStatus::Failed),
        "a number without WhatsApp fails its message",
    )?;

    shop.tell("+221 77 000 00 00", Some("PX-3")).await?;
    shop.send_what_waits().await?;
    let usage = shop.usage().await?;
    check(
        usage.messages == u64::from(MONTHLY_MESSAGES),
        "and leaves its place to another",
    )?;
    println!("Everything is as promised.");
    Ok(())
}

/// Shows a claim that holds; one that does not ends the program.
fn check(holds: bool, claim: &str) -> Result<(), String> {
    if !holds {
        return Err(format!("not as promised: {claim}"));
    }
    println!("ok: {claim}");
    Ok(())
}

/// The refusal, where one is expected.
fn refused<T>(answer: Result<T, MessagingError>) -> Result<MessagingError, String> {
    let refusal = answer
        .err()
        .ok_or_else(|| "accepted what had to be refused".to_owned())?;
    println!("refused ({}): {refusal}", refusal.code());
    Ok(refusal)
}
