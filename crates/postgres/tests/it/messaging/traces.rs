//! Addresses that numbers have at the provider, and calls given up.

use msgflash_kernel::{Id, Phone, StoreError};
use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::trace::{KnownAddress, LostCall};
use msgflash_messaging::message::ports::{SettleUnit, SettleUnits};
use msgflash_messaging::provider::Address;
use msgflash_postgres::Postgres;
use time::Duration;
use uuid::Uuid;

use crate::stage::{NOW, Stage};

async fn unit(store: &Postgres) -> Box<dyn SettleUnit> {
    SettleUnits::begin(store).await.expect("a unit")
}

fn phone(text: &str) -> Phone {
    Phone::from_e164(text).expect("valid")
}

fn instance(number: u128) -> InstanceId {
    Id::new(Uuid::from_u128(number))
}

#[tokio::test]
async fn an_address_leads_to_the_number_last_learned_for_it_in_its_instance() {
    let stage = Stage::new().await;
    let store = &stage.postgres;
    let known = |instance, address: &Address, to: &str| KnownAddress {
        instance,
        address: address.clone(),
        phone: phone(to),
    };
    let lid = Address::Lid("123@lid".into());
    let number = Address::Phone(phone("+155501000609"));
    let mut writing = unit(store).await;
    let first = [
        known(instance(1), &lid, "+33600000001"),
        known(instance(1), &number, "+15550100060"),
        known(instance(1), &number, "+15550100060"),
        known(instance(2), &lid, "+33600000002"),
        known(instance(1), &Address::Other, "+33600000009"),
    ];
    writing.traces().learn(&first).await.expect("learned");
    let later = [known(instance(1), &lid, "+33600000003")];
    writing.traces().learn(&later).await.expect("learned");
    writing.commit().await.expect("committed");

    let mut reading = unit(store).await;
    let traces = reading.traces();
    let mut found = Vec::new();
    for (of, address) in [
        (1, &lid),
        (1, &number),
        (2, &lid),
        (2, &number),
        (1, &Address::Other),
    ] {
        found.push(
            traces
                .phone_behind(instance(of), address)
                .await
                .expect("read"),
        );
    }
    let expected = [
        Some(phone("+33600000003")),
        Some(phone("+15550100060")),
        Some(phone("+33600000002")),
        None,
        None,
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn calls_given_up_are_told_the_earliest_first_until_they_are_found() -> Result<(), StoreError>
{
    let stage = Stage::new().await;
    let store = &stage.postgres;
    let call = |message: u128, to: &str, after: i64| LostCall {
        instance: instance(1),
        phone: phone(to),
        message: Id::new(Uuid::from_u128(message)),
        workspace: Id::new(Uuid::from_u128(0xA)),
        started_at: NOW + Duration::seconds(after),
    };
    let to = "+33600000001";
    let (late, early, other) = (call(1, to, 5), call(2, to, 1), call(3, "+33600000002", 0));
    let mut writing = unit(store).await;
    let all = [late.clone(), early.clone(), other];
    writing.traces().lose(&all).await?;
    // Told twice, kept once.
    writing.traces().lose(&all).await?;
    writing.commit().await?;

    let mut reading = unit(store).await;
    let lost = reading.traces().lost(instance(1), phone(to)).await?;
    assert_eq!(lost, [early.clone(), late.clone()]);
    reading.traces().found(&early).await?;
    let lost = reading.traces().lost(instance(1), phone(to)).await?;
    assert_eq!(lost, [late]);
    assert_eq!(reading.traces().lost(instance(2), phone(to)).await?, []);
    Ok(())
}
