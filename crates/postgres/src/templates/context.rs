//! What placeholders may name, from where it is kept.

use async_trait::async_trait;
use msgflash_accounts::AccountReader;
use msgflash_contacts::{Contact, ContactReader};
use msgflash_kernel::{AccountId, Actor, Id, Phone, StoreError, WorkspaceId};
use msgflash_messaging::InstanceStatus;
use msgflash_messaging::instance::ports::InstanceReader;
use msgflash_messaging::instance::reach::is_in_reach;
use msgflash_templates::{ContactFacts, ContextSource, InstanceFacts, UserFacts};
use uuid::Uuid;

use crate::pool::Postgres;

fn facts(contact: Contact) -> ContactFacts {
    ContactFacts {
        id: contact.id.uuid(),
        name: contact.name,
        phone: contact.phone,
        tags: contact.tags,
        meta: contact.meta,
    }
}

#[async_trait]
impl ContextSource for Postgres {
    async fn contact(
        &self,
        workspace: WorkspaceId,
        id: Uuid,
    ) -> Result<Option<ContactFacts>, StoreError> {
        let found = ContactReader::find(self, workspace, Id::new(id)).await?;
        Ok(found.map(facts))
    }

    async fn contact_by_phone(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<ContactFacts>, StoreError> {
        let found = ContactReader::find_by_phone(self, workspace, phone).await?;
        Ok(found.map(facts))
    }

    /// An instance serves every workspace of its account; collaborators see those they were given. A
    /// suspended one sends for nobody.
    async fn instance(&self, actor: &Actor, id: Uuid) -> Result<Option<InstanceFacts>, StoreError> {
        let found = InstanceReader::find(self, actor.workspace.account, Id::new(id)).await?;
        let usable = found.filter(|it| it.status != InstanceStatus::Suspended);
        if usable.is_some() && !is_in_reach(self, actor, Id::new(id)).await? {
            return Ok(None);
        }
        Ok(usable.map(|it| InstanceFacts {
            name: it.name,
            wa_number: it.wa_number,
        }))
    }

    async fn payer(&self, account: AccountId) -> Result<Option<UserFacts>, StoreError> {
        let found = AccountReader::find(self, Id::new(account.uuid())).await?;
        Ok(found.map(|it| UserFacts {
            full_name: it.full_name,
            email: it.email,
            phone: Some(it.phone).filter(|phone| !phone.is_empty()),
        }))
    }
}
