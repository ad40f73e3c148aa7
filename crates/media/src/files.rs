//! Bytes in a folder of this machine, or in a bucket that speaks S3.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use msgflash_kernel::Secret;
use msgflash_messaging::media::error::FilesError;
use msgflash_messaging::media::ports::{ByteStream, MediaFiles};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig,
};
use time::OffsetDateTime;
use url::Url;

use self::client::Client;
use self::folder::Folder;

mod client;
mod folder;
#[cfg(test)]
mod tests;

/// Keys in a bucket begin so: it may have other things in it.
const PREFIX: &str = "media";
/// Within this the bucket is asked again after it failed.
const RETRIES: Duration = Duration::from_secs(20);

/// How to reach a bucket.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// Where the service is; `None` is Amazon's.
    pub endpoint: Option<Url>,
    /// The bucket, which exists.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The name of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret<String>,
    /// Whether the bucket is named in the path, not in the host.
    pub path_style: bool,
    /// Whether the service may be called without TLS.
    pub allow_http: bool,
}

/// The bucket cannot be called with these settings.
#[derive(Debug, thiserror::Error)]
#[error("the bucket's settings cannot be used: {0}")]
pub struct InvalidStore(#[source] StoreError);

/// Where bytes lie.
pub struct StoredFiles(Place);

enum Place {
    Folder(Folder),
    Bucket(Box<AmazonS3>),
}

impl StoredFiles {
    /// Files in a folder, which is made when the first one comes.
    pub fn in_folder(root: PathBuf) -> Self {
        Self(Place::Folder(Folder::new(root)))
    }

    /// Files in a bucket. Nothing is connected to yet; a TLS provider must have been installed for
    /// the process.
    pub fn in_bucket(settings: &S3Settings) -> Result<Self, InvalidStore> {
        let retry = RetryConfig {
            max_retries: 2,
            retry_timeout: RETRIES,
            ..RetryConfig::default()
        };
        // Nothing is read from the environment: the settings say it all.
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(settings.secret_access_key.reveal())
            .with_virtual_hosted_style_request(!settings.path_style)
            .with_allow_http(settings.allow_http)
            // Not every service knows how to delete many at once.
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_http_connector(Client {
                allow_http: settings.allow_http,
            });
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        let bucket = builder.build().map_err(InvalidStore)?;
        Ok(Self(Place::Bucket(Box::new(bucket))))
    }

    async fn get(&self, key: &str, options: GetOptions) -> object_store::Result<ByteStream> {
        let found = match &self.0 {
            Place::Folder(folder) => match folder.existing()? {
                Some(store) => store.get_opts(&Path::from(key), options).await?,
                None => return Err(absent(key)),
            },
            Place::Bucket(bucket) => bucket.get_opts(&in_bucket(key), options).await?,
        };
        Ok(found.into_stream().map_err(failed).boxed())
    }
}

#[async_trait]
impl MediaFiles for StoredFiles {
    async fn store(&self, key: &str, bytes: Bytes) -> Result<(), FilesError> {
        match &self.0 {
            Place::Folder(folder) => {
                let store = folder.ready_for(key).await.map_err(other)?;
                store.put(&Path::from(key), bytes.into()).await
            }
            // One request, which the service carries out whole or not at all.
            Place::Bucket(bucket) => bucket.put(&in_bucket(key), bytes.into()).await,
        }
        .map(drop)
        .map_err(failed)
    }

    async fn read(
        &self,
        key: &str,
        range: Option<Range<u64>>,
    ) -> Result<Option<ByteStream>, FilesError> {
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        match self.get(key, options).await {
            Ok(stream) => Ok(Some(stream)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), FilesError> {
        let done = match &self.0 {
            Place::Folder(folder) => match folder.existing().map_err(failed)? {
                Some(store) => store.delete(&Path::from(key)).await,
                None => Ok(()),
            },
            Place::Bucket(bucket) => bucket.delete(&in_bucket(key)).await,
        };
        match done {
            Err(StoreError::NotFound { .. }) => Ok(()),
            other => other.map_err(failed),
        }
    }

    async fn delete_older(&self, than: OffsetDateTime) -> Result<usize, FilesError> {
        match &self.0 {
            Place::Folder(folder) => folder.delete_older(than).await.map_err(other),
            Place::Bucket(bucket) => delete_older(&**bucket, than).await.map_err(failed),
        }
    }
}

/// Removes what is older than a moment, day by day: of the days since then nothing is listed.
async fn delete_older(
    store: &dyn ObjectStore,
    than: OffsetDateTime,
) -> object_store::Result<usize> {
    let root = Path::from(PREFIX);
    let days = store.list_with_delimiter(Some(&root)).await?;
    let mut gone = 0;
    for day in days.common_prefixes {
        if !day.filename().is_some_and(|it| is_day_until(it, than)) {
            continue;
        }
        let mut found = store.list(Some(&day));
        while let Some(it) = found.try_next().await? {
            if it.last_modified.timestamp() < than.unix_timestamp() {
                store.delete(&it.location).await?;
                gone += 1;
            }
        }
    }
    Ok(gone)
}

/// Whether this is the name of a day not later than that of a moment. What else lies beside days is
/// not ours.
fn is_day_until(name: &str, moment: OffsetDateTime) -> bool {
    let is_shaped = name.len() == 10
        && name.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_shaped && name <= moment.date().to_string().as_str()
}

fn in_bucket(key: &str) -> Path {
    Path::from(format!("{PREFIX}/{key}"))
}

fn absent(key: &str) -> StoreError {
    StoreError::NotFound {
        path: key.to_owned(),
        source: "there are no files yet".into(),
    }
}

fn failed(error: StoreError) -> FilesError {
    FilesError(error.into())
}

fn other(error: std::io::Error) -> FilesError {
    FilesError(error.into())
}
