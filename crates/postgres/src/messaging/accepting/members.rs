//! The people of a group: who of them is still in their team.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{Id, StoreError, TeamId, UserId};
use msgflash_messaging::message::accept::Application;
use msgflash_messaging::message::ports::{Sender, Wait, sender};
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::sql::sql;

/// A statement of its own: what is read after it was not changed since.
macro_rules! hold_members {
    ($locking:literal) => {
        concat!(
            "SELECT m.team_id, m.user_id FROM UNNEST($1, $2) AS k (team_id, user_id) \
             CROSS JOIN LATERAL (SELECT m.team_id, m.user_id FROM team_members m \
               WHERE m.team_id = k.team_id AND m.user_id = k.user_id AND m.ended_at IS NULL ",
            $locking,
            ") m"
        )
    };
}
const HOLD_FREE_MEMBERS: &str = hold_members!("FOR SHARE SKIP LOCKED");
const HOLD_MEMBERS: &str = hold_members!("FOR SHARE");

#[derive(QueryableByName)]
struct HeldMemberRow {
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

/// Keeps people in their teams; answers whom it got.
pub(in crate::messaging) async fn hold(
    conn: &mut AsyncPgConnection,
    people: &[(TeamId, UserId)],
    wait: Wait,
) -> Result<HashSet<(TeamId, UserId)>, StoreError> {
    let locking = match wait {
        Wait::No => HOLD_FREE_MEMBERS,
        Wait::Yes => HOLD_MEMBERS,
    };
    let held: Vec<HeldMemberRow> = sql(locking)
        .bind::<Array<SqlUuid>, _>(each(people, |(team, _)| team.uuid()))
        .bind::<Array<SqlUuid>, _>(each(people, |(_, user)| user.uuid()))
        .get_results(conn)
        .await
        .map_err(failed)?;
    let held = held.iter();
    Ok(held
        .map(|row| (Id::new(row.team_id), Id::new(row.user_id)))
        .collect())
}

#[derive(QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = Bool)]
    may: bool,
}

/// Who of the people that act in a team is still in it, and may use the instance; asked only when there
/// are some. They are held: whoever sends one of them away, or takes an instance back, waits until the
/// group is recorded, or is seen here.
pub(super) async fn look(
    mut conn: &AsyncPgConnection,
    asked: &[&Application],
) -> Result<HashMap<Sender, bool>, StoreError> {
    let senders: HashSet<Sender> = asked.iter().filter_map(|it| sender(it)).collect();
    if senders.is_empty() {
        return Ok(HashMap::new());
    }
    let senders: Vec<Sender> = senders.into_iter().collect();
    let rows: Vec<MemberRow> = sql(
        "SELECT f.* FROM UNNEST($1, $2, $3) AS asked (team_id, user_id, instance_id) CROSS JOIN \
             LATERAL ( SELECT m.team_id, m.user_id, asked.instance_id, m.role <> 'collaborator' \
             OR EXISTS (SELECT 1 FROM team_instance_assignments a WHERE a.team_id = m.team_id AND \
             a.user_id = m.user_id AND a.instance_id = asked.instance_id) AS may FROM \
             team_members m JOIN teams t ON t.id = m.team_id AND t.deleted_at IS NULL WHERE \
             m.team_id = asked.team_id AND m.user_id = asked.user_id AND m.ended_at IS NULL) f",
    )
    .bind::<Array<SqlUuid>, _>(each(&senders, |(team, ..)| team.uuid()))
    .bind::<Array<SqlUuid>, _>(each(&senders, |(_, user, _)| user.uuid()))
    .bind::<Array<SqlUuid>, _>(each(&senders, |(.., instance)| instance.uuid()))
    .get_results(&mut conn)
    .await
    .map_err(failed)?;
    let sender = |row: &MemberRow| {
        let (team, user) = (Id::new(row.team_id), Id::new(row.user_id));
        (team, user, Id::new(row.instance_id))
    };
    Ok(rows.iter().map(|row| (sender(row), row.may)).collect())
}
