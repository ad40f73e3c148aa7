//! Who has `WhatsApp`, and under which address.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};

use super::{Outcome, Refused, Shared, done, read_body};
use crate::recipient::Recipient;

pub(super) async fn list(gateway: Shared) -> HttpResponse {
    HttpResponse::Ok().json(gateway.recipients.all())
}

pub(super) async fn set(gateway: Shared, number: Path<String>, body: Bytes) -> Outcome {
    let recipient: Recipient = read_body(&body)?;
    if recipient.jid.as_ref().is_some_and(|jid| !jid.contains('@')) {
        return Err(Refused::invalid(
            "`jid` is a whole address, like 33612345678@s.whatsapp.net",
        ));
    }
    gateway.recipients.set(&number, recipient);
    Ok(done())
}

pub(super) async fn forget(gateway: Shared, number: Path<String>) -> Outcome {
    if gateway.recipients.forget(&number) {
        return Ok(done());
    }
    Err(Refused::missing("nothing was decided about this number"))
}

pub(super) async fn clear(gateway: Shared) -> HttpResponse {
    gateway.recipients.clear();
    done()
}
