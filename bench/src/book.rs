//! Address books as the product keeps them, made by SQL.

use anyhow::Result;

use crate::pg::{Database, Session};

/// Contact `n` of a book is made in second `n`; everything else follows from `n` too.
///
/// `name_key` and `needle` are what the product makes of names that are plain letters.
const FILL: &str = "WITH made AS ( \
    INSERT INTO contacts (workspace_id, id, account_id, name, phone, tags, meta, name_key, needle, \
      created_at, updated_at) \
    SELECT b.book, (lpad(to_hex(1767225600000 + n * 1000::bigint), 12, '0') || '7' \
        || lpad(to_hex(w % 4096), 3, '0') || '8000' || lpad(to_hex(n), 12, '0'))::uuid, \
      b.book, p.name, p.phone, p.tags, CASE WHEN n % 2 = 0 THEN '{\"city\":\"Lyon\"}'::jsonb END, \
      lower(p.name), lower(p.name) || E'\\n+' || p.phone, p.at, p.at \
    FROM generate_series($1::int, $2::int) w \
    CROSS JOIN LATERAL ( \
      SELECT ('00000000-0000-7000-8000-0000000' || 10000 + w)::uuid AS book) b \
    CROSS JOIN generate_series(1, $3::int) n \
    CROSS JOIN LATERAL (SELECT n * 7919::bigint % 99999989 AS mixed) m \
    CROSS JOIN LATERAL (SELECT \
      CASE WHEN n % $4::int = 7 THEN 'Quirina Zabel' ELSE \
        (ARRAY['Lina','Nora','Elif','Marta','Sofia','Amina','Greta','Ines','Paula','Wanda', \
          'Jonas','Karim','Luca','Mateo','Oskar','Piotr','Rafael','Samir','Tomas','Viktor']) \
          [1 + m.mixed % 20] || ' ' || \
        (ARRAY['Mor','Ber','Castel','Dupon','Fisch','Garc','Hart','Kowal','Lund','Nak','Okon', \
          'Pet','Rossi','Sato','Schmid','Silv','Thom','Vasq','Weber','Yil'])[1 + m.mixed / 20 % 20] || \
        (ARRAY['eau','nard','lan','ter','er','ia','ley','ski','berg','amura','kwo','rov','ni', \
          'shi','tova','eira','sen','uez','man','maz'])[1 + m.mixed / 400 % 20] END AS name, \
      33600000000 + m.mixed AS phone, \
      array_remove(ARRAY[CASE WHEN n % 10 = 0 THEN 'wholesale' END, \
        CASE WHEN n % 5 BETWEEN 1 AND 3 AND $5::int > 0 THEN 'newsletter' END, \
        CASE WHEN $5::int > 1 THEN 'customer' END], NULL) AS tags, \
      '2026-01-01Z'::timestamptz + n * interval '1 second' AS at) p \
    RETURNING workspace_id, id, tags), \
  listed AS ( \
    INSERT INTO contact_tags (workspace_id, tag, contact_id) \
    SELECT m.workspace_id, t.tag, m.id FROM made m CROSS JOIN LATERAL unnest(m.tags) t (tag) \
    RETURNING workspace_id, tag), \
  counted AS ( \
    INSERT INTO tag_counts (workspace_id, tag, contacts) \
    SELECT workspace_id, tag, count(*) FROM listed GROUP BY 1, 2) \
  INSERT INTO address_books (workspace_id, contacts) \
  SELECT workspace_id, count(*) FROM made GROUP BY 1";

/// What contacts are tagged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    /// One in ten: `wholesale`.
    Few,
    /// Six in ten others: `newsletter`.
    Letters,
    /// Everybody besides: `customer`. Who reads the newsletter has two tags, then.
    Everybody,
}

/// The books of some tenants, all alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    /// The first tenant.
    pub(crate) first: u32,
    /// The last one.
    pub(crate) last: u32,
    /// Contacts of each.
    pub(crate) rows: u32,
    /// Of so many contacts one has a name that is rare.
    pub(crate) step: u32,
    /// Their tags.
    pub(crate) tags: Tags,
}

impl Filling {
    /// One tenant's book, in which nothing is looked for.
    pub(crate) fn of(tenant: u32, rows: u32, tags: Tags) -> Self {
        Self {
            first: tenant,
            last: tenant,
            rows,
            step: rows.max(8),
            tags,
        }
    }
}

/// Fills them, and leaves the tables as they are in daily use. The index for searches is there then: a server
/// that finds none makes it, beside whatever is measured.
pub(crate) async fn load(database: &Database, session: &Session, it: Filling) -> Result<()> {
    session
        .client
        .batch_execute("DROP INDEX IF EXISTS contacts_search")
        .await?;
    fill(session, it).await?;
    // Where it cannot be made, no server makes it either.
    msgflash_postgres::ensure_search_index(database.url()).await?;
    session.settle_down().await
}

/// Fills them.
pub(crate) async fn fill(session: &Session, it: Filling) -> Result<()> {
    let number = |it: u32| i32::try_from(it);
    let (first, last, rows) = (number(it.first)?, number(it.last)?, number(it.rows)?);
    let step = number(it.step)?;
    let tags = match it.tags {
        Tags::Few => 0,
        Tags::Letters => 1,
        Tags::Everybody => 2,
    };
    session
        .run(FILL, &[&first, &last, &rows, &step, &tags])
        .await
        .map(drop)
}
