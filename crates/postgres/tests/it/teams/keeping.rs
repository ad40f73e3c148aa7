//! Teams as they are kept: places under concurrency, invitations that end once, who may use what.

use std::sync::Arc;

use msgflash_accounts::{AuditReader as _, PortalLinks, User};
use msgflash_kernel::{
    Actor, Fault as _, NoAnnouncement, NoNudge, RandomIds, Reach, TeamId, Workspace,
};
use msgflash_messaging::instance::ports::InstanceReader as _;
use msgflash_teams::manage::TeamPorts;
use msgflash_teams::ports::InstanceRef;
use msgflash_teams::{
    AnswerInvitation, AssignInstances, CreateTeam, EnterWorkspace, Entry, Invite, InvitePeople,
    ManageMembers, ManageTeam, MembershipReader, Named, ReadTeams, Role, TeamOrder,
};
use time::Duration;
use tokio::task::JoinSet;

use crate::messaging::sample::instance_of;
use crate::stage::{NOW, Stage, Uuids, clock};

/// Max owns a team on a plan with two teams of four; Lea is asked as collaborator.
pub(super) struct Desk {
    pub(super) stage: Stage,
    pub(super) ports: TeamPorts,
    pub(super) max: User,
    pub(super) lea: User,
    pub(super) team: TeamId,
}

impl Desk {
    pub(super) async fn new() -> Self {
        let stage = Stage::new().await;
        let max = stage.user("max@shop.test").await;
        let lea = stage.user("Lea@shop.test").await;
        let session = stage.session().await;
        let upgrade = "UPDATE subscriptions SET plan_id = (SELECT id FROM plans WHERE code = 'pro') \
             WHERE account_id = (SELECT id FROM users WHERE email = 'max@shop.test')";
        session.batch_execute(upgrade).await.expect("a better plan");
        let ports = ports(&stage);
        let order = order(&max, &["lea@SHOP.test"]);
        let team = CreateTeam::new(ports.clone()).create(order).await;
        Self {
            team: team.expect("a team"),
            ports,
            stage,
            max,
            lea,
        }
    }

    async fn enter(&self, user: &User) -> Entry {
        let enter = EnterWorkspace::new(Arc::new(self.stage.postgres.clone()));
        enter.team(user.id, self.team).await.expect("let in")
    }

    async fn lets_in(&self, user: &User) -> bool {
        let found = MembershipReader::find(&self.stage.postgres, self.team, user.id).await;
        found.expect("read").is_some()
    }

    async fn inbox(&self, user: &User) -> Vec<Named> {
        let answer = AnswerInvitation::new(self.ports.clone());
        let open = answer.inbox(user.id).await.expect("read");
        let ids = open.iter().map(|it| Named::Id(it.asked.invitation.id));
        ids.collect()
    }

    pub(super) async fn join(&self, user: &User) {
        let named = self.inbox(user).await.remove(0);
        let answer = AnswerInvitation::new(self.ports.clone());
        answer.accept(user.id, &named).await.expect("accepted");
    }

    pub(super) async fn actor(&self, user: &User) -> Actor {
        self.enter(user).await.actor
    }
}

fn ports(stage: &Stage) -> TeamPorts {
    let store = Arc::new(stage.postgres.clone());
    TeamPorts {
        units: store.clone(),
        teams: store.clone(),
        invitations: store.clone(),
        users: store,
        links: PortalLinks::new("https://app.shop.test"),
        announce: Arc::new(NoAnnouncement),
        wake: Arc::new(NoNudge),
        clock: clock(),
        ids: Arc::new(RandomIds),
        random: Arc::new(Uuids),
    }
}

fn invite(email: &str) -> Invite {
    Invite {
        email: email.to_owned(),
        role: Role::Collaborator,
    }
}

fn order(owner: &User, emails: &[&str]) -> TeamOrder {
    TeamOrder {
        owner: owner.id,
        name: "Desk".to_owned(),
        invites: emails.iter().map(|email| invite(email)).collect(),
    }
}

