//! A fake unit and sample values for the tests of files.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use msgflash_kernel::{FixedClock, Id, Secret, StoreError, Unit};
use uuid::Uuid;

use super::link::{KEY_BYTES, MediaLinks};
use super::ports::{ByteStream, MediaStore, MediaUnit, MediaUnits, MockMediaStore};
use super::{LIFETIME, Media, MediaType};
use crate::testing::{NOW, workspace};

/// Hands out units over one store, and counts those that were committed.
#[derive(Default)]
pub(crate) struct Units {
    stores: Mutex<Vec<MockMediaStore>>,
    commits: Arc<Mutex<u32>>,
}

impl Units {
    /// One unit over each of these, in this order.
    pub(crate) fn of(mut stores: Vec<MockMediaStore>) -> Arc<Self> {
        stores.reverse();
        Arc::new(Self {
            stores: Mutex::new(stores),
            commits: Arc::default(),
        })
    }

    pub(crate) fn commits(&self) -> u32 {
        *self.commits.lock().expect("unpoisoned")
    }
}

struct FakeUnit {
    store: MockMediaStore,
    commits: Arc<Mutex<u32>>,
}

#[async_trait]
impl MediaUnits for Units {
    async fn begin(&self) -> Result<Box<dyn MediaUnit>, StoreError> {
        let store = self.stores.lock().expect("unpoisoned").pop();
        Ok(Box::new(FakeUnit {
            store: store.expect("a unit was expected"),
            commits: Arc::clone(&self.commits),
        }))
    }
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        *self.commits.lock().expect("unpoisoned") += 1;
        Ok(())
    }
}

impl MediaUnit for FakeUnit {
    fn media(&mut self) -> &mut dyn MediaStore {
        &mut self.store
    }
}

pub(crate) fn media() -> Media {
    Media {
        id: Id::new(Uuid::from_u128(0x77)),
        workspace: workspace().id,
        created_by: workspace().owner(),
        kind: MediaType::Png,
        size: 3,
        original_name: "photo.png".to_owned(),
        created_at: NOW,
        expires_at: NOW + LIFETIME,
    }
}

pub(crate) fn links() -> Arc<MediaLinks> {
    let key = Secret::new([9; KEY_BYTES]);
    Arc::new(MediaLinks::new("https://api.shop.test", key))
}

pub(crate) fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(NOW))
}

pub(crate) fn stream(bytes: &'static [u8]) -> ByteStream {
    let parts = bytes.chunks(2).map(|part| Ok(Bytes::from_static(part)));
    futures_util::stream::iter(parts.collect::<Vec<_>>()).boxed()
}
