//! The published error codes, each with its status and an example.

use msgflash_kernel::Fault as _;
use msgflash_teams::Role;
use msgflash_teams::permission::{self, Action, Grant};

use super::policy::{Access, Gate, Policy};

/// A published code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The code.
    pub code: &'static str,
    /// Its status.
    pub status: u16,
    /// A message it comes with.
    pub message: &'static str,
}

macro_rules! codes {
    ($($code:ident $status:literal $message:literal)*) => {
        $(
            #[doc = $message]
            pub const $code: ErrorCode =
                ErrorCode { code: stringify!($code), status: $status, message: $message };
        )*
        /// Every code.
        pub const ALL: &[ErrorCode] = &[$($code),*];
    };
}

codes! {
    VALIDATION_ERROR 400 "Invalid request data"
    TEMPLATE_INVALID 400 "The template is not valid. A template of type image needs mediaUrl"
    TEMPLATE_VARIABLES_MISSING 400 "Missing template variables: custom.code"
    TEMPLATE_CONTEXT_UNAVAILABLE 400 "This contact does not exist here or cannot be used"
    BAD_REQUEST 400 "The body is not valid JSON"
    INVITE_INVALID_OR_EXPIRED 400 "This invitation is not valid any more"
    CSV_INVALID_FORMAT 400 "The header must name the column \"phone\"; \"name\" and \"tags\" are optional"
    CSV_TOO_LARGE 400 "The file has more than 10000 rows"
    MEDIA_FILE_MISSING 400 "Send one file that is not empty, as the part \"file\" of a form"
    MEDIA_TYPE_NOT_ALLOWED 400 "This type of file is not allowed: JPEG, PNG, WebP, GIF; MP4, 3GP; PDF, Word, Excel; MP3, OGG, M4A, AAC, AMR, WEBM sound"
    MEDIA_TOO_LARGE 400 "The file has more than 5 MB, the most for type image"
    LOOKUP_NOT_READY 400 "The number look-up has not completed"
    INVALID_PLAN_CHANGE 400 "Only a higher plan can be bought: use downgrade for a lower one"
    DOWNGRADE_ALREADY_SCHEDULED 400 "A change of the plan is scheduled already"
    ALREADY_ON_FREE_PLAN 400 "The account is on the free plan already"
    NO_SCHEDULED_CHANGE 400 "No change of the plan is scheduled"
    UNAUTHORIZED 401 "API key missing, invalid, or revoked"
    FORBIDDEN 403 "The instance is suspended"
    EMAIL_NOT_VERIFIED 403 "The e-mail address is not verified yet"
    SUBSCRIPTION_INACTIVE 403 "The subscription does not allow this action"
    TEAM_KEY_REQUIRED 403 "A personal key cannot be used with X-Team-Id"
    TEAM_KEY_NOT_ALLOWED 403 "This route needs a personal key"
    TEAM_ACCESS_DENIED 403 "Your role in this team does not allow this"
    INSTANCE_NOT_ASSIGNED 403 "This instance is not assigned to you in this team"
    BILLING_PAYMENTS_TEAM_OWNER_ONLY 403 "Only the team owner can see payments"
    BILLING_TEAM_MUTATION_FORBIDDEN 403 "Only the team owner can change the plan"
    TEAM_FEATURE_UNAVAILABLE 403 "The plan does not include teams"
    TEAM_LIMIT_REACHED 403 "Team limit reached"
    TEAM_SEAT_LIMIT_REACHED 403 "No seat is left in this team"
    INVITE_EMAIL_MISMATCH 403 "This invitation is for another e-mail address"
    FEATURE_NOT_AVAILABLE_ON_PLAN 403 "Voice notes are not available on the current plan"
    API_KEYS_NOT_AVAILABLE_ON_PLAN 403 "API keys are not available on the current plan"
    MAX_INSTANCES_REACHED 403 "The plan's instance limit is reached"
    MAX_API_KEYS_REACHED 403 "API key limit reached"
    WEBHOOKS_NOT_AVAILABLE_ON_PLAN 403 "Webhooks are not available on the current plan"
    STATUSES_NOT_AVAILABLE_ON_PLAN 403 "WhatsApp statuses are not available on the current plan"
    CAMPAIGNS_NOT_AVAILABLE_ON_PLAN 403 "Campaigns are not available on the current plan"
    MAX_WEBHOOK_ENDPOINTS_REACHED 403 "The plan's webhook endpoint limit is reached"
    MAX_CONTACT_GROUPS_REACHED 403 "The plan's limit of contact groups is reached"
    UNSUPPORTED_FEATURE 403 "Buttons need a WhatsApp Business number"
    NOT_FOUND 404 "Not found"
    TEAM_NOT_FOUND 404 "Team not found"
    IMPORT_NOT_FOUND 404 "Import not found"
    LOOKUP_NOT_FOUND 404 "Number look-up not found"
    CONTACT_GROUP_NOT_FOUND 404 "Contact group not found"
    INVITE_DUPLICATE_MEMBER 409 "This person is a member of the team already"
    PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS 409 "The plan cannot host the teams of this account: delete teams or free seats first"
    CONFLICT 409 "This Idempotency-Key was used with another request body"
    PAYLOAD_TOO_LARGE 413 "The body is larger than 1048576 bytes"
    UNSUPPORTED_MEDIA_TYPE 415 "Content-Type must be application/json"
    RANGE_NOT_SATISFIABLE 416 "The file has 248112 bytes"
    INVALID_DESTINATION 422 "\"0612\" is not an international phone number: it begins with 0 instead of a country code such as +33"
    RECIPIENT_OPTED_OUT 422 "The recipient is on the opt-out list of this workspace"
    API_RATE_LIMIT_EXCEEDED 429 "Too many API requests"
    RATE_LIMIT_EXCEEDED 429 "Too many requests"
    MONTHLY_API_REQUEST_QUOTA_EXCEEDED 429 "Monthly API request quota exceeded"
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED 429 "Monthly outbound quota exceeded"
    INTERNAL_ERROR 500 "Internal server error"
    MEDIA_UPLOAD_FAILED 500 "The file could not be kept"
    PROVIDER_TIMEOUT 502 "WhatsApp provider timeout"
    PROVIDER_UNAVAILABLE 502 "Provider temporarily unavailable"
    PROVIDER_ERROR 502 "Provider error"
    SERVICE_UNAVAILABLE 503 "The service is temporarily unavailable"
    MEDIA_UPLOAD_NOT_CONFIGURED 503 "Uploads are switched off on this server"
}

