//! Workspaces: in whose space a caller acts, who belongs to it, and what each may do there.
//!
//! Knows teams, members, roles, invitations and assignments, and which workspace a key or a person
//! opens; refuses to know what is kept in a workspace. Start at [`access`] for who comes in where, at
//! [`permission`] for the table of who may do what, and at [`ports`] for what a store must keep.
//!
//! Letting people in asks for one port, [`MembershipReader`]; changing teams for [`TeamUnits`]. Mocks come with
//! the feature `mocks`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use msgflash_kernel::{Id, StoreError, TeamId, UserId};
//! use msgflash_teams::{Action, EnterWorkspace, Membership, MembershipReader, Role, permission};
//! use uuid::Uuid;
//!
//! /// Knows one team, in which everybody but its owner collaborates.
//! struct OneTeam;
//!
//! #[async_trait]
//! impl MembershipReader for OneTeam {
//!     async fn find(&self, team: TeamId, user: UserId) -> Result<Option<Membership>, StoreError> {
//!         let is_it = team.uuid() == Uuid::from_u128(7);
//!         Ok(is_it.then(|| Membership {
//!             team,
//!             owner: Id::new(Uuid::from_u128(1)),
//!             user,
//!             role: Role::Collaborator,
//!         }))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
//! let enter = EnterWorkspace::new(Arc::new(OneTeam));
//! let user = Id::new(Uuid::from_u128(2));
//! let entry = enter.team(user, Id::new(Uuid::from_u128(7))).await.expect("they are in it");
//! assert!(permission::require(Action::Send, entry.role).is_ok());
//! assert!(permission::require(Action::ChangeBilling, entry.role).is_err());
//! assert!(enter.team(user, Id::new(Uuid::from_u128(8))).await.is_err());
//! # });
//! ```

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
