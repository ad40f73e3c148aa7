//! The address books of P10, as the product keeps them.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use crate::api::Api;
use crate::book::{Filling, Tags, fill};
use crate::pg::{Database, Session};
use crate::scene;

/// Contacts of each of the others' books.
const CROWD: u32 = 1_000;
/// Books that are filled by one statement.
const ABREAST: u32 = 250;
/// Statements at once.
const LOADERS: u32 = 2;
/// Books of them between two checkpoints: their log need not be kept until the end.
const UNTIL_CHECKPOINT: u32 = 1_000;
/// Of so many contacts one is called Quirina, in each of the others' books.
const CROWD_STEP: u32 = 10;
/// How many Quirinas a measured book has.
const QUIRINAS: u32 = 20;
/// A piece of the number of every measured book's contact 3, and of nobody else's.
pub(super) const PHONE: &str = "6 000 23 757";
/// The tenant whose book is filled by the API.
const PROBE: u32 = 2;

/// The book of one tenant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Book {
    /// Whose it is.
    pub(super) tenant: u32,
    /// How many contacts it has.
    pub(super) rows: u32,
}

impl Book {
    /// A group with a tenth of the contacts.
    pub(super) fn tenth(self) -> String {
        self.group(1)
    }

    /// A group with nine tenths of them.
    pub(super) fn most(self) -> String {
        self.group(9)
    }

    fn group(self, tenths: u32) -> String {
        let book = scene::FIRST + self.tenant;
        format!("00000000-0000-7000-c00{tenths}-0000000{book}")
    }
}

/// Which contacts are in the group of one tenth, and in that of nine: their number tells.
const JOIN: &str = "WITH made AS ( \
    INSERT INTO contact_groups (workspace_id, id, account_id, name, name_key, needle, \
      contact_count, created_at, updated_at) \
    VALUES ($1::text::uuid, $2::text::uuid, $1::text::uuid, $3, lower($3), lower($3), 0, now(), \
      now())), \
  joined AS ( \
    INSERT INTO contact_group_members (group_id, contact_id, added_at) \
    SELECT $2::text::uuid, c.id, c.created_at FROM contacts c \
    WHERE c.workspace_id = $1::text::uuid \
      AND (('x' || right(c.id::text, 12))::bit(48)::bigint % 10 = 0) = $4) \
  UPDATE address_books SET groups = groups + 1 WHERE workspace_id = $1::text::uuid";

/// The keys and indexes of the large tables: how to drop each, and how to make it again as it was.
const KEYS: &str = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), \
      format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, \
        pg_get_constraintdef(oid)) \
    FROM pg_constraint \
    WHERE contype IN ('p', 'u') AND conrelid IN ('contacts'::regclass, 'contact_tags'::regclass) \
  UNION ALL \
    SELECT format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid) \
    FROM pg_index i \
    WHERE i.indrelid IN ('contacts'::regclass, 'contact_tags'::regclass) AND NOT EXISTS ( \
      SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)";

const COUNT_MEMBERS: &str = "UPDATE contact_groups g SET contact_count = \
    (SELECT count(*) FROM contact_group_members m WHERE m.group_id = g.id)";

/// Two measured books among those of a crowd.
pub(super) struct Books {
    /// The one that is held against the other.
    pub(super) big: Book,
    /// The other.
    pub(super) small: Book,
    /// Books around them.
    others: u32,
}

impl Books {
    /// So many contacts in the measured books, and about as many in all.
    pub(super) fn new(big: u32, small: u32, all: u32) -> Self {
        Self {
            big: Book {
                tenant: 0,
                rows: big,
            },
            small: Book {
                tenant: 1,
                rows: small,
            },
            others: (all.saturating_sub(big + small) / CROWD).max(1),
        }
    }

    /// Contacts in all of them.
    pub(super) fn contacts(&self) -> u32 {
        self.big.rows + self.small.rows + self.others * CROWD
    }

    /// Fills the tables, and leaves them as they are in daily use.
    pub(super) async fn load(&self, database: &Database, session: &Session) -> Result<()> {
        scene::people(session, PROBE + 1).await?;
        scene::raise_limits(session).await?;
        // The product makes it of a full table, and far faster than row by row.
        session
            .client
            .batch_execute("DROP INDEX IF EXISTS contacts_search")
            .await?;
        // So it is with the others, which are the migrations'.
        let keys = session.client.query(KEYS, &[]).await?;
        for key in &keys {
            session.client.batch_execute(key.get(0)).await?;
        }
        let mut first = PROBE + 1;
        let end = first + self.others;
        while first < end {
            let until = (first + UNTIL_CHECKPOINT).min(end);
            fill_crowd(database, first, until).await?;
            session.client.batch_execute("CHECKPOINT").await?;
            first = until;
        }
        for book in [self.small, self.big] {
            let (tenant, step) = (book.tenant, book.rows / QUIRINAS);
            let filling = Filling {
                step,
                ..Filling::of(tenant, book.rows, Tags::Letters)
            };
            fill(session, filling).await?;
        }
        more_memory(session, true).await?;
        let remaking = database.session().await?;
        for key in &keys {
            remaking.client.batch_execute(key.get(1)).await?;
        }
        more_memory(session, false).await?;
        for book in [self.small, self.big] {
            let workspace = scene::account(book.tenant);
            let groups = [(book.tenth(), "Tenth", true), (book.most(), "Most", false)];
            for (id, name, is_tenth) in &groups {
                session.run(JOIN, &[&workspace, id, name, is_tenth]).await?;
            }
        }
        session.run(COUNT_MEMBERS, &[]).await?;
        session.settle_down().await
    }