/// What every call with a key may meet.
const BY_KEY: &[ErrorCode] = &[
    UNAUTHORIZED,
    TEAM_KEY_REQUIRED,
    API_RATE_LIMIT_EXCEEDED,
    MONTHLY_API_REQUEST_QUOTA_EXCEEDED,
];

/// What a policy itself may answer, whatever its route does.
pub fn of_policy(policy: &Policy) -> Vec<ErrorCode> {
    let mut codes = vec![INTERNAL_ERROR, SERVICE_UNAVAILABLE];
    match policy.access {
        Access::Key => codes.extend(BY_KEY),
        Access::Session => codes.extend([UNAUTHORIZED, RATE_LIMIT_EXCEEDED, TEAM_NOT_FOUND]),
        Access::Team => {
            codes.extend([UNAUTHORIZED, RATE_LIMIT_EXCEEDED, TEAM_NOT_FOUND, NOT_FOUND]);
        }
        Access::Person => codes.extend([UNAUTHORIZED, RATE_LIMIT_EXCEEDED]),
        Access::Anyone => {}
    }
    if let (Access::Session | Access::Team, Some(action)) = (policy.access, policy.does) {
        codes.extend(of_action(action));
    }
    if policy.personal {
        codes.push(TEAM_KEY_NOT_ALLOWED);
    }
    if policy.usable {
        codes.push(SUBSCRIPTION_INACTIVE);
    }
    match policy.gate {
        Some(Gate::Webhooks) => codes.push(WEBHOOKS_NOT_AVAILABLE_ON_PLAN),
        Some(Gate::Statuses) => codes.push(STATUSES_NOT_AVAILABLE_ON_PLAN),
        Some(Gate::Campaigns) => codes.push(CAMPAIGNS_NOT_AVAILABLE_ON_PLAN),
        Some(Gate::ApiKeys) => codes.push(API_KEYS_NOT_AVAILABLE_ON_PLAN),
        Some(Gate::NumberLookups) => codes.push(FEATURE_NOT_AVAILABLE_ON_PLAN),
        Some(Gate::Teams) => codes.push(TEAM_FEATURE_UNAVAILABLE),
        None => {}
    }
    if policy.body {
        codes.extend([
            VALIDATION_ERROR,
            BAD_REQUEST,
            PAYLOAD_TOO_LARGE,
            UNSUPPORTED_MEDIA_TYPE,
        ]);
    }
    if policy.form {
        codes.extend([VALIDATION_ERROR, BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE]);
    }
    if policy.raw {
        codes.extend([BAD_REQUEST, PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE]);
    }
    if policy.once {
        codes.push(CONFLICT);
    }
    codes
}

