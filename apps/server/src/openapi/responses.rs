//! What every answer has in common: errors, and headers.

use actix_web::http::Method;
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{
    Content, ContentBuilder, Header, OpenApi as Document, Ref, RefOr, Required, Response,
    ResponseBuilder,
};

use crate::api::errors::{
    ErrorCode, PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS, TEMPLATE_CONTEXT_UNAVAILABLE, TEMPLATE_INVALID,
    TEMPLATE_VARIABLES_MISSING, VALIDATION_ERROR,
};
use crate::api::routes::Route;

/// Adds to one operation what its route says.
pub(super) fn complete(document: &mut Document, route: &Route) {
    let item = document.paths.paths.get_mut(route.path);
    let Some(operation) = item.and_then(|item| operation(item, &route.method)) else {
        return;
    };
    if let Some(RefOr::T(body)) = &mut operation.request_body
        && route.policy.spare_body
    {
        body.required = Some(Required::False);
    }
    operation
        .parameters
        .get_or_insert_default()
        .extend(parameters(route));
    for codes in route
        .codes()
        .chunk_by(|one, next| one.status == next.status)
    {
        let response = RefOr::T(refusal(codes));
        operation
            .responses
            .responses
            .insert(codes[0].status.to_string(), response);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            headers(response, status, route);
        }
    }
}

/// The operation of a method.
pub(super) fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

fn refusal(codes: &[ErrorCode]) -> Response {
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error")));
    for it in codes {
        let mut error = json!({ "code": it.code, "message": it.message });
        if let Some((field, code, message)) = problem(it) {
            error["details"] = json!([{ "field": field, "code": code, "message": message }]);
        }
        if *it == PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS {
            error["details"] = json!({ "teamIds": ["0197b3c0-3333-7000-8000-000000000003"] });
        }
        let example = ExampleBuilder::new()
            .value(Some(json!({ "error": error })))
            .build();
        content = content.examples_from_iter([(it.code, example)]);
    }
    let names: Vec<_> = codes.iter().map(|it| format!("`{}`", it.code)).collect();
    let content: Content = content.build();
    ResponseBuilder::new()
        .description(names.join(", "))
        .content("application/json", content)
        .build()
}

/// A problem a code comes with, if it comes with any.
fn problem(of: &ErrorCode) -> Option<(&'static str, &'static str, &'static str)> {
    match *of {
        VALIDATION_ERROR => Some(("to", "required", "Required")),
        TEMPLATE_INVALID => {
            let message = "A template of type image needs mediaUrl";
            Some(("mediaUrl", "required", message))
        }
        TEMPLATE_VARIABLES_MISSING => {
            let message = "No value for custom.code";
            Some(("custom.code", "missing_variable", message))
        }
        TEMPLATE_CONTEXT_UNAVAILABLE => {
            let message = "This contact does not exist here or cannot be used";
            Some(("contactId", "unavailable", message))
        }
        _ => None,
    }
}

fn headers(response: &mut Response, status: &str, route: &Route) {
    let mut add = |name: &str, header: Header| {
        response.headers.insert(name.to_owned(), RefOr::T(header));
    };
    add(
        "X-Request-Id",
        text("The id of this request: yours, if it has 1-128 of `A-Za-z0-9._-`"),
    );
    // A call without a good key has no window.
    if status != "401" {
        add("RateLimit-Limit", number("Requests per second of this key"));
        add(
            "RateLimit-Remaining",
            number("Requests left in this window"),
        );
        add(
            "RateLimit-Reset",
            number("Seconds until the window has room again"),
        );
    }
    if status == "429" || status == "503" {
        add(
            "Retry-After",
            number("Seconds until trying again makes sense"),
        );
    }
    if status == "409" && route.policy.once {
        add(
            "Retry-After",
            number("While the first request is still at work: seconds to wait"),
        );
    }
    if status.starts_with('2') && route.policy.once {
        add(
            "Idempotent-Replayed",
            text("`true` when this answer was given before"),
        );
    }
}

fn text(about: &str) -> Header {
    header(Type::String, about)
}

fn number(about: &str) -> Header {
    header(Type::Integer, about)
}

fn header(kind: Type, about: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(about))
        .build()
}

fn parameters(route: &Route) -> Vec<RefOr<Parameter>> {
    let given = |name: &str, schema: ObjectBuilder, about: &str| {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(schema.schema_type(Type::String).build()));
        RefOr::T(parameter.build())
    };
    // No limits in its schema: what is not kept to is not refused.
    let about = "Echoed, and kept in logs, if it has 1-128 of `A-Za-z0-9._-`; else the request gets \
        an id of ours";
    let mut parameters = vec![given("X-Request-Id", ObjectBuilder::new(), about)];
    if route.policy.once {
        let about = "An equal request with the same key within 24 hours gets the first answer \
            again; another request with it gets `409 CONFLICT`";
        let schema = ObjectBuilder::new()
            .min_length(Some(1))
            .max_length(Some(255))
            .pattern(Some("^[ -~]+$"));
        parameters.push(given("Idempotency-Key", schema, about));
    }
    parameters
}
