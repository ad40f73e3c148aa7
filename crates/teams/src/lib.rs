//! Workspaces: in whose space a caller acts, who belongs to it, and what each may do there.
//!
//! Knows teams, members, roles, invitations and assignments, and which workspace a key or a person
//! opens; refuses to know what is kept in a workspace. Start at [`access`] for who comes in where, at
//! [`permission`] for the table of who may do what, and at [`ports`] for what a store must keep.

pub mod access;
pub mod answer;
pub mod assign;
pub mod create;
pub mod error;
pub mod invitation;
pub mod invite;
mod letter;
pub mod manage;
pub mod member;
pub mod members;
pub mod permission;
pub mod ports;
pub mod read;
pub mod remains;
pub mod role;
pub mod seats;
pub mod team;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod sample;

pub use access::{EnterWorkspace, Entry, enter_by_key, require_personal};
pub use answer::{Accepted, AnswerInvitation, Named, Preview};
pub use assign::AssignInstances;
pub use create::{CreateTeam, Invite, TeamOrder};
pub use error::{AccessError, TeamError};
pub use invitation::{Invitation, InvitationEnd, InvitationId};
pub use invite::InvitePeople;
pub use manage::ManageTeam;
pub use member::{Member, Membership, StayEnd};
pub use members::ManageMembers;
pub use permission::{Action, Grant, Refusal};
pub use ports::{
    Assignment, AssignmentStore, Hosting, InvitationReader, InvitationStore, MemberStore,
    MembershipReader, OpenInvitation, TeamDetail, TeamReader, TeamStore, TeamSummary, TeamUnit,
    TeamUnits,
};
pub use read::ReadTeams;
pub use remains::{EndRemains, Remains};
pub use role::Role;
pub use seats::Seats;
pub use team::Team;

#[cfg(any(test, feature = "mocks"))]
pub use ports::{
    MockAssignmentStore, MockInvitationReader, MockInvitationStore, MockMemberStore,
    MockMembershipReader, MockTeamReader, MockTeamStore,
};
