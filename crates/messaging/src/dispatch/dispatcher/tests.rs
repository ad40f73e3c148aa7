use async_trait::async_trait;
use msgflash_kernel::{CountingRandom, FixedClock, Id, Phone, SequentialIds};

use super::*;
use crate::alarm::{Alarm, MockAlarms};
use crate::dispatch::ports::{Claimed, HeldLanes, MockLaneStore, OwnedLane, Planned, StartUnit};
use crate::dispatch::settle::Settle;
use crate::dispatch::settler::settler;
use crate::instance::InstanceStatus;
use crate::instance::ports::MockInstanceReader;
use crate::media::ports::{MockMediaFiles, MockMediaReader};
use crate::media::testing::{clock, links, media};
use crate::media::{MAX_BYTES, Media, MediaType};
use crate::message::MessageKind;
use crate::message::ports::{SettleUnit, SettleUnits};
use crate::provider::{LinkState, MockWhatsAppProvider, SendFailure};
use crate::testing::{FakeUnit, NOW, entry, instance, message};

/// Hands units out, one after the other.
struct Units(Mutex<Vec<FakeUnit>>);

impl Units {
    fn of(units: Vec<FakeUnit>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(units)))
    }

    fn next(&self) -> Box<FakeUnit> {
        let next = self.0.lock().expect("unpoisoned").pop();
        Box::new(next.expect("a unit was expected"))
    }
}

#[async_trait]
impl StartUnits for Units {
    async fn begin(&self) -> Result<Box<dyn StartUnit>, StoreError> {
        Ok(self.next())
    }
}

#[async_trait]
impl SettleUnits for Units {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        Ok(self.next())
    }
}

fn planned(n: u32) -> Planned {
    let id = Id::new(Uuid::from_u128(u128::from(n)));
    Planned {
        entry: QueueEntry {
            message: id,
            phone: Phone::parse(&format!("+336123{n:05}")).expect("a number"),
            ..entry()
        },
        message: Message { id, ..message() },
    }
}

/// A lane with these entries.
fn lane(waiting: Vec<Planned>) -> MockLaneStore {
    let mut lanes = MockLaneStore::new();
    lanes.expect_beat().returning(|_| Ok(()));
    lanes.expect_claim().returning(|_, _, _, _| {
        let taken = vec![OwnedLane {
            lane: instance().id,
            epoch: 1,
            down_since: None,
        }];
        Ok(Claimed {
            lost: Vec::new(),
            taken,
            share: 1,
            orphans: 0,
        })
    });
    lanes
        .expect_ahead()
        .returning(move |_, _| Ok(waiting.clone()));
    lanes
}

/// A dispatcher of one lane without pace, for one start and one settlement.
fn dispatcher(
    lanes: MockLaneStore,
    starting: FakeUnit,
    settling: FakeUnit,
    provider: MockWhatsAppProvider,
    alarms: MockAlarms,
) -> Dispatcher {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(NOW));
    let (front, workers) = settler(1);
    let settle = Settle::new(
        Units::of(vec![settling]),
        Arc::clone(&clock),
        Arc::new(SequentialIds::default()),
        Patience::default(),
    );
    let settle = Arc::new(settle);
    for worker in workers {
        tokio::spawn(worker.run(Arc::clone(&settle)));
    }
    let mut numbers = MockInstanceReader::new();
    numbers
        .expect_window()
        .returning(|_, _| Ok(crate::safety::Window::default()));
    let ports = DispatchPorts {
        lanes: Arc::new(lanes),
        starts: Units::of(vec![starting]),
        settler: front,
        recent: Arc::new(RecentInstances::new(Arc::new(numbers), Arc::clone(&clock))),
        provider: Arc::new(provider),
        files: None,
        alarms: Arc::new(alarms),
        clock,
        random: Arc::new(CountingRandom::default()),
    };
    let abreast = Pace {
        gap: time::Duration::ZERO,
        ..Pace::default()
    };
    Dispatcher::new(ports, abreast, Patience::default(), Uuid::nil())
}