/// What the table of who may do what says about people in teams. Lists leave out what is not assigned.
fn of_action(action: Action) -> impl Iterator<Item = ErrorCode> {
    let roles = [Role::Owner, Role::Admin, Role::Collaborator];
    let grants = roles.map(|role| permission::grant(action, Some(role)));
    grants.into_iter().filter_map(move |grant| match grant {
        Grant::Yes => None,
        Grant::Assigned => (action != Action::ListInstances).then_some(INSTANCE_NOT_ASSIGNED),
        Grant::No(refusal) => ALL.iter().find(|it| it.code == refusal.code()).copied(),
    })
}

#[cfg(test)]
mod tests {
    use msgflash_billing::{
        BillingError, PlanChangeError, ProviderError as PaymentError,
        WebhookError as PaymentCallError,
    };
    use msgflash_contacts::ContactError;
    use msgflash_kernel::{Fault, Id, Phone, Problems};
    use msgflash_messaging::campaign::error::CampaignError;
    use msgflash_messaging::lookup::LookupError;
    use msgflash_messaging::media::error::FilesError;
    use msgflash_messaging::provider::ProviderError;
    use msgflash_messaging::{MediaError, MessagingError};
    use msgflash_quotas::QuotaError;
    use msgflash_teams::{Refusal, TeamError};
    use msgflash_templates::TemplateError;
    use msgflash_templates::engine::MissingVariables;

    use super::*;
    use crate::http::problem::status_of;

