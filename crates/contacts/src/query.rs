//! Which contacts are listed, and in which order.

use msgflash_kernel::Problems;

use crate::contact::ContactId;
use crate::group::GroupId;
use crate::list::Place;
use crate::rules;
use crate::search::Search;

/// How many tags may be asked for at once.
pub const MAX_TAGS_ASKED: usize = 10;

/// The order of a list of contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// By name, as it is folded.
    Name,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 2] = [Self::Newest, Self::Name];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "createdAt_desc",
            Self::Name => "name_asc",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == word)
    }
}

/// Which contacts are listed, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactQuery {
    /// Name or number contains this.
    pub search: Option<Search>,
    /// They have all of these tags; sorted, each once.
    pub tags: Vec<String>,
    /// They are members of this group.
    pub group: Option<GroupId>,
    /// The order.
    pub sort: Sort,
}

impl ContactQuery {
    /// Reads what was asked for. Everything wrong is noted, under `search` and `tag`.
    pub fn read<T: AsRef<str>>(
        problems: &mut Problems,
        search: Option<&str>,
        tags: &[T],
        group: Option<GroupId>,
        sort: Sort,
    ) -> Self {
        let search = search.and_then(|raw| rules::noted(problems, "search", Search::parse(raw)));
        let mut asked: Vec<String> = tags
            .iter()
            .filter_map(|raw| rules::noted(problems, "tag", rules::tag(raw.as_ref())))
            .collect();
        asked.sort_unstable();
        asked.dedup();
        if asked.len() > MAX_TAGS_ASKED {
            let message = format!("Ask for at most {MAX_TAGS_ASKED} tags");
            problems.add("tag", "length", message);
        }
        Self {
            search,
            tags: asked,
            group,
            sort,
        }
    }

    /// Names the list this query makes, for its cursors.
    pub(crate) fn scope(&self) -> String {
        let mut scope = format!("contacts|sort={}", self.sort.as_str());
        // Quoted: a tag may contain whatever parts the members here.
        let mut add = |name: &str, value: &str| scope.extend(["|", name, "=", value]);
        if let Some(search) = &self.search {
            add("search", &format!("{:?}", search.terms()));
        }
        for tag in &self.tags {
            add("tag", &format!("{tag:?}"));
        }
        if let Some(group) = self.group {
            add("group", &group.to_string());
        }
        scope
    }
}

/// A place in a list of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactPlace {
    /// After this contact, in a list of the newest.
    Newest(ContactId),
    /// After this key and contact, in a list by name.
    Name(String, ContactId),
}

impl ContactPlace {
    /// The list it belongs to.
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Newest(_) => Sort::Newest,
            Self::Name(..) => Sort::Name,
        }
    }

    /// The contact.
    pub const fn contact(&self) -> ContactId {
        match self {
            Self::Newest(id) | Self::Name(_, id) => *id,
        }
    }
}

impl Place for ContactPlace {
    fn write(&self) -> String {
        match self {
            Self::Newest(id) => id.to_string(),
            Self::Name(key, id) => format!("{id} {key}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None => ContactId::parse(text).map(Self::Newest),
            // What folding never makes was made up, and the database may not take it.
            Some((_, key)) if key.contains(char::is_control) => None,
            Some((id, key)) => Some(Self::Name(key.to_owned(), ContactId::parse(id)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use uuid::Uuid;

    use super::*;

    fn read(search: Option<&str>, tags: &[&str]) -> (ContactQuery, Vec<(String, &'static str)>) {
        let mut problems = Problems::default();
        let query = ContactQuery::read(&mut problems, search, tags, None, Sort::Newest);
        let told = problems.0.into_iter().map(|it| (it.field, it.code));
        (query, told.collect())
    }

    #[test]
    fn lists_that_differ_have_different_scopes() {
        let queries = [
            read(None, &[]).0,
            read(Some("a"), &[]).0,
            read(None, &["a"]).0,
            read(None, &["a", "b"]).0,
            read(None, &["a\"|tag=\"b"]).0,
            ContactQuery {
                group: Some(Id::new(Uuid::nil())),
                ..ContactQuery::default()
            },
            ContactQuery {
                sort: Sort::Name,
                ..ContactQuery::default()
            },
        ];
        let scopes: std::collections::HashSet<_> =
            queries.iter().map(ContactQuery::scope).collect();
        assert_eq!(scopes.len(), queries.len());
    }

    #[test]
    fn the_same_list_asked_for_in_other_words_has_the_same_scope() {
        let one = read(Some("Élo"), &["b", "a"]).0;
        let other = read(Some(" elo "), &["a", "b ", "a"]).0;
        assert_eq!(one.scope(), other.scope());
    }

    #[test]
    fn everything_wrong_with_a_query_is_told_at_once() {
        let many: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        let mut tags: Vec<&str> = many.iter().map(String::as_str).collect();
        tags.push(" ");
        let (_, told) = read(Some(" "), &tags);
        let told: Vec<_> = told.iter().map(|(field, code)| (&**field, *code)).collect();
        assert_eq!(
            told,
            [
                ("search", "too_short"),
                ("tag", "too_short"),
                ("tag", "length")
            ]
        );
    }

    #[test]
    fn places_survive_the_trip() {
        let id = Id::new(Uuid::from_u128(7));
        for place in [
            ContactPlace::Newest(id),
            ContactPlace::Name("lina moreau; the 2nd".into(), id),
            ContactPlace::Name(String::new(), id),
        ] {
            assert_eq!(ContactPlace::read(&place.write()), Some(place));
        }
        assert_eq!(ContactPlace::read("lina"), None);
        assert_eq!(ContactPlace::read(&format!("{id} a\0b")), None);
    }
}
