//! Query strings, read member by member like bodies.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{Ready, ready};
use url::form_urlencoded;

use super::check::Check;
use super::field::Field;
use super::problem::Problem;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// The members of a query. Of several with one name the last counts, unless all are asked for;
/// unknown ones are ignored.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    pub fn parse(raw: &str) -> Self {
        Self(
            form_urlencoded::parse(raw.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// One member. An empty one counts as left out, as forms send it.
    pub fn field(&self, name: &str) -> Field<String> {
        self.last(name).map(str::to_owned).into()
    }

    /// The `limit` of most lists: how many things a page has, 20 when nobody says, at most 100.
    pub fn limit(&self, check: &mut Check) -> u32 {
        check.count("limit", &self.field("limit"), DEFAULT_LIMIT, MAX_LIMIT)
    }

    /// The `cursor`, behind which a page begins.
    pub fn cursor(&self) -> Option<&str> {
        self.last("cursor")
    }

    /// Every value of a member that may come several times, without empty ones.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let all = self.0.iter().filter(|(known, _)| known == name);
        let values = all.map(|(_, value)| value.as_str());
        values.filter(|value| !value.is_empty()).collect()
    }

    fn last(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter().filter(|(known, _)| known == name);
        let last = all.next_back().map(|(_, value)| value.as_str());
        last.filter(|value| !value.is_empty())
    }
}

impl FromRequest for Query {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::parse(request.query_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_members_count_as_left_out() {
        let query = Query::parse("limit=&status=sent&status=read&to=%2B336");
        assert_eq!(query.field("limit"), Field::Absent);
        assert_eq!(query.field("status"), Field::Valid("read".into()));
        assert_eq!(query.field("to"), Field::Valid("+336".into()));
        assert_eq!(
            Query::parse("to=1&to=").field("to"),
            Field::Absent,
            "the last one counts"
        );
    }

    #[test]
    fn a_page_has_its_size_and_its_place() {
        let mut check = Check::default();
        let query = Query::parse("cursor=a&cursor=b&limit=100");
        assert_eq!((query.limit(&mut check), query.cursor()), (100, Some("b")));
        let query = Query::parse("cursor=&limit=");
        assert_eq!((query.limit(&mut check), query.cursor()), (20, None));
        check.finish().expect("nothing is wrong");
    }

    #[test]
    fn a_member_may_come_several_times() {
        let query = Query::parse("tag=vip&limit=1&tag=&tag=a%20b");
        assert_eq!(query.all("tag"), ["vip", "a b"]);
        assert!(query.all("tags").is_empty());
    }
}