    #[test]
    fn the_catalogue_agrees_with_what_the_domains_raise() {
        let wait = std::time::Duration::from_secs(1);
        let raised: Vec<Box<dyn Fault>> = vec![
            Box::new(Problems::default()),
            Box::new(BillingError::SubscriptionInactive),
            Box::new(BillingError::WebhooksNotAvailable),
            Box::new(BillingError::CampaignsNotAvailable),
            Box::new(BillingError::TeamsNotAvailable),
            Box::new(BillingError::StatusesNotAvailable),
            Box::new(BillingError::FeatureNotAvailable("Voice notes")),
            Box::new(PlanChangeError::UnknownPlan),
            Box::new(PlanChangeError::NotForSale),
            Box::new(PlanChangeError::InvalidChange("no")),
            Box::new(PlanChangeError::AlreadyScheduled),
            Box::new(PlanChangeError::AlreadyFree),
            Box::new(PlanChangeError::NothingScheduled),
            Box::new(PlanChangeError::BlockedByTeams(Vec::new())),
            Box::new(PlanChangeError::from(PaymentError::TimedOut)),
            Box::new(PlanChangeError::from(PaymentError::Unavailable)),
            Box::new(PlanChangeError::from(PaymentError::Refused("x".into()))),
            Box::new(PlanChangeError::from(PaymentError::NotSetUp("x".into()))),
            Box::new(PaymentCallError::Forged),
            Box::new(PaymentCallError::Stale),
            Box::new(PaymentCallError::Malformed("x")),
            Box::new(PaymentCallError::NotTaken),
            Box::new(PaymentCallError::from(PaymentError::TimedOut)),
            Box::new(QuotaError::RateLimited(wait)),
            Box::new(QuotaError::ApiRequests(wait)),
            Box::new(QuotaError::Outbound(wait)),
            Box::new(TemplateError::NoTemplate(Id::new(uuid::Uuid::nil()))),
            Box::new(TemplateError::Unsound(Problems::default())),
            Box::new(TemplateError::NoContext(Problems::default())),
            Box::new(MessagingError::from(TemplateError::from(
                MissingVariables::default(),
            ))),
            Box::new(MessagingError::Suspended),
            Box::new(MessagingError::TooManyInstances),
            Box::new(MessagingError::ButtonsNeedBusiness),
            Box::new(MessagingError::InvalidDestination(
                "0612".into(),
                Phone::parse("0612").unwrap_err(),
            )),
            Box::new(MessagingError::OptedOut),
            Box::new(MessagingError::WrongState("no")),
            Box::new(MessagingError::ReplayMismatch),
            Box::new(ContactError::TooManyGroups),
            Box::new(ContactError::PhoneTaken),
            Box::new(ContactError::NotSuppressed),
            Box::new(MediaError::FileMissing),
            Box::new(MediaError::TypeNotAllowed),
            Box::new(MediaError::TooLarge(None)),
            Box::new(MediaError::NoRoom(wait)),
            Box::new(MediaError::Files(FilesError("x".into()))),
            Box::new(MessagingError::NotAssigned),
            Box::new(MessagingError::NotMember),
            Box::new(TeamError::NoTeam),
            Box::new(TeamError::NoTeams),
            Box::new(TeamError::TeamLimit),
            Box::new(TeamError::SeatLimit),
            Box::new(TeamError::BadInvitation),
            Box::new(TeamError::OtherAddress),
            Box::new(TeamError::IsMember),
            Box::new(TeamError::TooMany(wait)),
            Box::new(Refusal::Denied),
            Box::new(Refusal::Payments),
            Box::new(Refusal::Billing),
            Box::new(Refusal::OwnerStays),
            Box::new(CampaignError::NoCampaign(Id::new(uuid::Uuid::nil()))),
            Box::new(CampaignError::NoGroup),
            Box::new(CampaignError::WrongState("no")),
            Box::new(CampaignError::RetriedBefore(Id::new(uuid::Uuid::nil()))),
            Box::new(CampaignError::NotOnPlan),
            Box::new(LookupError::NoLookup(Id::new(uuid::Uuid::nil()))),
            Box::new(LookupError::NotReady),
            Box::new(LookupError::NoGroup),
            Box::new(LookupError::NotConnected),
            Box::new(LookupError::Suspended),
            Box::new(ProviderError::Timeout),
            Box::new(ProviderError::Unavailable),
            Box::new(ProviderError::Failed("x".into())),
        ];
        for fault in raised {
            let known = ALL.iter().find(|known| known.code == fault.code());
            let known = known.unwrap_or_else(|| panic!("{} is not in the catalogue", fault.code()));
            assert_eq!(
                known.status,
                status_of(fault.kind()).as_u16(),
                "{}",
                known.code
            );
        }
    }

    #[test]
    fn every_code_is_in_the_documented_catalogue_with_its_status() {
        let page = include_str!("../../../../docs/api/errors.md");
        for error in ALL {
            let row = format!("| `{}` | {} |", error.code, error.status);
            assert!(page.contains(&row), "{row}");
        }
    }
}