#[tokio::test]
async fn what_was_kept_is_read_back_by_everybody_in_it_and_nobody_else() {
    let desk = Desk::new().await;
    let read = ReadTeams::new(Arc::new(desk.stage.postgres.clone()), clock());
    let detail = read.detail(desk.team).await.expect("there");
    assert_eq!((detail.seats.active, detail.seats.pending), (1, 1));
    assert_eq!(detail.seats.available(), Some(2));
    assert_eq!(detail.pending[0].invitation.email, "lea@SHOP.test");
    assert_eq!(detail.pending[0].inviter_email, "max@shop.test");
    assert!(read.list(desk.lea.id).await.expect("read").is_empty());
    desk.join(&desk.lea).await;
    let detail = read.detail(desk.team).await.expect("there");
    let roles: Vec<_> = detail.members.iter().map(|it| it.role).collect();
    assert_eq!(roles, [Role::Owner, Role::Collaborator]);
    let listed = read.list(desk.lea.id).await.expect("read");
    assert_eq!(
        (listed[0].team.id, listed[0].role),
        (desk.team, Role::Collaborator)
    );
    assert_eq!(listed[0].seats, detail.seats);
    let entry = desk.enter(&desk.lea).await;
    assert_eq!(entry.actor.reach, Reach::Assigned);
    assert_eq!(entry.actor.workspace.owner(), desk.max.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_who_ask_at_once_get_the_places_there_are() {
    let desk = Desk::new().await;
    let actor = desk.actor(&desk.max).await;
    let mut asking = JoinSet::new();
    for number in 0..20 {
        let people = InvitePeople::new(desk.ports.clone());
        asking.spawn(async move {
            let email = format!("p{number}@shop.test");
            let asked = people.invite(&actor, invite(&email)).await;
            asked.map(drop).map_err(|refused| refused.code())
        });
    }
    let answers = asking.join_all().await;
    let asked = answers.iter().filter(|it| it.is_ok()).count();
    let full = answers
        .iter()
        .filter(|it| **it == Err("TEAM_SEAT_LIMIT_REACHED"));
    assert_eq!((asked, full.count()), (2, 18));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_asked_by_many_at_once_is_asked_once() {
    let desk = Desk::new().await;
    let actor = desk.actor(&desk.max).await;
    let mut asking = JoinSet::new();
    for email in ["tom@shop.test", "Tom@shop.test", "TOM@shop.test"] {
        let people = InvitePeople::new(desk.ports.clone());
        asking.spawn(async move {
            let asked = people.invite(&actor, invite(email)).await;
            asked.map(drop).map_err(|refused| refused.code())
        });
    }
    let mut answers = asking.join_all().await;
    answers.sort_unstable();
    assert_eq!(answers, [Ok(()), Err("CONFLICT"), Err("CONFLICT")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_made_at_once_keep_to_the_plan() {
    let desk = Desk::new().await;
    let mut making = JoinSet::new();
    for number in 0..8 {
        let create = CreateTeam::new(desk.ports.clone());
        let order = order(&desk.max, &[&format!("p{number}@shop.test")]);
        making.spawn(async move {
            let made = create.create(order).await;
            made.map(drop).map_err(|refused| refused.code())
        });
    }
    let answers = making.join_all().await;
    // There was one.
    assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 1);
    let refused = answers
        .iter()
        .filter(|it| **it == Err("TEAM_LIMIT_REACHED"));
    assert_eq!(refused.count(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lets_in_once_however_often_it_is_accepted_at_once() {
    let desk = Desk::new().await;
    let named = desk.inbox(&desk.lea).await.remove(0);
    let mut accepting = JoinSet::new();
    for _ in 0..5 {
        let (answer, named) = (AnswerInvitation::new(desk.ports.clone()), named.clone());
        let user = desk.lea.id;
        accepting.spawn(async move {
            let accepted = answer.accept(user, &named).await;
            accepted.map(drop).map_err(|refused| refused.code())
        });
    }
    let answers = accepting.join_all().await;
    assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 1);
    let refused = answers
        .iter()
        .filter(|it| **it == Err("INVITE_DUPLICATE_MEMBER"));
    assert_eq!(refused.count(), 4);
}

#[tokio::test]
async fn whoever_is_sent_away_takes_nothing_along_and_may_come_back() {
    let desk = Desk::new().await;
    desk.join(&desk.lea).await;
    let max = desk.actor(&desk.max).await;
    let home = Workspace::personal(desk.max.id);
    let instance = instance_of(&desk.stage, home).await.id;
    let given = InstanceRef::new(instance.uuid());
    let assign = AssignInstances::new(desk.ports.clone());
    assign
        .assign(&max, given, desk.lea.id)
        .await
        .expect("given");
    let lea = desk.actor(&desk.lea).await;
    let listed = desk.stage.postgres.list(&lea).await.expect("read");
    assert_eq!(
        listed.iter().map(|it| it.id).collect::<Vec<_>>(),
        [instance]
    );

    let members = ManageMembers::new(desk.ports.clone());
    members.remove(&max, desk.lea.id).await.expect("removed");
    assert!(!desk.lets_in(&desk.lea).await);
    let people = InvitePeople::new(desk.ports.clone());
    people
        .invite(&max, invite("lea@shop.test"))
        .await
        .expect("asked");
    desk.join(&desk.lea).await;
    let again = desk.actor(&desk.lea).await;
    assert!(
        desk.stage
            .postgres
            .list(&again)
            .await
            .expect("read")
            .is_empty()
    );
}

#[tokio::test]
async fn what_a_removed_member_asked_is_taken_back() {
    let desk = Desk::new().await;
    desk.join(&desk.lea).await;
    let max = desk.actor(&desk.max).await;
    let members = ManageMembers::new(desk.ports.clone());
    let promoted = members.change_role(&max, desk.lea.id, Role::Admin).await;
    assert_eq!(promoted.expect("changed").role, Role::Admin);
    let lea = desk.actor(&desk.lea).await;
    let tom = desk.stage.user("tom@shop.test").await;
    let people = InvitePeople::new(desk.ports.clone());
    people
        .invite(&lea, invite("tom@shop.test"))
        .await
        .expect("asked");
    assert_eq!(desk.inbox(&tom).await.len(), 1);
    members.remove(&max, desk.lea.id).await.expect("removed");
    assert!(desk.inbox(&tom).await.is_empty());
}

#[tokio::test]
async fn a_team_that_is_deleted_or_whose_owner_is_shut_lets_nobody_in() {
    let desk = Desk::new().await;
    let session = desk.stage.session().await;
    let suspend = "UPDATE users SET suspended_at = now() WHERE email = 'max@shop.test'";
    session.batch_execute(suspend).await.expect("shut");
    assert!(!desk.lets_in(&desk.max).await);
    assert!(desk.inbox(&desk.lea).await.is_empty());
    let open = "UPDATE users SET suspended_at = NULL";
    session.batch_execute(open).await.expect("opened");

    let named = desk.inbox(&desk.lea).await.remove(0);
    let max = desk.actor(&desk.max).await;
    let manage = ManageTeam::new(desk.ports.clone());
    manage.delete(&max).await.expect("deleted");
    assert!(!desk.lets_in(&desk.max).await);
    let late = AnswerInvitation::new(desk.ports.clone())
        .accept(desk.lea.id, &named)
        .await;
    assert_eq!(late.expect_err("void").code(), "INVITE_INVALID_OR_EXPIRED");
    let entries = desk
        .stage
        .postgres
        .of_team(desk.team, None, 10)
        .await
        .expect("read");
    let told: Vec<_> = entries.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(told, ["team.deleted", "invitation.created", "team.created"]);
    assert_eq!(entries[0].by_email.as_deref(), Some("max@shop.test"));
}

#[tokio::test]
async fn five_mails_a_day_to_one_mailbox_and_refused_ones_do_not_count() {
    let desk = Desk::new().await;
    let max = desk.actor(&desk.max).await;
    let people = InvitePeople::new(desk.ports.clone());
    let asked = people.invite(&max, invite("tom@shop.test")).await;
    let id = asked.expect("asked").invitation.id;
    for _ in 0..10 {
        let again = people.invite(&max, invite("tom@shop.test")).await;
        assert_eq!(again.expect_err("pending").code(), "CONFLICT");
    }
    for _ in 0..4 {
        people.resend(&max, id).await.expect("sent again");
    }
    let many = people.resend(&max, id).await.expect_err("too many");
    assert_eq!(many.code(), "RATE_LIMIT_EXCEEDED");
    people.revoke(&max, id).await.expect("taken back");
    let trick = people.invite(&max, invite("tom+x@shop.test")).await;
    assert_eq!(
        trick.expect_err("the same box").code(),
        "RATE_LIMIT_EXCEEDED"
    );
    people
        .invite(&max, invite("ann@shop.test"))
        .await
        .expect("another");
}

#[tokio::test]
async fn old_invitations_and_useless_assignments_are_swept_and_live_ones_are_not() {
    let desk = Desk::new().await;
    let max = desk.actor(&desk.max).await;
    let people = InvitePeople::new(desk.ports.clone());
    let asked = people.invite(&max, invite("tom@shop.test")).await;
    let id = asked.expect("asked").invitation.id;
    people.revoke(&max, id).await.expect("taken back");
    let session = desk.stage.session().await;
    let count = "SELECT count(*) FROM team_invitations";
    let left = async || {
        let row = session.query_one(count, &[]).await.expect("counted");
        row.get::<_, i64>(0)
    };
    desk.stage
        .postgres
        .sweep(NOW + Duration::days(29))
        .await
        .expect("swept");
    assert_eq!(left().await, 2);
    desk.stage
        .postgres
        .sweep(NOW + Duration::days(400))
        .await
        .expect("swept");
    assert_eq!(left().await, 0);
}
