//! What the shop knows by heart: its number, its customers, its template, its plan.
//!
//! Read ports only. Each answers for the one workspace there is and says so by looking at the ids it
//! is asked for: a rule of the crates is worth as much as the adapter that keeps tenants apart.

use async_trait::async_trait;
use msgflash_contacts::suppression::ports::{Place, SuppressionReader};
use msgflash_contacts::suppression::{OptOutSettings, Suppression, SuppressionFilter};
use msgflash_contacts::{Contact, ContactId, ContactReader};
use msgflash_kernel::{AccountId, Actor, Id, Phone, StoreError, TeamId, UserId, WorkspaceId};
use msgflash_messaging::instance::ports::{InstanceReader, SessionLeft};
use msgflash_messaging::safety::Window;
use msgflash_messaging::{Instance, InstanceId};
use msgflash_quotas::{Allowance, AllowanceReader};
use msgflash_templates::ports::{ContextSource, PageNumber, TemplatePage, TemplateReader};
use msgflash_templates::{ContactFacts, InstanceFacts, Template, TemplateId, UserFacts};
use time::OffsetDateTime;
use uuid::Uuid;

/// Everything that does not change while the program runs.
pub(crate) struct Directory {
    /// The number that sends.
    pub(crate) instance: Instance,
    /// The customers.
    pub(crate) contacts: Vec<Contact>,
    /// The template.
    pub(crate) template: Template,
    /// Who wants no messages.
    pub(crate) suppressed: Suppression,
    /// Messages a month.
    pub(crate) monthly: u32,
}

impl Directory {
    fn is_ours(&self, workspace: WorkspaceId) -> bool {
        workspace == self.template.workspace.id
    }

    fn contact_where(
        &self,
        workspace: WorkspaceId,
        is_it: impl Fn(&Contact) -> bool,
    ) -> Option<Contact> {
        let mut known = self.contacts.iter();
        let found = known.find(|it| it.workspace.id == workspace && is_it(it));
        found.cloned()
    }

    /// Whether a workspace must not write to somebody.
    pub(crate) fn is_suppressed(&self, workspace: WorkspaceId, phone: Phone) -> bool {
        self.is_ours(workspace) && self.suppressed.phone == phone
    }
}

#[async_trait]
impl AllowanceReader for Directory {
    async fn allowances(
        &self,
        accounts: &[AccountId],
        _: OffsetDateTime,
    ) -> Result<Vec<Allowance>, StoreError> {
        let allowance = |account: &AccountId| Allowance {
            usable: *account == self.instance.account,
            outbound: Some(self.monthly),
            campaigns: false,
        };
        Ok(accounts.iter().map(allowance).collect())
    }
}

#[async_trait]
impl ContactReader for Directory {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        Ok(self.contact_where(workspace, |it| it.id == id))
    }

    async fn find_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Contact>, StoreError> {
        Ok(self.contact_where(workspace, |it| it.phone == phone))
    }
}

#[async_trait]
impl SuppressionReader for Directory {
    async fn find(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Suppression>, StoreError> {
        let found = self.is_suppressed(workspace, phone);
        Ok(found.then(|| self.suppressed.clone()))
    }

    // The lists are shown to nobody here.
    async fn page(
        &self,
        _: WorkspaceId,
        _: &SuppressionFilter,
        _: Option<Place>,
        _: u32,
    ) -> Result<Vec<Suppression>, StoreError> {
        Ok(Vec::new())
    }

    async fn walk(
        &self,
        _: WorkspaceId,
        _: Option<Phone>,
        _: u32,
    ) -> Result<Vec<Suppression>, StoreError> {
        Ok(Vec::new())
    }

    async fn settings(&self, _: WorkspaceId) -> Result<Option<OptOutSettings>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl TemplateReader for Directory {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: TemplateId,
    ) -> Result<Option<Template>, StoreError> {
        let found = self.is_ours(workspace) && self.template.id == id;
        Ok(found.then(|| self.template.clone()))
    }

    async fn page(&self, _: WorkspaceId, page: PageNumber) -> Result<TemplatePage, StoreError> {
        let all = std::slice::from_ref(&self.template);
        Ok(TemplatePage {
            templates: if page.page == 1 {
                all.to_vec()
            } else {
                Vec::new()
            },
            total: 1,
        })
    }
}

#[async_trait]
impl ContextSource for Directory {
    async fn contact(
        &self,
        workspace: WorkspaceId,
        id: Uuid,
    ) -> Result<Option<ContactFacts>, StoreError> {
        let found = self.contact_where(workspace, |it| it.id == Id::new(id));
        Ok(found.map(facts_of))
    }

    async fn contact_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<ContactFacts>, StoreError> {
        let found = self.contact_where(workspace, |it| it.phone == phone);
        Ok(found.map(facts_of))
    }

    async fn instance(&self, actor: &Actor, id: Uuid) -> Result<Option<InstanceFacts>, StoreError> {
        let known = &self.instance;
        let found = actor.workspace.account == known.account && known.id == Id::new(id);
        Ok(found.then(|| InstanceFacts {
            name: known.name.clone(),
            wa_number: known.wa_number,
        }))
    }

    async fn payer(&self, _: AccountId) -> Result<Option<UserFacts>, StoreError> {
        Ok(None)
    }
}

fn facts_of(contact: Contact) -> ContactFacts {
    ContactFacts {
        id: contact.id.uuid(),
        name: contact.name,
        phone: contact.phone,
        tags: contact.tags,
        meta: contact.meta,
    }
}

#[async_trait]
impl InstanceReader for Directory {
    async fn find(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        let known = &self.instance;
        let found = known.account == account && known.id == id;
        Ok(found.then(|| known.clone()))
    }

    async fn list(&self, actor: &Actor) -> Result<Vec<Instance>, StoreError> {
        let is_ours = actor.workspace.account == self.instance.account;
        Ok(is_ours.then(|| self.instance.clone()).into_iter().collect())
    }

    async fn is_assigned(&self, _: TeamId, _: UserId, _: InstanceId) -> Result<bool, StoreError> {
        // There are no teams.
        Ok(false)
    }

    async fn find_by_session(&self, session: &str) -> Result<Option<Instance>, StoreError> {
        let found = self.instance.session == session;
        Ok(found.then(|| self.instance.clone()))
    }

    async fn get(&self, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        let found = self.instance.id == id;
        Ok(found.then(|| self.instance.clone()))
    }

    // The number stays linked: what watches links finds nothing to do.
    async fn stuck(
        &self,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<Vec<InstanceId>, StoreError> {
        Ok(Vec::new())
    }

    async fn after(&self, _: Option<InstanceId>, _: u32) -> Result<Vec<Instance>, StoreError> {
        Ok(Vec::new())
    }

    async fn sessions_left(
        &self,
        _: OffsetDateTime,
        _: u32,
    ) -> Result<Vec<SessionLeft>, StoreError> {
        Ok(Vec::new())
    }

    async fn window(&self, _: InstanceId, _: OffsetDateTime) -> Result<Window, StoreError> {
        Ok(Window::default())
    }
}
