//! Writing an audience down, in slices that the database makes by itself.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{StoreError, WorkspaceId};
use msgflash_messaging::campaign::Audience;
use msgflash_messaging::campaign::audience::{Place, Source};
use msgflash_messaging::campaign::ports::{Expanded, Slice};
use msgflash_messaging::campaign::retry::PASSING;
use time::Duration;
use uuid::Uuid;

use crate::columns::{each, first_id};
use crate::error::failed;
use crate::sql::{Sql, sql};

/// The next `$4` entries of a list behind `$2` and before `$3`: what they are ordered by, the contact and its
/// number, which is missing when the contact is gone. `$5` names the list, of the workspace `$1`.
macro_rules! slice {
    (all) => {
        "SELECT c.id AS key, c.id AS contact_id, c.phone FROM contacts c \
         WHERE c.workspace_id = $1 AND c.id > $2 AND c.id < $3 ORDER BY c.id LIMIT $4"
    };
    (tagged) => {
        concat!(
            "SELECT t.contact_id AS key, t.contact_id, c.phone FROM ( \
               SELECT t.contact_id FROM contact_tags t \
               WHERE t.workspace_id = $1 AND t.tag = $5 AND t.contact_id > $2 \
                 AND t.contact_id < $3 ORDER BY t.contact_id LIMIT $4) t ",
            slice!(contact of "t.contact_id"),
        )
    };
    (named) => {
        concat!(
            "SELECT t.id AS key, t.id AS contact_id, c.phone FROM ( \
               SELECT DISTINCT n.id FROM UNNEST($5) AS n (id) \
               WHERE n.id > $2 AND n.id < $3 ORDER BY n.id LIMIT $4) t ",
            slice!(contact of "t.id"),
        )
    };
    (grouped) => {
        concat!(
            "SELECT t.contact_id AS key, t.contact_id, c.phone FROM ( \
               SELECT m.contact_id FROM contact_group_members m \
               WHERE m.group_id = $5 AND m.contact_id > $2 AND m.contact_id < $3 \
                 AND EXISTS (SELECT 1 FROM contact_groups g \
                             WHERE g.workspace_id = $1 AND g.id = $5) \
               ORDER BY m.contact_id LIMIT $4) t ",
            slice!(contact of "t.contact_id"),
        )
    };
    // In the order of their messages: all of them are looked at, and those that failed have a number. Whom a
    // later run or an earlier repetition reached, or still may, did not fail.
    (failures) => {
        "SELECT t.message_id AS key, t.contact_id, \
           CASE WHEN m.failed THEN t.phone END AS phone FROM ( \
             SELECT r.message_id, r.contact_id, r.phone FROM campaign_recipients r \
             WHERE r.campaign_id = $5 AND r.message_id > $2 AND r.message_id < $3 \
             ORDER BY r.message_id LIMIT $4) t \
         LEFT JOIN LATERAL (SELECT m.status = 4 AND m.meta->>'code' = ANY($6) \
             AND m.provider_message_id IS NULL \
             AND NOT EXISTS (SELECT 1 FROM messages n JOIN campaigns d ON d.id = n.campaign_id \
               WHERE n.workspace_id = $1 AND n.peer = t.phone AND n.id > t.message_id \
                 AND n.status <= 3 AND (d.id = $5 OR d.retry_of = $5) OFFSET 0) AS failed \
           FROM messages m WHERE m.workspace_id = $1 AND m.id = t.message_id OFFSET 0) m ON true"
    };
    (contact of $id:literal) => {
        concat!(
            "LEFT JOIN LATERAL (SELECT c.phone FROM contacts c \
               WHERE c.workspace_id = $1 AND c.id = ",
            $id,
            " OFFSET 0) c ON true"
        )
    };
}

/// Whether somebody is on the workspace's list.
macro_rules! suppressed {
    () => {
        "EXISTS (SELECT 1 FROM suppressions x \
           WHERE x.workspace_id = $1 AND x.phone = s.phone OFFSET 0)"
    };
}

