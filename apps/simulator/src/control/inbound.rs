//! A message arrives, or is typed on the instance's own phone.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use serde_json::json;

use super::{Outcome, Refused, Shared, find, read_body};
use crate::inbound::{Inbound, arrive};
use crate::instance::Live;

pub(super) async fn inbound(gateway: Shared, name: Path<String>, body: Bytes) -> Outcome {
    let inbound: Inbound = read_body(&body)?;
    let instance = find(&gateway, &name)?;
    if instance.live() != Some(Live::Open) {
        return Err(Refused::conflict("only an open instance receives messages"));
    }
    let (id, address) = arrive(&gateway, &instance, &inbound).await;
    Ok(HttpResponse::Ok().json(json!({ "keyId": id, "remoteJid": address })))
}
