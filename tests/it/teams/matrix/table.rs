//! Who may call what, as published.

use super::Right::{self, Allowed, Assigned, Refused};

const DENIED: Right = Refused("TEAM_ACCESS_DENIED");
const PAYMENTS: Right = Refused("BILLING_PAYMENTS_TEAM_OWNER_ONLY");

/// Rights of owner, admin, collaborator.
type Rights = [Right; 3];

const ALL: Rights = [Allowed, Allowed, Allowed];
const RUN: Rights = [Allowed, Allowed, DENIED];
const OWN: Rights = [Allowed, DENIED, DENIED];
const PAY: Rights = [Allowed, PAYMENTS, PAYMENTS];
const USE: Rights = [Allowed, Allowed, Assigned];

/// What people call about themselves: in no team, whatever the header says.
pub(super) const PERSONAL: &[(&str, &str)] = &[
    ("GET", "/api/auth/me"),
    ("PATCH", "/api/auth/me"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/change-password"),
    ("GET", "/api/teams"),
    ("POST", "/api/teams"),
    ("GET", "/api/teams/invitations/mine"),
    ("POST", "/api/teams/invitations/accept"),
    ("POST", "/api/teams/invitations/decline"),
    ("DELETE", "/api/teams/invitations/{invitationId}/decline"),
];

/// What is called in a team.
pub(super) const TABLE: &[(&str, &str, Rights)] = &[
    ("GET", "/api/teams/{teamId}", ALL),
    ("PATCH", "/api/teams/{teamId}", RUN),
    ("DELETE", "/api/teams/{teamId}", OWN),
    ("POST", "/api/teams/{teamId}/invitations", RUN),
    (
        "DELETE",
        "/api/teams/{teamId}/invitations/{invitationId}",
        RUN,
    ),
    (
        "POST",
        "/api/teams/{teamId}/invitations/{invitationId}/resend",
        RUN,
    ),
    ("PATCH", "/api/teams/{teamId}/members/{userId}", RUN),
    ("DELETE", "/api/teams/{teamId}/members/{userId}", RUN),
    // An owner's is refused for another reason: they must delete the team.
    ("POST", "/api/teams/{teamId}/members/leave", ALL),
    ("GET", "/api/teams/{teamId}/instance-assignments", ALL),
    ("POST", "/api/teams/{teamId}/instance-assignments", RUN),
    ("DELETE", "/api/teams/{teamId}/instance-assignments", RUN),
    ("GET", "/api/teams/{teamId}/api-keys", RUN),
    ("POST", "/api/teams/{teamId}/api-keys", RUN),
    ("DELETE", "/api/teams/{teamId}/api-keys/{keyId}", RUN),
    ("GET", "/api/teams/{teamId}/api-keys/usage", RUN),
    ("GET", "/api/api-keys", RUN),
    ("POST", "/api/api-keys", RUN),
    ("DELETE", "/api/api-keys/{id}", RUN),
    ("GET", "/api/api-keys/usage", RUN),
    ("GET", "/api/instances", ALL),
    ("POST", "/api/instances", RUN),
    ("GET", "/api/instances/{id}", USE),
    ("PATCH", "/api/instances/{id}", RUN),
    ("DELETE", "/api/instances/{id}", RUN),
    ("GET", "/api/instances/{id}/state", USE),
    ("GET", "/api/instances/{id}/health", USE),
    ("POST", "/api/instances/{id}/connect", USE),
    ("POST", "/api/instances/{id}/restart", USE),
    ("POST", "/api/instances/{id}/logout", RUN),
    ("GET", "/api/messages", ALL),
    ("GET", "/api/messages/{id}", ALL),
    ("POST", "/api/messages/send", USE),
    ("POST", "/api/messages/{id}/cancel", USE),
    ("POST", "/api/number-lookups", USE),
    ("GET", "/api/number-lookups", ALL),
    ("GET", "/api/number-lookups/{id}", ALL),
    ("POST", "/api/number-lookups/{id}/import-contacts", ALL),
    ("GET", "/api/templates", ALL),
    ("POST", "/api/templates", ALL),
    ("GET", "/api/templates/{id}", ALL),
    ("PUT", "/api/templates/{id}", ALL),
    ("DELETE", "/api/templates/{id}", ALL),
    ("POST", "/api/templates/{id}/preview", ALL),
    ("GET", "/api/contacts", ALL),
    ("POST", "/api/contacts", ALL),
    ("GET", "/api/contacts/{id}", ALL),
    ("PUT", "/api/contacts/{id}", ALL),
    ("DELETE", "/api/contacts/{id}", ALL),
    ("GET", "/api/contacts/{id}/groups", ALL),
    ("DELETE", "/api/contacts/bulk", ALL),
    ("GET", "/api/contacts/bulk-jobs", ALL),
    ("GET", "/api/contacts/bulk-jobs/{jobId}", ALL),
    ("GET", "/api/contacts/bulk-jobs/{jobId}/progress", ALL),
    ("POST", "/api/contacts/bulk-jobs/{jobId}/cancel", ALL),
    ("GET", "/api/contacts/groups", ALL),
    ("POST", "/api/contacts/groups", ALL),
    ("GET", "/api/contacts/groups/{groupId}", ALL),
    ("PUT", "/api/contacts/groups/{groupId}", ALL),
    ("DELETE", "/api/contacts/groups/{groupId}", ALL),
    ("GET", "/api/contacts/groups/{groupId}/members", ALL),
    ("POST", "/api/contacts/groups/{groupId}/members", ALL),
    ("DELETE", "/api/contacts/groups/{groupId}/members", ALL),
    ("POST", "/api/contacts/import", ALL),
    ("GET", "/api/contacts/imports", ALL),
    ("GET", "/api/contacts/imports/{importId}", ALL),
    ("GET", "/api/contacts/export", ALL),
    ("GET", "/api/webhooks", ALL),
    ("POST", "/api/webhooks", ALL),
    ("GET", "/api/webhooks/{id}", ALL),
    ("PATCH", "/api/webhooks/{id}", ALL),
    ("DELETE", "/api/webhooks/{id}", ALL),
    ("POST", "/api/webhooks/{id}/rotate-secret", ALL),
    ("POST", "/api/webhooks/{id}/test", ALL),
    ("POST", "/api/webhooks/{id}/recover", ALL),
    ("GET", "/api/webhooks/{id}/deliveries", ALL),
    ("GET", "/api/webhooks/{id}/deliveries/{deliveryId}", ALL),
    (
        "POST",
        "/api/webhooks/{id}/deliveries/{deliveryId}/redeliver",
        ALL,
    ),
    ("POST", "/api/media/upload", ALL),
    ("DELETE", "/api/media/{mediaId}", ALL),
    ("GET", "/api/billing/subscription", RUN),
    ("GET", "/api/subscriptions/me", RUN),
    ("GET", "/api/billing/usage", RUN),
    ("GET", "/api/usage", RUN),
    ("GET", "/api/billing/payments", PAY),
    ("GET", "/api/search", ALL),
    ("GET", "/api/onboarding", ALL),
    ("GET", "/api/dashboard/stats", ALL),
    ("GET", "/api/workspace/current", ALL),
];