#[tokio::test]
async fn what_fails_before_its_call_is_settled_in_one_group() {
    let mut starting = FakeUnit::default();
    starting.starts.expect_hold_lanes().returning(|_, _| {
        let lost = Instance {
            status: InstanceStatus::Disconnected,
            ..instance()
        };
        Ok(HeldLanes {
            lanes: vec![lost.id],
            instances: vec![lost],
        })
    });
    let mut settling = FakeUnit::default();
    settling
        .queue
        .expect_withdraw()
        .times(1)
        .returning(|attempts| {
            assert_eq!(attempts.len(), 5);
            Ok((0..5).map(|n| planned(n).entry).collect())
        });
    settling.ledger.expect_settle().times(1).returning(|all| {
        assert_eq!(all.len(), 5);
        Ok(())
    });
    settling
        .messages
        .expect_lock()
        .times(1)
        .returning(|_| Ok((0..5).map(|n| planned(n).message).collect()));
    settling.messages.expect_update().times(1).returning(|all| {
        assert!(
            all.iter()
                .all(|it| it.meta["code"] == "INSTANCE_NOT_CONNECTED")
        );
        Ok(())
    });
    settling
        .outbox
        .expect_append()
        .times(1)
        .returning(|_| Ok(()));
    let committed = settling.watch();

    let dispatcher = dispatcher(
        lane((0..5).map(planned).collect()),
        starting,
        settling,
        MockWhatsAppProvider::new(),
        MockAlarms::new(),
    );
    let step = dispatcher.step(512).await.expect("settled");
    assert!(step.calls.is_empty());
    assert!(committed());
}

#[tokio::test]
async fn a_dead_link_under_an_open_state_is_restarted_and_told() {
    let mut starting = FakeUnit::default();
    starting.starts.expect_hold_lanes().returning(|_, _| {
        Ok(HeldLanes {
            lanes: vec![instance().id],
            instances: vec![instance()],
        })
    });
    starting
        .starts
        .expect_start()
        .returning(|keys, _, _| Ok(keys.iter().map(|(key, _)| (*key, 1)).collect()));
    let mut settling = FakeUnit::default();
    settling.queue.expect_lock().returning(|_| {
        Ok(Some(QueueEntry {
            attempt: 1,
            ..planned(0).entry
        }))
    });
    settling
        .queue
        .expect_lane_down()
        .returning(|_, now| Ok(now));
    settling.queue.expect_put_back().returning(|_, _, _| Ok(()));
    let mut provider = MockWhatsAppProvider::new();
    provider
        .expect_send()
        .times(1)
        .returning(|_, _| Err(SendFailure::NotConnected("Connection Closed".into())));
    provider.expect_state().returning(|_| Ok(LinkState::Open));
    provider.expect_restart().times(1).returning(|_| Ok(()));
    let mut alarms = MockAlarms::new();
    alarms
        .expect_raise()
        .times(1)
        .withf(|alarm, id| *alarm == Alarm::DeadLink && *id == Some(instance().id))
        .return_const(());
    let lanes = lane(vec![planned(0)]);
    let dispatcher = dispatcher(lanes, starting, settling, provider, alarms);
    dispatcher.tick().await.expect("settled");
}

#[tokio::test]
async fn uploads_without_room_in_memory_wait_unmarked_and_nothing_overtakes_them() {
    let film = Media {
        kind: MediaType::Mp4,
        // One workspace has room for two of them.
        size: MAX_BYTES / 2,
        ..media()
    };
    let (url, _) = links().issue(&film, [1; 16]);
    let mut waiting: Vec<Planned> = (0..4).map(planned).collect();
    for it in &mut waiting[..3] {
        it.message.kind = MessageKind::Video;
        it.message.media_url = Some(url.clone());
    }
    let mut starting = FakeUnit::default();
    starting.starts.expect_hold_lanes().returning(|_, _| {
        Ok(HeldLanes {
            lanes: vec![instance().id],
            instances: vec![instance()],
        })
    });
    starting
        .starts
        .expect_start()
        .times(1)
        .returning(|keys, _, _| Ok(keys.iter().map(|(key, _)| (*key, 1)).collect()));
    let settling = FakeUnit::default();
    let (provider, alarms) = (MockWhatsAppProvider::new(), MockAlarms::new());
    let mut dispatcher = dispatcher(lane(waiting), starting, settling, provider, alarms);
    let files = SendFiles::new(
        Arc::new(MockMediaReader::new()),
        Arc::new(MockMediaFiles::new()),
        links(),
        clock(),
    );
    dispatcher.ports.files = Some(Arc::new(files));
    let step = dispatcher.step(512).await.expect("begun");
    let begun: Vec<_> = step.calls.iter().map(|it| it.entry.message).collect();
    assert_eq!(begun, [planned(0), planned(1)].map(|it| it.entry.message));
    assert!(step.calls.iter().all(|it| it.place.is_some()));
}

