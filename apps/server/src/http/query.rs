//! Query strings, read member by member like bodies.

use std::collections::HashMap;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{Ready, ready};
use url::form_urlencoded;

use super::field::Field;
use super::problem::Problem;

/// The members of a query. Of several with one name the last counts; unknown ones are ignored.
#[derive(Clone, Debug, Default)]
pub struct Query(HashMap<String, String>);

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
        self.0
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
            .into()
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
    }
}
