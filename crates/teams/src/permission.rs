//! Who may do what: one table, read by whoever lets requests in and by whoever tells people what they
//! may do.

use msgflash_kernel::{Fault, Kind, Reach};

use crate::role::Role;

/// Something that can be done in a workspace. Every route that acts in one names its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Seeing the team: its members, pending invitations and assignments.
    SeeTeam,
    /// Giving it another name.
    RenameTeam,
    /// Deleting it.
    DeleteTeam,
    /// Inviting people, asking again, taking it back.
    Invite,
    /// Sending members away. Nobody sends the owner away.
    RemoveMember,
    /// Making a collaborator an admin, or the other way round.
    ChangeRole,
    /// Going.
    Leave,
    /// Giving instances to collaborators, and taking them back.
    AssignInstances,
    /// API keys: making, listing and revoking them, and how much they were used.
    ManageKeys,
    /// Listing instances.
    ListInstances,
    /// One instance, its live state and its health.
    ReadInstance,
    /// Linking an instance to a phone, and mending the link.
    ConnectInstance,
    /// Making instances and naming them.
    CreateInstance,
    /// Unlinking an instance.
    LogOutInstance,
    /// Deleting an instance.
    DeleteInstance,
    /// Sending: messages now or later, and number look-ups.
    Send,
    /// What was sent and received, and what was looked up.
    ReadHistory,
    /// The data that members share: contacts, groups, files of them, templates, webhooks, media.
    KeepData,
    /// The subscription and what was used.
    ReadBilling,
    /// Payments.
    ReadPayments,
    /// Buying, changing and cancelling.
    ChangeBilling,
    /// The workspace itself: where somebody is, and what they may do there.
    ReadWorkspace,
}

/// What the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Yes.
    Yes,
    /// Yes, with the instances they were given.
    Assigned,
    /// No.
    No(Refusal),
}

/// How a refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The role does not allow it.
    #[error("Your role in this team does not allow this")]
    Denied,
    /// Payments are the owner's alone.
    #[error("Only the team owner can see payments")]
    Payments,
    /// So is the plan.
    #[error("Only the team owner can change the plan")]
    Billing,
    /// An owner cannot go.
    #[error("The owner cannot leave the team; delete it instead")]
    OwnerStays,
}

impl Fault for Refusal {
    fn kind(&self) -> Kind {
        match self {
            Self::OwnerStays => Kind::Invalid,
            Self::Denied | Self::Payments | Self::Billing => Kind::Forbidden,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Denied => "TEAM_ACCESS_DENIED",
            Self::Payments => "BILLING_PAYMENTS_TEAM_OWNER_ONLY",
            Self::Billing => "BILLING_TEAM_MUTATION_FORBIDDEN",
            Self::OwnerStays => "BAD_REQUEST",
        }
    }
}

use Grant::{Assigned, No, Yes};

const DENIED: Grant = No(Refusal::Denied);

/// Every action, and what it is to the owner, to admins and to collaborators.
pub const MATRIX: [(Action, [Grant; 3]); 22] = [
    (Action::SeeTeam, [Yes, Yes, Yes]),
    (Action::RenameTeam, [Yes, Yes, DENIED]),
    (Action::DeleteTeam, [Yes, DENIED, DENIED]),
    (Action::Invite, [Yes, Yes, DENIED]),
    (Action::RemoveMember, [Yes, Yes, DENIED]),
    (Action::ChangeRole, [Yes, Yes, DENIED]),
    (Action::Leave, [No(Refusal::OwnerStays), Yes, Yes]),
    (Action::AssignInstances, [Yes, Yes, DENIED]),
    (Action::ManageKeys, [Yes, Yes, DENIED]),
    (Action::ListInstances, [Yes, Yes, Assigned]),
    (Action::ReadInstance, [Yes, Yes, Assigned]),
    (Action::ConnectInstance, [Yes, Yes, Assigned]),
    (Action::CreateInstance, [Yes, Yes, DENIED]),
    (Action::LogOutInstance, [Yes, Yes, DENIED]),
    (Action::DeleteInstance, [Yes, Yes, DENIED]),
    (Action::Send, [Yes, Yes, Assigned]),
    (Action::ReadHistory, [Yes, Yes, Yes]),
    (Action::KeepData, [Yes, Yes, Yes]),
    (Action::ReadBilling, [Yes, Yes, DENIED]),
    (
        Action::ReadPayments,
        [Yes, No(Refusal::Payments), No(Refusal::Payments)],
    ),
    (
        Action::ChangeBilling,
        [Yes, No(Refusal::Billing), No(Refusal::Billing)],
    ),
    (Action::ReadWorkspace, [Yes, Yes, Yes]),
];

