//! Where uploads lie: the settings as written, and as meant.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use msgflash_kernel::Secret;
use msgflash_media::S3Settings;
use url::Url;

use super::load::Raw;
use super::{Config, MediaStore};

/// Bytes of a megabyte, as limits of files count.
const MB: u64 = 1 << 20;
/// The region services expect that have none.
const REGION: &str = "us-east-1";
/// What a workspace may hold when nobody says.
const SPACE: u64 = 1024;

impl MediaStore {
    /// Reads the settings about uploads.
    pub(super) fn read(raw: &Raw, data_dir: &Path, allow_private: bool) -> Result<Self> {
        match raw.media.as_deref().unwrap_or("folder") {
            "off" => Ok(Self::Off),
            "folder" => {
                let dir = raw.media_dir.clone();
                Ok(Self::Folder(dir.unwrap_or_else(|| data_dir.join("media"))))
            }
            "s3" => bucket(raw, allow_private).map(Self::S3),
            other => bail!("media (MSGFLASH_MEDIA) is folder, s3 or off, not {other:?}"),
        }
    }

    /// The word that chooses it.
    const fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Folder(_) => "folder",
            Self::S3(_) => "s3",
        }
    }
}

/// How much a workspace may hold.
pub(super) fn space(raw: &Raw) -> Result<u64> {
    let megabytes = raw.media_space_mb.unwrap_or(SPACE);
    if megabytes == 0 {
        bail!(
            "media_space_mb (MSGFLASH_MEDIA_SPACE_MB) must be at least 1; media = off takes none"
        );
    }
    Ok(megabytes.saturating_mul(MB))
}

fn bucket(raw: &Raw, allow_private: bool) -> Result<S3Settings> {
    let need = |value: &Option<String>, what| {
        let value = value.clone();
        value.with_context(|| format!("media = s3 needs {what} too"))
    };
    let endpoint = raw.media_s3_endpoint.as_deref().map(Url::parse).transpose();
    let endpoint = endpoint.context("media_s3_endpoint (MSGFLASH_MEDIA_S3_ENDPOINT)")?;
    if let Some(url) = &endpoint {
        let is_plain = url.scheme() == "http";
        let has_key = !url.username().is_empty() || url.password().is_some();
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || has_key {
            bail!(
                "media_s3_endpoint (MSGFLASH_MEDIA_S3_ENDPOINT) must begin with https:// and hold \
                 no key"
            );
        }
        if is_plain && !allow_private {
            bail!(
                "media_s3_endpoint (MSGFLASH_MEDIA_S3_ENDPOINT) is without TLS, which needs \
                 allow_private_targets"
            );
        }
    }
    Ok(S3Settings {
        endpoint,
        bucket: need(
            &raw.media_s3_bucket,
            "media_s3_bucket (MSGFLASH_MEDIA_S3_BUCKET)",
        )?,
        region: raw
            .media_s3_region
            .clone()
            .unwrap_or_else(|| REGION.to_owned()),
        access_key_id: need(
            &raw.media_s3_access_key_id,
            "media_s3_access_key_id (MSGFLASH_MEDIA_S3_ACCESS_KEY_ID)",
        )?,
        secret_access_key: Secret::new(need(
            &raw.media_s3_secret_key,
            "media_s3_secret_key (MSGFLASH_MEDIA_S3_SECRET_KEY)",
        )?),
        path_style: raw.media_s3_path_style.unwrap_or(true),
        allow_http: allow_private,
    })
}

impl Config {
    /// A setting about uploads as it is shown; `None` for other settings.
    pub(super) fn shown_media(&self, name: &str) -> Option<String> {
        let folder = match &self.media {
            MediaStore::Folder(folder) => Some(folder.display().to_string()),
            _ => None,
        };
        let bucket = match &self.media {
            MediaStore::S3(bucket) => Some(bucket),
            _ => None,
        };
        let of = |value: fn(&S3Settings) -> String| bucket.map(value).unwrap_or_default();
        Some(match name {
            "media" => self.media.word().to_owned(),
            "media_dir" => folder.unwrap_or_default(),
            "media_space_mb" => (self.media_space / MB).to_string(),
            "media_s3_endpoint" => {
                let endpoint = bucket.and_then(|it| it.endpoint.as_ref());
                endpoint.map(super::show::safe).unwrap_or_default()
            }
            "media_s3_bucket" => of(|it| it.bucket.clone()),
            "media_s3_region" => bucket.map_or(REGION, |it| it.region.as_str()).to_owned(),
            "media_s3_access_key_id" => of(|it| it.access_key_id.clone()),
            "media_s3_secret_key" => of(|_| "(set)".to_owned()),
            "media_s3_path_style" => bucket.is_none_or(|it| it.path_style).to_string(),
            _ => return None,
        })
    }
}
