use super::*;
use crate::model::Model;
use crate::sample::account;

fn reading(used: u64, meter: Meter, period: i32) -> MeterReading {
    MeterReading {
        account: account(),
        period,
        meter,
        used,
        limit: Some(500),
    }
}

#[tokio::test]
async fn each_threshold_is_told_once_per_month_and_meter() {
    let model = Model::on("free");
    let tell = TellQuota::new(model.ports());
    let outbound = |used| reading(used, Meter::Outbound, 202_605);
    let told = async |it: MeterReading| tell.look(&[it]).await.unwrap();
    assert_eq!(told(outbound(399)).await, 0);
    assert_eq!(told(outbound(400)).await, 1);
    assert_eq!(told(outbound(450)).await, 0);
    assert_eq!(told(outbound(500)).await, 1);
    assert_eq!(told(outbound(500)).await, 0);
    assert_eq!(told(reading(500, Meter::ApiRequests, 202_605)).await, 1);
    assert_eq!(told(reading(420, Meter::Outbound, 202_606)).await, 1);
    assert_eq!(model.told(), ["quota_reached"; 4]);
}

#[tokio::test]
async fn readings_worth_a_look_are_told() {
    let model = Model::on("free");
    let mut readings = MockMeterReader::new();
    let found = vec![reading(500, Meter::Outbound, 202_605)];
    readings
        .expect_worth_a_look()
        .returning(move |_, _| Ok(found.clone()));
    let watch = WatchQuota::new(model.ports(), Arc::new(readings));
    assert_eq!(
        watch.tick(202_605).await.unwrap(),
        msgflash_kernel::Tick::Did(1)
    );
    assert_eq!(
        watch.tick(202_605).await.unwrap(),
        msgflash_kernel::Tick::Idle
    );
}
