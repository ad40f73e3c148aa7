//! The address book.
//!
//! `row` is what the others share. Changes are in `store`, `tags`, `groups`, `jobs` and `imports`; all
//! of them want the book's row held (`book`). Lists are walked in `page`, `members` and `group_pages` by the
//! rules of `walk`; `search` knows whether there is an index for what is looked for. `exports`
//! reads a book from end to end. `suppressions` are the opt-out lists, which are apart from the book.

mod book;
mod exports;
mod group_pages;
mod groups;
mod imports;
mod jobs;
mod members;
mod page;
mod row;
mod search;
mod store;
mod suppressions;
mod tags;
pub(crate) mod upkeep;
mod walk;

pub(crate) use row::workspace;
pub(crate) use search::Searches;
pub use search::{SearchIndex, ensure_search_index};
pub(crate) use suppressions::opted_out;
