//! Files in `multipart/form-data`: one file and some short fields, bounded.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_multipart::{Field as Part, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;

use super::field::Field;
use super::problem::Problem;

/// The longest value of a field that is no file.
const MAX_FIELD: usize = 4096;
/// How many parts are looked at.
const MAX_PARTS: usize = 16;
/// How long everything may take to arrive.
const PATIENCE: Duration = Duration::from_mins(2);

/// A request with files, not read yet: how much is read is for the handler to say.
pub struct Upload(Multipart);

/// What came with a request.
#[derive(Debug, Default)]
pub struct Parts {
    /// What is in the part `file`.
    pub file: Option<Bytes>,
    /// What that is called.
    pub file_name: Option<String>,
    /// What that is said to be.
    pub file_type: Option<String>,
    /// The others.
    fields: BTreeMap<String, String>,
}

impl Parts {
    /// A field by its name.
    pub fn field(&self, name: &str) -> Field<String> {
        self.fields.get(name).cloned().into()
    }
}

/// Why an upload could not be read.
#[derive(Debug)]
pub enum UploadError {
    /// The file has more bytes than asked for.
    TooLarge,
    /// Anything else.
    Other(Problem),
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let upload = Self(Multipart::new(request.headers(), payload.take()));
        Box::pin(async move { Ok(upload) })
    }
}

impl Upload {
    /// Reads all parts; of the file at most `limit` bytes.
    pub async fn read(self, limit: usize) -> Result<Parts, UploadError> {
        match tokio::time::timeout(PATIENCE, parts(self.0, limit)).await {
            Ok(read) => read,
            Err(_) => Err(UploadError::Other(Problem::unreadable(
                "The body took too long to arrive",
            ))),
        }
    }
}

async fn parts(mut upload: Multipart, limit: usize) -> Result<Parts, UploadError> {
    let mut parts = Parts::default();
    let mut seen = 0;
    while let Some(part) = upload.next().await {
        let mut part = part.map_err(|it| UploadError::Other(refusal(&it)))?;
        seen += 1;
        if seen > MAX_PARTS {
            return Err(unreadable("The body has too many parts"));
        }
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" && parts.file.is_some() {
            return Err(unreadable("The body has more than one file"));
        }
        if name == "file" {
            let about = part.content_disposition();
            parts.file_name = about.and_then(|it| {
                let plain = it.get_filename().map(str::to_owned);
                plain.or_else(|| String::from_utf8(it.get_filename_ext()?.value.clone()).ok())
            });
            parts.file_type = part.content_type().map(ToString::to_string);
            parts.file = Some(bytes(&mut part, limit).await?);
        } else {
            let bytes = bytes(&mut part, MAX_FIELD).await.map_err(|it| match it {
                UploadError::TooLarge => unreadable("A part of the body is too long"),
                other @ UploadError::Other(_) => other,
            })?;
            let text = std::str::from_utf8(&bytes);
            let text = text.map_err(|_| unreadable("A part of the body is not UTF-8 text"))?;
            parts.fields.insert(name, text.to_owned());
        }
    }
    Ok(parts)
}

async fn bytes(part: &mut Part, limit: usize) -> Result<Bytes, UploadError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(|it| UploadError::Other(refusal(&it)))?;
        if bytes.len() + chunk.len() > limit {
            return Err(UploadError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn unreadable(message: &str) -> UploadError {
    UploadError::Other(Problem::unreadable(message))
}

fn refusal(error: &MultipartError) -> Problem {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible
        | MultipartError::BoundaryMissing => {
            Problem::unsupported_media("Content-Type must be multipart/form-data")
        }
        _ => Problem::unreadable("The body could not be read"),
    }
}