/// What an action is to somebody; without a role they are in a workspace of their own.
pub fn grant(action: Action, role: Option<Role>) -> Grant {
    let Some(role) = role else { return Yes };
    let row = MATRIX.iter().find(|(it, _)| *it == action);
    let (_, grants) = row.expect("every action is in the table, which a test shows");
    grants[role as usize]
}

/// Refuses what the table refuses. What is granted with certain instances alone passes: which one it is
/// about is known later, and looked at there.
pub fn require(action: Action, role: Option<Role>) -> Result<(), Refusal> {
    match grant(action, role) {
        Yes | Assigned => Ok(()),
        No(refusal) => Err(refusal),
    }
}

/// Which instances somebody may use: all, unless the table speaks of assigned ones.
pub fn reach(role: Option<Role>) -> Reach {
    match grant(Action::Send, role) {
        Yes | No(_) => Reach::All,
        Assigned => Reach::Assigned,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_action_is_in_the_table_once() {
        let listed: HashSet<Action> = MATRIX.iter().map(|(it, _)| *it).collect();
        assert_eq!(listed.len(), MATRIX.len());
        // The last one that is declared: whoever adds one behind it changes this line too.
        assert_eq!(Action::ReadWorkspace as usize + 1, MATRIX.len());
    }

    #[test]
    fn who_is_at_home_may_do_everything() {
        for (action, _) in MATRIX {
            assert_eq!(require(action, None), Ok(()), "{action:?}");
        }
        assert_eq!(reach(None), Reach::All);
    }

    #[test]
    fn an_admin_may_do_what_an_owner_may_but_end_the_team_and_pay_for_it() {
        let differs: Vec<Action> = MATRIX
            .iter()
            .filter(|(_, [owner, admin, _])| owner != admin)
            .map(|(action, _)| *action)
            .collect();
        let expected = [
            Action::DeleteTeam,
            Action::Leave,
            Action::ReadPayments,
            Action::ChangeBilling,
        ];
        assert_eq!(differs, expected);
    }

    #[test]
    fn wherever_instances_matter_a_collaborator_is_bound_to_their_own() {
        let bound: Vec<Action> = MATRIX
            .iter()
            .filter(|(_, [.., collaborator])| *collaborator == Assigned)
            .map(|(action, _)| *action)
            .collect();
        let expected = [
            Action::ListInstances,
            Action::ReadInstance,
            Action::ConnectInstance,
            Action::Send,
        ];
        assert_eq!(bound, expected);
        assert_eq!(reach(Some(Role::Collaborator)), Reach::Assigned);
        assert_eq!(reach(Some(Role::Admin)), Reach::All);
    }

    #[test]
    fn refusals_are_told_by_their_published_codes() {
        for (action, role, code) in [
            (Action::ManageKeys, Role::Collaborator, "TEAM_ACCESS_DENIED"),
            (Action::DeleteTeam, Role::Admin, "TEAM_ACCESS_DENIED"),
            (
                Action::ReadPayments,
                Role::Admin,
                "BILLING_PAYMENTS_TEAM_OWNER_ONLY",
            ),
            (
                Action::ChangeBilling,
                Role::Collaborator,
                "BILLING_TEAM_MUTATION_FORBIDDEN",
            ),
            (Action::Leave, Role::Owner, "BAD_REQUEST"),
        ] {
            let refused = require(action, Some(role)).expect_err("not allowed");
            assert_eq!(refused.code(), code, "{action:?} {role:?}");
        }
    }
}