#[tokio::test]
async fn an_upload_that_is_gone_fails_its_message_without_a_call() {
    let (url, _) = links().issue(&media(), [1; 16]);
    let mut waiting = planned(0);
    waiting.message.kind = MessageKind::Image;
    waiting.message.media_url = Some(url);
    let mut starting = FakeUnit::default();
    starting.starts.expect_hold_lanes().returning(|_, _| {
        Ok(HeldLanes {
            lanes: vec![instance().id],
            instances: vec![instance()],
        })
    });
    starting
        .starts
        .expect_start()
        .returning(|keys, _, _| Ok(keys.iter().map(|(key, _)| (*key, 1)).collect()));
    let mut settling = FakeUnit::default();
    settling.queue.expect_withdraw().returning(|_| {
        Ok(vec![QueueEntry {
            attempt: 1,
            ..planned(0).entry
        }])
    });
    settling.ledger.expect_settle().returning(|_| Ok(()));
    settling
        .messages
        .expect_lock()
        .returning(|_| Ok(vec![planned(0).message]));
    settling.messages.expect_update().times(1).returning(|all| {
        assert_eq!(all[0].meta["code"], "NOT_FOUND");
        Ok(())
    });
    settling.outbox.expect_append().returning(|_| Ok(()));
    let committed = settling.watch();
    let (provider, alarms) = (MockWhatsAppProvider::new(), MockAlarms::new());
    let mut dispatcher = dispatcher(lane(vec![waiting]), starting, settling, provider, alarms);
    let mut reader = MockMediaReader::new();
    reader.expect_find_by_token().returning(|_| Ok(None));
    let files = MockMediaFiles::new();
    let files = SendFiles::new(Arc::new(reader), Arc::new(files), links(), clock());
    dispatcher.ports.files = Some(Arc::new(files));
    dispatcher.tick().await.expect("settled");
    assert!(committed());
}

#[tokio::test]
async fn whoever_opted_out_meanwhile_is_not_called_and_the_message_fails() {
    let mut starting = FakeUnit::default();
    starting.starts.expect_hold_lanes().returning(|_, _| {
        Ok(HeldLanes {
            lanes: vec![instance().id],
            instances: vec![instance()],
        })
    });
    starting
        .starts
        .expect_start()
        .returning(|_, _, _| Ok(Vec::new()));
    starting
        .starts
        .expect_opted_out()
        .times(1)
        .returning(|keys| Ok(keys.to_vec()));
    let mut settling = FakeUnit::default();
    settling
        .queue
        .expect_withdraw()
        .returning(|_| Ok(vec![planned(0).entry]));
    settling.ledger.expect_settle().times(1).returning(|all| {
        assert_eq!(all[0].released, 1);
        Ok(())
    });
    settling
        .messages
        .expect_lock()
        .returning(|_| Ok(vec![planned(0).message]));
    settling.messages.expect_update().times(1).returning(|all| {
        assert_eq!(all[0].meta["code"], "RECIPIENT_OPTED_OUT");
        Ok(())
    });
    settling.outbox.expect_append().returning(|_| Ok(()));
    let (provider, alarms) = (MockWhatsAppProvider::new(), MockAlarms::new());
    let lanes = lane(vec![planned(0)]);
    let dispatcher = dispatcher(lanes, starting, settling, provider, alarms);
    let step = dispatcher.step(512).await.expect("settled");
    assert!(step.calls.is_empty());
}

#[test]
fn a_stored_message_becomes_what_is_sent() {
    let outbound = outbound_of(&message(), &instance()).expect("sendable");
    assert_eq!(outbound.content, Content::Text("Hello".into()));
    let mut broken = message();
    broken.body = None;
    assert_eq!(outbound_of(&broken, &instance()), None);
}
