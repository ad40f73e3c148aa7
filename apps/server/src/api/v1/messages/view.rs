//! Messages as published.

use msgflash_messaging::Message;
use msgflash_messaging::events::timestamp;
use msgflash_messaging::message::send::SentMessage;
use msgflash_messaging::safety::Safety;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A message, sent or received.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub struct MessageView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The owner of the workspace.
    #[schema(format = Uuid)]
    pub user_id: String,
    /// The number it went out from or came in through.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// The linked contact.
    #[schema(format = Uuid)]
    pub contact_id: Option<String>,
    /// The campaign it belongs to.
    #[schema(format = Uuid)]
    pub campaign_id: Option<String>,
    /// The team, in a team's workspace.
    #[schema(format = Uuid)]
    pub team_id: Option<String>,
    /// Who sent it, in a team's workspace.
    #[schema(format = Uuid)]
    pub acting_user_id: Option<String>,
    /// `outbound` or `inbound`.
    #[schema(example = "outbound")]
    pub direction: &'static str,
    /// `text`, `image`, `video`, `audio`, `voice_note`, `document`, `location`, `contact` or
    /// `buttons`.
    #[schema(example = "text")]
    pub r#type: &'static str,
    /// The sender of an inbound message; `null` on outbound ones.
    pub from: Option<String>,
    /// The recipient; on inbound messages our own number.
    #[schema(example = "+33612345678")]
    pub to: Option<String>,
    /// Text, caption, or description of buttons.
    pub body: Option<String>,
    /// Where the media lies.
    pub media_url: Option<String>,
    /// `queued`, `sent`, `delivered`, `read`, `failed`, `cancelled` or `received`.
    #[schema(example = "queued")]
    pub status: &'static str,
    /// Why it failed, for people. The code for machines is `meta.code`.
    pub error: Option<String>,
    /// Everything else.
    #[schema(value_type = Object)]
    pub meta: Map<String, Value>,
    /// WhatsApp's id, once sent.
    pub provider_message_id: Option<String>,
    /// When it is to be sent.
    #[schema(format = DateTime)]
    pub scheduled_at: Option<String>,
    /// When it was accepted or came in.
    #[schema(format = DateTime, example = "2026-04-01T10:00:00.000Z")]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime, example = "2026-04-01T10:00:00.000Z")]
    pub updated_at: String,
}

impl From<&Message> for MessageView {
    fn from(it: &Message) -> Self {
        let peer = it.peer.map(|phone| phone.to_string());
        let own = it.own_number.map(|phone| phone.to_string());
        let (from, to) = if it.inbound {
            (peer, own)
        } else {
            (None, peer)
        };
        let team = it.workspace.team;
        Self {
            id: it.id.to_string(),
            user_id: it.workspace.owner().to_string(),
            instance_id: it.instance.to_string(),
            contact_id: it.contact.map(|id| id.to_string()),
            campaign_id: it.campaign.map(|id| id.to_string()),
            team_id: team.map(|id| id.to_string()),
            acting_user_id: team.map(|_| it.acting_user.to_string()),
            direction: if it.inbound { "inbound" } else { "outbound" },
            r#type: it.kind.as_str(),
            from,
            to,
            body: it.body.clone(),
            media_url: it.media_url.clone(),
            status: it.status.as_str(),
            error: it.error.clone(),
            meta: it.meta.clone(),
            provider_message_id: it.provider_message_id.clone(),
            scheduled_at: it.scheduled_at.map(timestamp),
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
        }
    }
}

/// Guidance against bans. It advises and never refuses.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Safety)]
pub struct SafetyView {
    /// `allow` or `warn`.
    #[schema(example = "allow")]
    pub decision: &'static str,
    /// `low`, `medium` or `high`.
    #[schema(example = "low")]
    pub risk_level: &'static str,
    /// `new`, `warming`, `stable`, `at_risk` or `restricted`.
    #[schema(example = "stable")]
    pub state: &'static str,
    /// 0-100, higher is healthier.
    #[schema(minimum = 0, maximum = 100, example = 85)]
    pub score: u8,
    /// Why it warns.
    pub reasons: Vec<String>,
    /// What to do.
    pub recommendations: Vec<String>,
}

impl From<&Safety> for SafetyView {
    fn from(it: &Safety) -> Self {
        Self {
            decision: it.decision(),
            risk_level: it.risk.as_str(),
            state: it.state.as_str(),
            score: it.score,
            reasons: it.reasons.clone(),
            recommendations: it.recommendations.clone(),
        }
    }
}

/// An accepted message with the guidance given on acceptance.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AcceptedMessage)]
pub struct AcceptedView {
    /// The message.
    #[serde(flatten)]
    pub message: MessageView,
    /// What its sender should know; the reasons of `safety` first.
    pub warnings: Vec<String>,
    /// The guidance.
    pub safety: SafetyView,
}

impl From<&SentMessage> for AcceptedView {
    fn from(it: &SentMessage) -> Self {
        Self {
            message: MessageView::from(&it.message),
            warnings: it.warnings.clone(),
            safety: SafetyView::from(&it.safety),
        }
    }
}

/// A page of messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessagePage)]
pub struct MessagePageView {
    /// Newest first.
    pub messages: Vec<MessageView>,
    /// Pass it back as `cursor`, with the same filters; `null` on the last page.
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}
