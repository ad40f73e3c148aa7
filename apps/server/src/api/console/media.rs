//! Files to be sent: `/api/media`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_messaging::events::timestamp;
use msgflash_messaging::media::upload::{UploadOrder, Uploaded};
use msgflash_messaging::media::{MAX_BYTES, MediaError, MediaId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::files::full;
use crate::api::errors::MEDIA_UPLOAD_NOT_CONFIGURED;
use crate::api::policy::Caller;
use crate::http::Problem;
use crate::http::envelope::{self, render};
use crate::http::upload::{Upload, UploadError};
use crate::media::MediaDesk;
use crate::services::Services;

/// When to ask again whether uploads are taken: it is for the operator to say.
const LATER: u64 = 3600;

/// A form with a file.
#[derive(ToSchema)]
#[schema(as = MediaForm)]
pub struct MediaForm {
    /// The file. What it is, its bytes say.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Vec<u8>,
}

/// An uploaded file.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Media)]
pub struct MediaView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Where whoever has this address may fetch it; goes into `mediaUrl`.
    #[schema(format = "uri")]
    pub url: String,
    /// `image`, `video`, `document` or `audio`.
    #[schema(example = "image")]
    pub r#type: &'static str,
    /// What its bytes are.
    #[schema(example = "image/jpeg")]
    pub mime_type: &'static str,
    /// How many there are.
    #[schema(example = 248_112)]
    pub size_bytes: u64,
    /// What it was called.
    #[schema(example = "photo.jpg")]
    pub original_name: String,
    /// When it goes by itself.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// The message type it is usually sent as: its `type`, or `voice_note`.
    #[schema(example = "image")]
    pub suggested_message_type: &'static str,
}

impl From<&Uploaded> for MediaView {
    fn from(it: &Uploaded) -> Self {
        let media = &it.media;
        Self {
            id: media.id.to_string(),
            url: it.url.clone(),
            r#type: media.kind.family().as_str(),
            mime_type: media.kind.mime(),
            size_bytes: media.size,
            original_name: media.original_name.clone(),
            expires_at: timestamp(media.expires_at),
            suggested_message_type: media.suggested_message_type().as_str(),
        }
    }
}

/// Whether a file was deleted.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DeletedMedia)]
pub struct DeletedView {
    /// Always `true`.
    #[schema(example = true)]
    pub deleted: bool,
}

/// Takes one file to be sent within 24 hours: images up to 5 MB, documents up to 10 MB, videos and
/// sound up to 16 MB.
#[utoipa::path(
    post, path = "/api/media/upload", tag = "Media", operation_id = "consoleUploadMedia",
    request_body(content = inline(MediaForm), content_type = "multipart/form-data"),
    responses((status = 201, description = "Taken", body = inline(crate::openapi::Data<MediaView>)))
)]
pub(in crate::api) async fn upload(
    caller: Caller,
    services: web::Data<Services>,
    upload: Upload,
) -> Result<HttpResponse, Problem> {
    let desk = desk(&services)?;
    let _place = desk.places.enter(caller.actor.user).map_err(full)?;
    let limit = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
    let parts = upload.read(limit).await.map_err(|error| match error {
        UploadError::TooLarge => MediaError::TooLarge(None).into(),
        UploadError::Other(problem) => problem,
    })?;
    caller.require_still(&services).await?;
    let order = UploadOrder {
        actor: caller.actor,
        declared: parts.file_type,
        name: parts.file_name,
        bytes: parts.file.unwrap_or_default(),
    };
    let uploaded = desk.upload.upload(order).await?;
    let view = MediaView::from(&uploaded);
    Ok(envelope::answer(render(StatusCode::CREATED, &view)))
}

/// Deletes a file before its time. Its address leads nowhere from now on, and messages that wait and
/// name it will fail.
#[utoipa::path(
    delete, path = "/api/media/{mediaId}", tag = "Media", operation_id = "consoleDeleteMedia",
    params(("mediaId" = uuid::Uuid, Path, description = "The file")),
    responses((status = 200, description = "Deleted", body = inline(crate::openapi::Data<DeletedView>)))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let desk = desk(&services)?;
    let nobodys = MediaError::NoMedia(MediaId::new(Uuid::nil()));
    let id = MediaId::parse(&path).ok_or(nobodys)?;
    desk.delete.delete(caller.actor.workspace.id, id).await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

fn desk(services: &Services) -> Result<&MediaDesk, Problem> {
    services.media.as_deref().ok_or_else(|| {
        let it = MEDIA_UPLOAD_NOT_CONFIGURED;
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::new(status, it.code, it.message).retry_after(LATER)
    })
}
