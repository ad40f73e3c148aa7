//! What a route asks of its callers, and who a handler is told they are.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use msgflash_accounts::Session;
use msgflash_billing::Entitlement;
use msgflash_kernel::{Actor, ReplayKey};
use msgflash_quotas::KeyId;
use msgflash_teams::{AccessError, Action, Entry, Role};

use crate::http::idempotency::Wish;
use crate::http::{Check, Problem};
use crate::services::Services;

/// How callers prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// By an API key, which opens a workspace: the public API.
    Key,
    /// By a session, in the workspace that `X-Team-Id` names: the console.
    Session,
    /// By a session, in the team that the path names: about the team itself.
    Team,
    /// By a session; it is about the person, and no workspace is named.
    Person,
    /// They need not.
    Anyone,
}

/// What a route asks of its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent conditions, read as a table"
)]
pub struct Policy {
    /// The route, such as `POST /api/v1/messages/send`.
    pub route: &'static str,
    /// How callers prove who they are.
    pub access: Access,
    /// What it does, for the table of who may do what; `None` where no workspace is acted in.
    pub does: Option<Action>,
    /// Team keys are refused.
    pub personal: bool,
    /// It creates, changes or sends, so the subscription must be usable.
    pub usable: bool,
    /// What the plan must have.
    pub gate: Option<Gate>,
    /// It takes a JSON body.
    pub body: bool,
    /// It takes a form with a file.
    pub form: bool,
    /// It takes a body byte for byte, whatever it is said to be.
    pub raw: bool,
    /// That body is a small one: callers are nobody yet, and have little to say.
    pub small_body: bool,
    /// That body may be left out.
    pub spare_body: bool,
    /// It answers an equal request with the first answer.
    pub once: bool,
    /// With `dryRun=true` it does nothing, so that there is nothing to do once.
    pub rehearsed: bool,
}

/// Something a plan may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Outgoing webhooks.
    Webhooks,
    /// WhatsApp statuses.
    Statuses,
    /// Campaigns.
    Campaigns,
    /// API keys.
    ApiKeys,
    /// Looking up which numbers have WhatsApp.
    NumberLookups,
    /// Teams of one's own.
    Teams,
}

/// Who calls, and what was found out on the way.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key it calls with; `None` for a person.
    pub key: Option<KeyId>,
    /// Who acts, and in which workspace.
    pub actor: Actor,
    /// What they are in the team; `None` in a workspace of their own.
    pub role: Option<Role>,
    /// The plan and subscription of the workspace's owner.
    pub entitlement: Entitlement,
    /// The request.
    pub request_id: String,
    /// Whether the work is to be done once.
    pub wish: Wish,
}

impl Caller {
    /// The key under which the answer is kept.
    pub fn replay_key(&self) -> Option<&ReplayKey> {
        match &self.wish {
            Wish::Key(key) => Some(key),
            Wish::None | Wish::Malformed => None,
        }
    }

    /// Refuses somebody who was sent away from their team while their file arrived.
    pub async fn require_still(&self, services: &Services) -> Result<(), AccessError> {
        let entry = Entry {
            actor: self.actor,
            role: self.role,
        };
        services.enter.again(entry).await.map(drop)
    }

    /// Checks of the body, begun with what is wrong about the headers.
    pub fn check(&self) -> Check {
        let mut check = Check::default();
        if self.wish == Wish::Malformed {
            check.refuse(
                "Idempotency-Key",
                "invalid_header",
                "Must be 1 to 255 printable ASCII characters",
            );
        }
        check
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(Problem::internal),
        )
    }
}

/// A person who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    /// By which session: also who they are.
    pub session: Session,
}

impl FromRequest for Person {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Self>().cloned();
        ready(found.ok_or_else(Problem::internal))
    }
}
