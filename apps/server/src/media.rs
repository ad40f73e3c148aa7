//! Uploaded files, wired: one set of use cases over one store of files.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use msgflash_kernel::{Random as _, Secret};
use msgflash_media::{Signatures, StoredFiles};
use msgflash_messaging::media::delete::DeleteMedia;
use msgflash_messaging::media::forget::ForgetMedia;
use msgflash_messaging::media::link::{KEY_BYTES, MediaLinks};
use msgflash_messaging::media::ports::MediaReader as _;
use msgflash_messaging::media::read::ReadMedia;
use msgflash_messaging::media::send::SendFiles;
use msgflash_messaging::media::upload::{UploadMedia, UploadPorts};
use msgflash_postgres::Postgres;

use crate::chance::SystemRandom;
use crate::config::{Config, MediaStore};
use crate::uploads::Uploads;
use crate::wire::Backend;

/// How many files are taken in at once, each of 16 MB at most and in memory meanwhile.
const AT_ONCE: usize = 8;

/// What can be done with files.
pub struct MediaDesk {
    /// Takes them in.
    pub upload: UploadMedia,
    /// Removes them.
    pub delete: DeleteMedia,
    /// Hands them out.
    pub read: ReadMedia,
    /// Knows their addresses.
    pub links: Arc<MediaLinks>,
    /// Who is bringing some.
    pub places: Uploads,
    /// Turns addresses into bytes to send.
    pub send: Arc<SendFiles>,
    /// Clears away what is past its time.
    pub forget: Arc<ForgetMedia>,
}

impl MediaDesk {
    /// Opens the store of files, if there is to be one.
    pub async fn open(
        config: &Config,
        postgres: &Postgres,
        backend: &Backend,
    ) -> Result<Option<Arc<Self>>> {
        let files = match &config.media {
            MediaStore::Off => return Ok(None),
            MediaStore::Folder(folder) => StoredFiles::in_folder(folder.clone()),
            MediaStore::S3(bucket) => StoredFiles::in_bucket(bucket)?,
        };
        let (store, files) = (Arc::new(postgres.clone()), Arc::new(files));
        let mut fresh = [0; KEY_BYTES];
        SystemRandom.fill(&mut fresh);
        let key = postgres.link_key(&Secret::new(fresh)).await;
        let key = key.context("the key of uploads could not be read")?;
        let links = Arc::new(MediaLinks::new(&config.public_base(), key));
        let clock = Arc::clone(&backend.clock);
        let upload = UploadPorts {
            units: store.clone(),
            files: files.clone(),
            sniffer: Arc::new(Signatures),
            links: Arc::clone(&links),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&backend.ids),
            random: Arc::new(SystemRandom),
        };
        Ok(Some(Arc::new(Self {
            upload: UploadMedia::new(upload, config.media_space),
            delete: DeleteMedia::new(store.clone(), files.clone()),
            read: ReadMedia::new(
                store.clone(),
                files.clone(),
                Arc::clone(&links),
                Arc::clone(&clock),
            ),
            places: Uploads::of(AT_ONCE),
            send: Arc::new(SendFiles::new(
                store.clone(),
                files.clone(),
                Arc::clone(&links),
                Arc::clone(&clock),
            )),
            forget: Arc::new(ForgetMedia::new(store, files, clock)),
            links,
        })))
    }
}
