//! Reading contacts.

use std::sync::Arc;

use msgflash_kernel::{Clock, WorkspaceId};

use crate::contact::{ContactEntry, ContactId};
use crate::error::ContactError;
use crate::list::{Listing, Walk};
use crate::ports::{BookReader, GroupReader};
use crate::query::{ContactPlace, ContactQuery};

/// Reads the contacts of a workspace.
pub struct ReadContacts {
    book: Arc<dyn BookReader>,
    groups: Arc<dyn GroupReader>,
    clock: Arc<dyn Clock>,
}

impl ReadContacts {
    /// Wires the use case.
    pub fn new(
        book: Arc<dyn BookReader>,
        groups: Arc<dyn GroupReader>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            book,
            groups,
            clock,
        }
    }

    /// One contact.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: ContactId,
    ) -> Result<ContactEntry, ContactError> {
        let found = self.book.find_traced(workspace, id).await?;
        let (contact, traces) = found.ok_or(ContactError::NoContact(id))?;
        Ok(ContactEntry::of(contact, &traces, self.clock.now()))
    }

    /// A page. A cursor belongs to the sort and the filters it was made with.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        query: &ContactQuery,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Listing<ContactEntry>, ContactError> {
        let (walk, part) = Walk::begin::<ContactPlace>(query.scope(), limit, cursor)?;
        if part
            .after
            .as_ref()
            .is_some_and(|it| it.sort() != query.sort)
        {
            return Err(crate::list::foreign_cursor().into());
        }
        if let Some(group) = query.group
            && self.groups.find(workspace, group).await?.is_none()
        {
            return Err(ContactError::NoGroup(group));
        }
        let found = self.book.page(workspace, query, &part).await?;
        let now = self.clock.now();
        Ok(walk.page(found.map(|(contact, traces)| ContactEntry::of(contact, &traces, now))))
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Cursor, Fault as _};

    use super::*;
    use crate::list::{Part, Total};
    use crate::ports::{MockBookReader, MockGroupReader};
    use crate::query::Sort;
    use crate::temperature::Traces;
    use crate::testing::{clock, contact, contact_id, group_id, own};

    fn read(book: MockBookReader, groups: MockGroupReader) -> ReadContacts {
        ReadContacts::new(Arc::new(book), Arc::new(groups), clock())
    }

    fn by_name() -> ContactQuery {
        ContactQuery {
            sort: Sort::Name,
            ..ContactQuery::default()
        }
    }

    #[tokio::test]
    async fn a_page_goes_on_where_the_store_stopped() {
        let mut book = MockBookReader::new();
        book.expect_page().returning(|_, _, part| {
            let place = ContactPlace::Name("lina".into(), contact_id(1));
            assert!(part.after.is_none() || part.after == Some(place.clone()));
            Ok(Part {
                items: vec![(contact(), Traces::default())],
                next: Some(place),
                total: part.count.then_some(Total::at_least(60)),
            })
        });
        let read = read(book, MockGroupReader::new());
        let first = read.page(own().id, &by_name(), 1, None).await;
        let cursor = first.expect("a page").next.map(|it| it.encode());
        let second = read.page(own().id, &by_name(), 1, cursor.as_deref()).await;
        let second = second.expect("a page");
        assert_eq!(second.total, Total::at_least(60));
        assert_eq!(second.items[0].contact, contact());
    }

    #[tokio::test]
    async fn cursors_of_another_sort_or_filter_and_made_up_ones_are_refused() {
        let read = read(MockBookReader::new(), MockGroupReader::new());
        let id = contact_id(1);
        for cursor in [
            Cursor::new(ContactQuery::default().scope(), format!(";{id}")),
            Cursor::new(by_name().scope(), format!(";{id}")),
            Cursor::new(by_name().scope(), "lina"),
        ] {
            let page = read
                .page(own().id, &by_name(), 1, Some(&cursor.encode()))
                .await;
            assert_eq!(page.expect_err("refused").code(), "VALIDATION_ERROR");
        }
    }

    #[tokio::test]
    async fn an_unknown_group_and_an_unknown_contact_are_not_found() {
        let mut groups = MockGroupReader::new();
        groups.expect_find().returning(|_, _| Ok(None));
        let mut book = MockBookReader::new();
        book.expect_find_traced().returning(|_, _| Ok(None));
        let read = read(book, groups);
        let query = ContactQuery {
            group: Some(group_id()),
            ..ContactQuery::default()
        };
        let page = read.page(own().id, &query, 1, None).await;
        assert!(matches!(page, Err(ContactError::NoGroup(_))));
        let one = read.find(own().id, contact_id(1)).await;
        assert!(matches!(one, Err(ContactError::NoContact(_))));
    }
}
