//! The address book.

use std::collections::HashSet;
use std::sync::Arc;

use msgflash_contacts::ports::{BookReader as _, BulkUnits, ContactUnits};
use msgflash_contacts::{
    BulkContacts, BulkOrder, BulkOutcome, BulkResult, ChangeContact, ChangeGroup, Contact,
    ContactChange, ContactEntry, ContactError, ContactId, ContactOrder, ContactQuery,
    CreateContact, CreateGroup, DeleteContact, DeleteGroup, Group, GroupId, GroupOrder, Job,
    Operation, ReadContacts, ReadGroups, RunJobs, Search, Sort,
};
use msgflash_kernel::{Actor, Clock, Id, Ids as _, NoNudge, Outcome, Phone, RandomIds, Workspace};
use msgflash_postgres::Postgres;

use crate::stage::{NOW, Stage, clock, fresh};

mod broken;
mod counters;
mod exports;
mod import_work;
pub(crate) mod imports;
mod index;
mod jobs;
mod keeping;
mod paging;
mod searching;
mod side_by_side;
mod sweeping;
mod temperature;
mod tenants;

/// The book of one workspace, and everything that is done with it.
#[derive(Clone)]
pub(crate) struct Book {
    postgres: Postgres,
    workspace: Workspace,
    clock: Arc<dyn Clock>,
}

impl Book {
    /// The book of a new workspace, whose account exists.
    async fn new(stage: &Stage) -> Self {
        let user = stage.user(&format!("{}@example.test", fresh::<()>())).await;
        Self::of(&stage.postgres, Workspace::personal(user.id))
    }

    pub(crate) fn of(postgres: &Postgres, workspace: Workspace) -> Self {
        Self {
            postgres: postgres.clone(),
            workspace,
            clock: clock(),
        }
    }

    /// The same book through another pool.
    fn through(&self, postgres: Postgres) -> Self {
        Self {
            postgres,
            ..self.clone()
        }
    }

    fn units(&self) -> Arc<Postgres> {
        Arc::new(self.postgres.clone())
    }

    fn actor(&self) -> Actor {
        Actor::new(self.workspace, self.workspace.owner())
    }

