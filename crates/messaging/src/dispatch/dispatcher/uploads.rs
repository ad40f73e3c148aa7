//! Uploads among what goes out: room for them before their calls are marked, their bytes after that.

use std::collections::HashMap;

use metrics::counter;
use time::{Duration, OffsetDateTime};

use super::Dispatcher;
use crate::dispatch::ports::{EntryKey, Planned};
use crate::dispatch::settle::{Failure, Verdict};
use crate::instance::InstanceId;
use crate::media::send::{Place, Unavailable, Wanted};
use crate::provider::{Outbound, OutboundFile};

/// When a lane looks again whether there is room for what it uploads.
const ROOM: Duration = Duration::milliseconds(250);

/// The uploads among what goes out.
#[derive(Default)]
pub(super) struct Uploads {
    /// Room for each.
    pub(super) places: HashMap<EntryKey, Place>,
    /// Lanes whose next one has no room.
    pub(super) crowded: Vec<InstanceId>,
}

impl Dispatcher {
    /// Takes room for uploads. Where there is none, the rest of that lane does not go out either:
    /// nothing overtakes.
    pub(super) fn place_uploads(&self, going: &mut Vec<&Planned>) -> Uploads {
        let mut found = Uploads::default();
        let Some(files) = &self.ports.files else {
            return found;
        };
        going.retain(|it| {
            let key = it.entry.key();
            if found.crowded.contains(&key.0) {
                return false;
            }
            match files.want(it.message.media_url.as_deref(), it.entry.workspace) {
                Wanted::Nothing => true,
                Wanted::Upload(place) => found.places.insert(key, place).is_none(),
                Wanted::NoRoom => {
                    found.crowded.push(key.0);
                    false
                }
            }
        });
        found
    }

    /// Lets lanes wait whose uploads have no room: nothing was marked, so nothing is lost but time.
    pub(super) fn rest(&self, crowded: &[InstanceId], now: OffsetDateTime) {
        counter!("msgflash_lane_waits_total").increment(crowded.len() as u64);
        let mut state = self.state();
        for id in crowded {
            if let Some(lane) = state.lanes.get_mut(id) {
                lane.back_off(now + ROOM);
                lane.look_again(now + ROOM);
            }
        }
    }

    /// Keeps an upload whose call came too late.
    pub(super) fn park(&self, place: Place, file: OutboundFile) {
        if let Some(files) = &self.ports.files {
            files.park(place, file);
        }
    }

    /// Fetches the upload a call sends, if it sends one. A store that takes longer than the mark lives
    /// makes the call too late; then the bytes are at hand when it is marked again.
    pub(super) async fn load(
        &self,
        place: Option<&Place>,
        outbound: &mut Outbound,
    ) -> Result<(), Verdict> {
        let (Some(files), Some(place)) = (&self.ports.files, place) else {
            return Ok(());
        };
        let loaded = files.load(place).await.map_err(|why| match why {
            Unavailable::Gone => Verdict::Failed(Failure::MEDIA_GONE),
            Unavailable::NotNow => Verdict::Missed,
        });
        outbound.file = Some(loaded?);
        Ok(())
    }
}