    /// The index for searches, made by the product.
    pub(super) async fn index(&self, database: &Database, session: &Session) -> Result<()> {
        more_memory(session, true).await?;
        let made = msgflash_postgres::ensure_search_index(database.url()).await?;
        ensure!(
            made == msgflash_postgres::SearchIndex::Made,
            "the index for searches was not made: {made:?}"
        );
        more_memory(session, false).await?;
        session.settle_down().await
    }

    /// What was loaded is what the product would have written: it writes one contact itself.
    pub(super) async fn prove_shape(&self, session: &Session, api: &mut Api) -> Result<()> {
        let row = session
            .client
            .query_one(
                "SELECT name, phone::text, tags FROM contacts \
                 WHERE workspace_id = $1::text::uuid AND tags <> '{}' ORDER BY id LIMIT 1",
                &[&scene::account(self.small.tenant)],
            )
            .await?;
        let (name, phone, tags): (String, String, Vec<String>) =
            (row.get(0), row.get(1), row.get(2));
        let body = serde_json::json!({"name": name, "phone": phone, "tags": tags}).to_string();
        api.post(PROBE, "/api/v1/contacts", &body).await?;
        let same = format!(
            "SELECT count(*) FROM contacts a JOIN contacts b USING (name, phone, tags, name_key, needle) \
             JOIN contact_tags t ON t.workspace_id = a.workspace_id AND t.contact_id = a.id \
             JOIN tag_counts n ON n.workspace_id = a.workspace_id AND n.tag = t.tag \
             JOIN address_books k ON k.workspace_id = a.workspace_id \
             WHERE a.workspace_id = '{}' AND b.workspace_id = '{}' AND a.account_id = a.workspace_id \
               AND b.account_id = b.workspace_id AND n.contacts = 1 AND k.contacts = 1",
            scene::account(PROBE),
            scene::account(self.small.tenant),
        );
        session
            .agree(
                "contacts the product writes alike",
                &same,
                tags.len() as u64,
            )
            .await
    }

    /// Everything is there, and the kept counts are those of the rows.
    pub(super) async fn check(&self, session: &Session) -> Result<()> {
        let measured = u64::from(self.big.rows) + u64::from(self.small.rows);
        // And the one the product wrote, which has one tag.
        let contacts = u64::from(self.contacts()) + 1;
        let tags = u64::from(self.contacts()) / 10 + measured * 3 / 5 + 1;
        for (what, text, expected) in [
            ("contacts", "SELECT count(*) FROM contacts", contacts),
            (
                "contacts of all books",
                "SELECT sum(contacts)::bigint FROM address_books",
                contacts,
            ),
            ("tags", "SELECT count(*) FROM contact_tags", tags),
            (
                "tags as counted",
                "SELECT sum(contacts)::bigint FROM tag_counts",
                tags,
            ),
            (
                "members",
                "SELECT count(*) FROM contact_group_members",
                measured,
            ),
            (
                "members as counted",
                "SELECT sum(contact_count)::bigint FROM contact_groups",
                measured,
            ),
        ] {
            session.agree(what, text, expected).await?;
        }
        Ok(())
    }
}

/// How long indexes take to make is not measured; with more memory they take less, in sessions that
/// begin from now on.
async fn more_memory(session: &Session, is_more: bool) -> Result<()> {
    let how = if is_more {
        "SET maintenance_work_mem = ''1GB''"
    } else {
        "RESET maintenance_work_mem"
    };
    let text = format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {how}', current_database()); END $$"
    );
    Ok(session.client.batch_execute(&text).await?)
}

/// Fills the books from `first` to before `end`, several at once.
async fn fill_crowd(database: &Database, first: u32, end: u32) -> Result<()> {
    let loaders = (0..LOADERS).map(|loader| async move {
        let session = database.session().await?;
        let mut at = first + loader * ABREAST;
        while at < end {
            let last = (at + ABREAST).min(end) - 1;
            let filling = Filling {
                first: at,
                last,
                rows: CROWD,
                step: CROWD_STEP,
                tags: Tags::Few,
            };
            fill(&session, filling).await?;
            at += LOADERS * ABREAST;
        }
        anyhow::Ok(())
    });
    try_join_all(loaders).await.map(drop)
}
