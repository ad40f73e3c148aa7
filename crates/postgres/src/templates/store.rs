//! Templates as they are stored.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, ReplayStore, StoreError, TeamId, Workspace, WorkspaceId};
use msgflash_templates::{
    PageNumber, StoredTemplate, Template, TemplateId, TemplateKind, TemplatePage, TemplateReader,
    TemplateStore, TemplateUnit, TemplateUnits,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::templates;
use crate::unit::PgUnit;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = templates, check_for_backend(diesel::pg::Pg))]
struct TemplateRow {
    workspace_id: Uuid,
    id: Uuid,
    account_id: Uuid,
    created_by: Uuid,
    name: String,
    kind: String,
    body: Option<String>,
    media_url: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<TemplateRow> for Template {
    type Error = StoreError;

    fn try_from(row: TemplateRow) -> Result<Self, StoreError> {
        // A workspace has the id of whom it belongs to: its owner, or a team.
        let team = (row.workspace_id != row.account_id).then(|| TeamId::new(row.workspace_id));
        Ok(Self::restore(StoredTemplate {
            id: Id::new(row.id),
            workspace: Workspace {
                id: Id::new(row.workspace_id),
                account: Id::new(row.account_id),
                team,
            },
            created_by: Id::new(row.created_by),
            name: row.name,
            kind: TemplateKind::parse(&row.kind)
                .ok_or_else(|| StoreError::corrupt("templates.kind", row.kind))?,
            body: row.body,
            media_url: row.media_url,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }))
    }
}

impl From<&Template> for TemplateRow {
    fn from(it: &Template) -> Self {
        Self {
            workspace_id: it.workspace.id.uuid(),
            id: it.id.uuid(),
            account_id: it.workspace.account.uuid(),
            created_by: it.created_by.uuid(),
            name: it.name().to_owned(),
            kind: it.kind().as_str().to_owned(),
            body: it.body().map(str::to_owned),
            media_url: it.media_url().map(str::to_owned),
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

#[async_trait]
impl TemplateReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<TemplateRow> = templates::table
            .find((workspace.uuid(), id.uuid()))
            .select(TemplateRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Template::try_from).transpose()
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        page: PageNumber,
    ) -> Result<TemplatePage, StoreError> {
        let mut conn = self.conn().await?;
        let own = templates::table.filter(templates::workspace_id.eq(workspace.uuid()));
        // Counted by the key alone: people write templates by hand, so a workspace has few.
        let total: i64 = own.count().get_result(&mut conn).await.map_err(failed)?;
        let total = u64::try_from(total).unwrap_or(0);
        if page.before() >= total {
            let templates = Vec::new();
            return Ok(TemplatePage { templates, total });
        }
        let before = i64::try_from(page.before()).unwrap_or(i64::MAX);
        let rows: Vec<TemplateRow> = own
            .order(templates::id.desc())
            .offset(before)
            .limit(i64::from(page.limit))
            .select(TemplateRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let templates = rows.into_iter().map(Template::try_from);
        Ok(TemplatePage {
            templates: templates.collect::<Result<_, _>>()?,
            total,
        })
    }
}

#[async_trait]
impl TemplateStore for PgUnit {
    async fn insert(&mut self, template: &Template) -> Result<(), StoreError> {
        diesel::insert_into(templates::table)
            .values(TemplateRow::from(template))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError> {
        let row: Option<TemplateRow> = templates::table
            .find((workspace.uuid(), id.uuid()))
            .select(TemplateRow::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Template::try_from).transpose()
    }

    async fn update(&mut self, template: &Template) -> Result<(), StoreError> {
        let key = (template.workspace.id.uuid(), template.id.uuid());
        // Its type and whose it is stay.
        diesel::update(templates::table.find(key))
            .set((
                templates::name.eq(template.name()),
                templates::body.eq(template.body()),
                templates::media_url.eq(template.media_url()),
                templates::updated_at.eq(template.updated_at),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn delete(&mut self, workspace: WorkspaceId, id: TemplateId) -> Result<bool, StoreError> {
        let gone = diesel::delete(templates::table.find((workspace.uuid(), id.uuid())))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(gone > 0)
    }
}

impl TemplateUnit for PgUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
    fn templates(&mut self) -> &mut dyn TemplateStore {
        self
    }
}

#[async_trait]
impl TemplateUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn TemplateUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