/// Writes a slice down. The ids of messages are counted up from `$9`, behind the first half of one, `$8`.
macro_rules! expand {
    ($of:ident) => {
        concat!(
            "WITH slice AS MATERIALIZED (",
            slice!($of),
            "), written AS ( \
               INSERT INTO campaign_recipients \
                 (run_id, phone, campaign_id, message_id, contact_id, skip) \
               SELECT $7, s.phone, $10, \
                 ($8 || to_hex($9 + row_number() OVER (ORDER BY s.key)))::uuid, s.contact_id, \
                 CASE WHEN ",
            suppressed!(),
            " THEN 1 ELSE 0 END \
               FROM slice s WHERE s.phone IS NOT NULL ORDER BY s.key \
               ON CONFLICT (run_id, phone) DO NOTHING RETURNING skip) \
             SELECT (SELECT count(*) FROM slice) AS seen, \
               (SELECT key FROM slice ORDER BY key DESC LIMIT 1) AS last, \
               (SELECT count(*) FROM written WHERE skip = 0) AS planned, \
               (SELECT count(*) FROM written WHERE skip <> 0) AS skipped"
        )
    };
}

/// Reads a slice with its contacts.
macro_rules! walk {
    ($of:ident) => {
        concat!(
            "SELECT s.key AS message_id, COALESCE(s.phone, 0) AS recipient, ",
            suppressed!(),
            " AS is_suppressed, c.id, c.workspace_id, c.account_id, c.name, c.phone, c.tags, \
               c.meta, c.created_at, c.updated_at \
             FROM (",
            slice!($of),
            ") s LEFT JOIN LATERAL (SELECT c.* FROM contacts c \
               WHERE c.workspace_id = $1 AND c.id = s.contact_id OFFSET 0) c ON true \
             ORDER BY s.key"
        )
    };
}

/// What is done with a slice.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    /// It is written down.
    Expand,
    /// It is looked at.
    Walk,
}

/// A statement about a slice, still without its parameters.
pub(super) struct SliceSql(&'static str);

pub(super) fn slice(source: &Source<'_>, reading: Reading) -> SliceSql {
    let (expand, walk) = match source {
        Source::Audience(Audience::All) => (expand!(all), walk!(all)),
        Source::Audience(Audience::Tags(_)) => (expand!(tagged), walk!(tagged)),
        Source::Audience(Audience::Explicit(_)) => (expand!(named), walk!(named)),
        Source::Audience(Audience::Group(_)) => (expand!(grouped), walk!(grouped)),
        Source::FailuresOf(_) => (expand!(failures), walk!(failures)),
    };
    SliceSql(match reading {
        Reading::Expand => expand,
        Reading::Walk => walk,
    })
}

impl SliceSql {
    /// Says which slice: the six parameters that all have.
    pub(super) fn bind(
        self,
        workspace: WorkspaceId,
        source: &Source<'_>,
        from: Place,
        before: Uuid,
        limit: u32,
    ) -> Sql<'static> {
        let asked = sql(self.0)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(from.after)
            .bind::<SqlUuid, _>(before)
            .bind::<BigInt, _>(i64::from(limit));
        let asked = match source {
            Source::Audience(Audience::All) => asked.bind::<Nullable<SqlUuid>, _>(None::<Uuid>),
            Source::Audience(Audience::Tags(tags)) => {
                let tag = tags.get(from.list as usize).cloned().unwrap_or_default();
                asked.bind::<Text, _>(tag)
            }
            Source::Audience(Audience::Explicit(ids)) => {
                asked.bind::<Array<SqlUuid>, _>(each(ids, |id| id.uuid()))
            }
            Source::Audience(Audience::Group(group)) => asked.bind::<SqlUuid, _>(group.uuid()),
            Source::FailuresOf(campaign) => asked.bind::<SqlUuid, _>(campaign.uuid()),
        };
        asked.bind::<Array<Text>, _>(PASSING.to_vec())
    }
}