    async fn try_create(
        &self,
        name: &str,
        phone: u64,
        tags: &[&str],
    ) -> Result<ContactEntry, ContactError> {
        let order = ContactOrder {
            actor: self.actor(),
            name: name.to_owned(),
            phone: phone.to_string(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            meta: None,
        };
        let units = self.units();
        let create = CreateContact::new(units, Arc::clone(&self.clock), Arc::new(RandomIds));
        match create.create(order, None).await? {
            Outcome::Done(entry) => Ok(entry),
            Outcome::Replayed(_) => panic!("there was no key"),
        }
    }

    async fn create(&self, name: &str, phone: u64, tags: &[&str]) -> ContactId {
        let made = self.try_create(name, phone, tags).await;
        made.expect("a new contact").contact.id
    }

    async fn change(&self, id: ContactId, change: ContactChange) -> Result<(), ContactError> {
        let units = self.units();
        let use_case = ChangeContact::new(units, Arc::clone(&self.clock));
        use_case
            .change(self.workspace.id, id, change)
            .await
            .map(drop)
    }

    async fn retag(&self, id: ContactId, tags: &[&str]) {
        let change = ContactChange {
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            ..ContactChange::default()
        };
        self.change(id, change).await.expect("changed");
    }

    async fn delete(&self, id: ContactId) -> Result<(), ContactError> {
        let use_case = DeleteContact::new(self.units());
        use_case.delete(self.workspace.id, id).await
    }

    /// Many contacts at once; answers them in the order they were made.
    pub(crate) async fn fill(&self, people: &[(&str, u64, &[&str])]) -> Vec<Contact> {
        let contacts: Vec<Contact> = people
            .iter()
            .map(|(name, phone, tags)| Contact {
                id: Id::new(RandomIds.next()),
                workspace: self.workspace,
                name: (*name).to_owned(),
                phone: Phone::from_e164(&phone.to_string()).expect("a number"),
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                meta: None,
                created_at: NOW,
                updated_at: NOW,
            })
            .collect();
        let mut unit = ContactUnits::begin(&self.postgres).await.expect("a unit");
        unit.books().lock(self.workspace.id).await.expect("held");
        unit.contacts().insert(&contacts).await.expect("kept");
        unit.commit().await.expect("committed");
        contacts
    }

    async fn try_group(&self, name: &str, cap: Option<u32>) -> Result<Group, ContactError> {
        let order = GroupOrder {
            actor: self.actor(),
            name: name.to_owned(),
            description: None,
            color: None,
            cap,
        };
        let units = self.units();
        let create = CreateGroup::new(units, Arc::clone(&self.clock), Arc::new(RandomIds));
        match create.create(order, None).await? {
            Outcome::Done(group) => Ok(group),
            Outcome::Replayed(_) => panic!("there was no key"),
        }
    }

    async fn group(&self, name: &str) -> GroupId {
        self.try_group(name, None).await.expect("a new group").id
    }

    fn change_group(&self) -> ChangeGroup {
        ChangeGroup::new(self.units(), Arc::clone(&self.clock))
    }

    async fn delete_group(&self, id: GroupId) -> Result<(), ContactError> {
        let use_case = DeleteGroup::new(self.units());
        use_case.delete(self.workspace.id, id).await
    }

    async fn bulk(
        &self,
        operation: Operation,
        ids: &[ContactId],
    ) -> Result<BulkOutcome, ContactError> {
        let units = self.units();
        let (clock, ids_port) = (Arc::clone(&self.clock), Arc::new(RandomIds));
        let use_case = BulkContacts::new(units, clock, ids_port, Arc::new(NoNudge));
        let order = BulkOrder {
            actor: self.actor(),
            operation,
            ids: ids.to_vec(),
        };
        match use_case.start(order, None).await? {
            Outcome::Done(outcome) => Ok(outcome),
            Outcome::Replayed(_) => panic!("there was no key"),
        }
    }

    /// A bulk change that is small enough to be done at once.
    async fn now(&self, operation: Operation, ids: &[ContactId]) -> BulkResult {
        match self.bulk(operation, ids).await {
            Ok(BulkOutcome::Done(result)) => result,
            other => panic!("{other:?}"),
        }
    }

    /// A bulk change that is large enough to be a job.
    pub(crate) async fn job(&self, operation: Operation, ids: &[ContactId]) -> Job {
        match self.bulk(operation, ids).await {
            Ok(BulkOutcome::Accepted(job)) => job,
            other => panic!("{other:?}"),
        }
    }

    /// Makes contacts members, however many.
    async fn join(&self, group: GroupId, ids: &[ContactId]) {
        for some in ids.chunks(99) {
            self.now(Operation::AddTo(group), some).await;
        }
    }

    pub(crate) fn run_jobs(&self) -> RunJobs {
        RunJobs::new(self.units(), Arc::clone(&self.clock))
    }

    fn read(&self) -> ReadContacts {
        let (book, groups) = (self.units(), self.units());
        ReadContacts::new(book, groups, Arc::clone(&self.clock))
    }

    fn read_groups(&self) -> ReadGroups {
        ReadGroups::new(self.units())
    }

    /// All pages of a list, each as the ids on it.
    async fn pages(&self, query: &ContactQuery, limit: u32) -> Vec<Vec<ContactId>> {
        let (read, mut pages, mut cursor) = (self.read(), Vec::new(), None);
        loop {
            let page = read
                .page(self.workspace.id, query, limit, cursor.as_deref())
                .await
                .expect("a page");
            pages.push(page.items.iter().map(|it| it.contact.id).collect());
            let Some(next) = page.next else {
                return pages;
            };
            cursor = Some(next.encode());
        }
    }

    /// All of a list.
    async fn all(&self, query: &ContactQuery, limit: u32) -> Vec<ContactId> {
        self.pages(query, limit).await.concat()
    }

    /// The names a search finds, in the order of the list.
    async fn found(&self, search: &str) -> Vec<String> {
        let query = query(Sort::Name, Some(search), &[], None);
        let mut names = Vec::new();
        for id in self.all(&query, 10).await {
            let found = self.postgres.find_traced(self.workspace.id, id).await;
            names.push(found.expect("read").expect("there").0.name);
        }
        names
    }
}

fn query(sort: Sort, search: Option<&str>, tags: &[&str], group: Option<GroupId>) -> ContactQuery {
    let mut problems = msgflash_kernel::Problems::default();
    let query = ContactQuery::read(&mut problems, search, tags, group, sort);
    assert!(problems.0.is_empty(), "{problems:?}");
    query
}

fn search(raw: &str) -> Search {
    Search::parse(raw).expect("a search")
}

/// A search index that somebody dropped, or could never make.
async fn without_index(stage: &Stage) {
    let dropped = stage
        .session()
        .await
        .batch_execute("DROP INDEX IF EXISTS contacts_search")
        .await;
    dropped.expect("dropped");
}

/// Counters of a book against what they count.
async fn require_exact(stage: &Stage, book: &Book) {
    let session = stage.session().await;
    let wrong = "SELECT 'contacts' FROM address_books b WHERE b.workspace_id = $1::text::uuid \
           AND b.contacts <> (SELECT count(*) FROM contacts c \
                              WHERE c.workspace_id = b.workspace_id) \
         UNION ALL \
         SELECT 'groups' FROM address_books b WHERE b.workspace_id = $1::text::uuid \
           AND b.groups <> (SELECT count(*) FROM contact_groups g \
                            WHERE g.workspace_id = b.workspace_id) \
         UNION ALL \
         SELECT 'members of ' || g.name FROM contact_groups g \
         WHERE g.workspace_id = $1::text::uuid \
           AND g.contact_count <> (SELECT count(*) FROM contact_group_members m \
                                   WHERE m.group_id = g.id) \
         UNION ALL \
         SELECT 'strangers in ' || g.name FROM contact_groups g \
         JOIN contact_group_members m ON m.group_id = g.id \
         WHERE g.workspace_id = $1::text::uuid \
           AND NOT EXISTS (SELECT 1 FROM contacts c \
                           WHERE c.workspace_id = g.workspace_id AND c.id = m.contact_id) \
         UNION ALL \
         SELECT 'list of ' || coalesce(t.tag, u.tag) FROM ( \
           SELECT tag, contact_id FROM contact_tags WHERE workspace_id = $1::text::uuid) t \
         FULL JOIN ( \
           SELECT x.tag, c.id AS contact_id FROM contacts c, UNNEST(c.tags) AS x (tag) \
           WHERE c.workspace_id = $1::text::uuid) u \
           ON t.tag = u.tag AND t.contact_id = u.contact_id \
         WHERE t.tag IS NULL OR u.tag IS NULL \
         UNION ALL \
         SELECT 'count of ' || coalesce(n.tag, t.tag) FROM ( \
           SELECT tag, contacts FROM tag_counts WHERE workspace_id = $1::text::uuid) n \
         FULL JOIN ( \
           SELECT tag, count(*) AS contacts FROM contact_tags \
           WHERE workspace_id = $1::text::uuid GROUP BY tag) t ON t.tag = n.tag \
         WHERE n.contacts IS DISTINCT FROM t.contacts \
         UNION ALL \
         SELECT 'turn' FROM address_books b WHERE b.workspace_id = $1::text::uuid \
           AND (b.job_turn_at IS NULL) <> NOT EXISTS ( \
             SELECT 1 FROM contact_jobs j WHERE j.workspace_id = b.workspace_id \
               AND j.status IN ('pending', 'processing')) \
         UNION ALL \
         SELECT 'turn of imports' FROM address_books b WHERE b.workspace_id = $1::text::uuid \
           AND (b.import_turn_at IS NULL) <> NOT EXISTS ( \
             SELECT 1 FROM contact_imports i WHERE i.workspace_id = b.workspace_id \
               AND i.status IN ('pending', 'processing')) \
         UNION ALL \
         SELECT 'rows of an import that is ' || i.status FROM contact_imports i \
         WHERE i.workspace_id = $1::text::uuid \
           AND (i.imported + i.updated + i.skipped + i.invalid <> i.processed_rows \
             OR (i.status = 'done' AND i.processed_rows <> i.total_rows) \
             OR (i.status IN ('done', 'failed') AND EXISTS ( \
               SELECT 1 FROM contact_import_chunks k \
               WHERE k.import_id = i.id AND k.rows <> '[]')))";
    let id = book.workspace.id.to_string();
    let wrong = session.query(wrong, &[&id]).await.expect("a recount");
    let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
    assert!(wrong.is_empty(), "wrong: {wrong:?}");
}

/// No id twice.
fn require_distinct(ids: &[ContactId]) {
    let distinct: HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "some were met twice");
}
