//! The sends: one verb each, the same steps for all.

use std::sync::Arc;

use super::Call;
use crate::answer::{Answer, Reply, crashed};
use crate::instance::Instance;
use crate::message::{interactive, media, rich, send, status, text};

/// What can be sent.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    Text,
    Media,
    Audio,
    Location,
    Contact,
    Buttons,
    Status,
    List,
    Poll,
    Reaction,
}

impl Verb {
    pub(super) fn find(verb: &str) -> Option<Self> {
        Some(match verb {
            "sendText" => Self::Text,
            "sendMedia" => Self::Media,
            "sendWhatsAppAudio" => Self::Audio,
            "sendLocation" => Self::Location,
            "sendContact" => Self::Contact,
            "sendButtons" => Self::Buttons,
            "sendStatus" => Self::Status,
            "sendList" => Self::List,
            "sendPoll" => Self::Poll,
            "sendReaction" => Self::Reaction,
            _ => return None,
        })
    }

    /// The gateway's own function for it, which shows when there is no instance to call it on.
    const fn function(self) -> &'static str {
        match self {
            Self::Text => "textMessage",
            Self::Media => "mediaMessage",
            Self::Audio => "audioWhatsapp",
            Self::Location => "locationMessage",
            Self::Contact => "contactMessage",
            Self::Buttons => "buttonMessage",
            Self::Status => "statusMessage",
            Self::List => "listMessage",
            Self::Poll => "pollMessage",
            Self::Reaction => "reactionMessage",
        }
    }
}

pub(super) fn not_loaded(function: &str) -> Answer {
    crashed(&format!(
        "Cannot read properties of undefined (reading '{function}')"
    ))
}

/// Schema, memory, meaning, socket: in this order.
pub(super) async fn send(call: &Call<'_>, instance: &Arc<Instance>, verb: Verb) -> Reply {
    let (gateway, body) = (call.gateway, &call.body);
    match verb {
        Verb::Text => text::validate(body),
        Verb::Media => media::validate(body),
        Verb::Audio => media::validate_audio(body),
        Verb::Location => rich::validate_location(body),
        Verb::Contact => rich::validate_contact(body),
        Verb::Buttons => interactive::validate_buttons(body),
        Verb::Status => status::validate(body),
        Verb::List => interactive::validate_list(body),
        Verb::Poll => rich::validate_poll(body),
        Verb::Reaction => rich::validate_reaction(body),
    }?;
    if instance.live().is_none() {
        return Err(not_loaded(verb.function()));
    }
    let draft = match verb {
        Verb::Text => text::compose(instance, body)?,
        Verb::Media => media::compose(gateway, instance, body).await?,
        Verb::Audio => media::compose_audio(gateway, instance, body).await?,
        Verb::Location => rich::location(instance, body),
        Verb::Contact => rich::contact(instance, body),
        Verb::Buttons => interactive::buttons(gateway, body)?,
        Verb::Status => status::compose(body)?,
        Verb::List => interactive::list(instance, body),
        Verb::Poll => rich::poll(gateway, instance, body),
        Verb::Reaction => rich::reaction(body),
    };
    send::send(gateway, instance, draft).await
}