/// Where to go on behind a slice; `None` behind the last list's end.
pub(super) fn next_place(
    source: &Source<'_>,
    from: Place,
    seen: usize,
    last: Option<Uuid>,
    limit: u32,
) -> Option<Place> {
    if seen >= limit as usize {
        return last.map(|after| Place {
            list: from.list,
            after,
        });
    }
    let count = match source {
        Source::Audience(Audience::Tags(tags)) => tags.len(),
        _ => 1,
    };
    let following = from.list + 1;
    ((following as usize) < count).then_some(Place {
        list: following,
        ..Place::START
    })
}

#[derive(QueryableByName)]
struct ExpandedRow {
    #[diesel(sql_type = BigInt)]
    seen: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    last: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    planned: i64,
    #[diesel(sql_type = BigInt)]
    skipped: i64,
}

pub(super) async fn expand(
    conn: &mut AsyncPgConnection,
    it: Slice<'_>,
) -> Result<Expanded, StoreError> {
    // Contacts are UUIDv7: those made later have greater ids. A retry's are messages, which end anyway.
    let before = match it.source {
        Source::FailuresOf(_) => crate::columns::LAST_ID,
        Source::Audience(_) => first_id(it.made_before + Duration::MILLISECOND),
    };
    let (high, low) = halves(it.base);
    let row: ExpandedRow = slice(&it.source, Reading::Expand)
        .bind(
            it.campaign.workspace.id,
            &it.source,
            it.from,
            before,
            it.limit,
        )
        .bind::<SqlUuid, _>(it.run.uuid())
        .bind::<Text, _>(high)
        .bind::<BigInt, _>(low)
        .bind::<SqlUuid, _>(it.campaign.id.uuid())
        .get_result(conn)
        .await
        .map_err(failed)?;
    let size = |stored: i64| u64::try_from(stored).unwrap_or(0);
    let seen = usize::try_from(row.seen).unwrap_or(0);
    Ok(Expanded {
        planned: size(row.planned),
        skipped: size(row.skipped),
        next: next_place(&it.source, it.from, seen, row.last, it.limit),
    })
}

/// The halves of an id to count up from: the first as its digits, the second as a number with room for
/// a million.
fn halves(base: Uuid) -> (String, i64) {
    let (high, low) = base.as_u64_pair();
    // The two highest bits say which kind of id it is; with them the number is negative, and has as many
    // digits as it needs.
    let low = (low | 1 << 63) & !(1 << 62) & !0xF_FFFF;
    (format!("{high:016x}"), low.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_counted_up_behind_the_time_they_carry() {
        let base = Uuid::parse_str("01976d0a-5b1c-7abc-9fed-cba987654321").expect("an id");
        let (high, low) = halves(base);
        let at = |place: i64| {
            let digits = format!("{high}{:x}", low + place);
            Uuid::parse_str(&digits).expect("an id")
        };
        assert_eq!(at(1).get_version_num(), 7);
        assert_eq!(at(1).get_timestamp(), base.get_timestamp());
        assert!(at(1) < at(2) && at(2) < at(1_000_000));
        assert_eq!(at(1_000_000).get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn lists_follow_each_other_and_end() {
        let tags = Audience::Tags(vec!["a".into(), "b".into()]);
        let source = Source::Audience(&tags);
        let id = Uuid::from_u128(7);
        let full = next_place(&source, Place::START, 10, Some(id), 10);
        assert_eq!(full, Some(Place { list: 0, after: id }));
        let second = next_place(&source, Place::START, 9, Some(id), 10);
        assert_eq!(
            second,
            Some(Place {
                list: 1,
                ..Place::START
            })
        );
        let end = next_place(&source, Place { list: 1, after: id }, 0, None, 10);
        assert_eq!(end, None);
    }
}
