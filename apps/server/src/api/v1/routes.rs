//! Every route of the public API, in one table. Routing and the documented errors are made of it.

use std::collections::BTreeMap;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpMessage as _, Route as ActixRoute, web};

use super::contacts::{bulk, groups, jobs, members};
use super::errors::{
    self, BAD_REQUEST, CONFLICT, ErrorCode, FEATURE_NOT_AVAILABLE_ON_PLAN, FORBIDDEN,
    INVALID_DESTINATION, MAX_CONTACT_GROUPS_REACHED, MAX_WEBHOOK_ENDPOINTS_REACHED,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED, NOT_FOUND, PROVIDER_ERROR, PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE, TEMPLATE_CONTEXT_UNAVAILABLE, TEMPLATE_INVALID,
    TEMPLATE_VARIABLES_MISSING, UNSUPPORTED_FEATURE, VALIDATION_ERROR,
};
use super::policy::{self, Caller, Gate, Passage, Policy};
use super::webhooks::deliveries;
use super::{account, billing, contacts, instances, messages, templates, webhooks};
use crate::http::Problem;
use crate::http::shield::shield;
use crate::services::Services;

/// Where this surface lives.
pub const PREFIX: &str = "/api/v1";

/// One route.
pub struct Route {
    /// Method.
    pub method: Method,
    /// Full path, with `{parameters}`.
    pub path: &'static str,
    /// What it asks of its callers.
    pub policy: Policy,
    /// What its handler may answer beyond what the policy does.
    pub errors: &'static [ErrorCode],
    handler: fn() -> ActixRoute,
}

impl Route {
    /// Every code it may answer, each once, by status.
    pub fn codes(&self) -> Vec<ErrorCode> {
        let mut codes = errors::of_policy(&self.policy);
        codes.extend(self.errors);
        codes.sort_by_key(|it| (it.status, it.code));
        codes.dedup();
        codes
    }
}

/// A route without further conditions.
const fn open(route: &'static str) -> Policy {
    Policy {
        route,
        personal: false,
        usable: false,
        gate: None,
        body: false,
        spare_body: false,
        once: false,
    }
}

const fn personal(it: Policy) -> Policy {
    Policy {
        personal: true,
        ..it
    }
}

/// A route that creates something from a body, once per `Idempotency-Key`.
const fn creates(it: Policy) -> Policy {
    Policy {
        usable: true,
        body: true,
        once: true,
        ..it
    }
}

/// A route that changes something from a body.
const fn changes(it: Policy) -> Policy {
    Policy {
        usable: true,
        body: true,
        ..it
    }
}

/// A route that answers what a body asks, and changes nothing.
const fn asks(it: Policy) -> Policy {
    Policy { body: true, ..it }
}

/// The body of the route may be left out.
const fn spare(it: Policy) -> Policy {
    Policy {
        spare_body: true,
        ..it
    }
}

/// A route that deletes what a body names: whoever pays no more may still clear up.
const fn deletes(it: Policy) -> Policy {
    Policy { body: true, ..it }
}

/// A route that answers an equal request with the first answer.
const fn once(it: Policy) -> Policy {
    Policy { once: true, ..it }
}

/// A route that starts something without a body, once per `Idempotency-Key`.
const fn starts(it: Policy) -> Policy {
    Policy {
        usable: true,
        once: true,
        ..it
    }
}

const fn gated(it: Policy, gate: Gate) -> Policy {
    Policy {
        gate: Some(gate),
        ..it
    }
}

const SENDING: &[ErrorCode] = &[
    FEATURE_NOT_AVAILABLE_ON_PLAN,
    NOT_FOUND,
    FORBIDDEN,
    UNSUPPORTED_FEATURE,
    INVALID_DESTINATION,
    TEMPLATE_INVALID,
    TEMPLATE_CONTEXT_UNAVAILABLE,
    TEMPLATE_VARIABLES_MISSING,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED,
];
/// A malformed `Idempotency-Key` is a problem of a request without body, too.
const ON_REQUEST: &[ErrorCode] = &[VALIDATION_ERROR, NOT_FOUND, CONFLICT];
const LIVE: &[ErrorCode] = &[
    NOT_FOUND,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];

macro_rules! table {
    ($($method:ident $path:literal $handler:path, $policy:ident $(.$more:ident $(($gate:expr))?)*, $errors:expr;)*) => {
        vec![$(Route {
            method: Method::$method,
            path: concat!("/api/v1", $path),
            policy: {
                let it = $policy(concat!(stringify!($method), " /api/v1", $path));
                $(let it = $more(it $(, $gate)?);)*
                it
            },
            errors: $errors,
            handler: || web::route().to($handler),
        }),*]
    };
}

/// Every route.
pub fn table() -> Vec<Route> {
    table! {
        POST "/messages/send" messages::send, open.creates, SENDING;
        POST "/messages/schedule" messages::schedule, open.creates, SENDING;
        GET "/messages" messages::list, open, &[VALIDATION_ERROR];
        GET "/messages/{id}" messages::read, open, &[NOT_FOUND];
        POST "/messages/{id}/cancel" messages::cancel, open, &[NOT_FOUND, BAD_REQUEST];

        GET "/instances" instances::list, open, &[];
        GET "/instances/{id}" instances::read, open, &[NOT_FOUND];
        GET "/instances/{id}/state" instances::state, open, LIVE;
        GET "/instances/{id}/health" instances::health, open, &[NOT_FOUND];

        GET "/templates" templates::list, open, &[VALIDATION_ERROR];
        POST "/templates" templates::create, open.creates, &[TEMPLATE_INVALID];
        GET "/templates/{id}" templates::read, open, &[NOT_FOUND];
        PUT "/templates/{id}" templates::revise, open.changes.spare,
            &[NOT_FOUND, TEMPLATE_INVALID];
        DELETE "/templates/{id}" templates::delete, open, &[NOT_FOUND];
        POST "/templates/{id}/preview" templates::preview, open.asks.spare,
            &[NOT_FOUND, TEMPLATE_INVALID, TEMPLATE_CONTEXT_UNAVAILABLE];
        GET "/contacts" contacts::list, open, &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts" contacts::create, open.creates, &[];
        GET "/contacts/{id}" contacts::read, open, &[NOT_FOUND];
        PUT "/contacts/{id}" contacts::change, open.changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/{id}" contacts::delete, open, &[NOT_FOUND];
        GET "/contacts/{id}/groups" groups::of_contact, open, &[NOT_FOUND];
        POST "/contacts/bulk-delete" bulk::delete, open.deletes.once, &[];
        GET "/contacts/bulk-jobs" jobs::list, open, &[VALIDATION_ERROR];
        GET "/contacts/bulk-jobs/{jobId}" jobs::read, open, &[NOT_FOUND];
        GET "/contacts/bulk-jobs/{jobId}/progress" jobs::progress, open, &[NOT_FOUND];
        POST "/contacts/bulk-jobs/{jobId}/cancel" jobs::cancel, open, &[NOT_FOUND, CONFLICT];
        GET "/contacts/groups" groups::list, open, &[VALIDATION_ERROR];
        POST "/contacts/groups" groups::create, open.creates, &[MAX_CONTACT_GROUPS_REACHED];
        GET "/contacts/groups/{groupId}" groups::read, open, &[NOT_FOUND];
        PUT "/contacts/groups/{groupId}" groups::change, open.changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/groups/{groupId}" groups::delete, open, &[NOT_FOUND];
        GET "/contacts/groups/{groupId}/members" members::list, open,
            &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts/groups/{groupId}/members" members::add, open.creates, &[NOT_FOUND];
        DELETE "/contacts/groups/{groupId}/members" members::remove, open.deletes, &[NOT_FOUND];

        GET "/webhooks" webhooks::list, open, &[];
        POST "/webhooks" webhooks::create, open.creates.gated(Gate::Webhooks),
            &[MAX_WEBHOOK_ENDPOINTS_REACHED];
        GET "/webhooks/{id}" webhooks::read, open, &[NOT_FOUND];
        PATCH "/webhooks/{id}" webhooks::change, open.changes, &[NOT_FOUND];
        DELETE "/webhooks/{id}" webhooks::delete, open, &[NOT_FOUND];
        POST "/webhooks/{id}/rotate-secret" webhooks::rotate, open.starts, ON_REQUEST;
        POST "/webhooks/{id}/test" deliveries::test,
            open.starts.gated(Gate::Webhooks), ON_REQUEST;
        POST "/webhooks/{id}/recover" deliveries::recover,
            open.creates.gated(Gate::Webhooks), ON_REQUEST;
        GET "/webhooks/{id}/deliveries" deliveries::list, open, &[NOT_FOUND, VALIDATION_ERROR];
        GET "/webhooks/{id}/deliveries/{deliveryId}" deliveries::read, open, &[NOT_FOUND];
        POST "/webhooks/{id}/deliveries/{deliveryId}/redeliver" deliveries::redeliver,
            open.starts.gated(Gate::Webhooks), ON_REQUEST;

        GET "/me" account::me, open.personal, &[];
        GET "/usage" account::usage, open.personal, &[];
        GET "/billing/plans" billing::plans, open, &[];
        GET "/billing/subscription" billing::subscription, open.personal, &[];
        GET "/billing/usage" billing::usage, open.personal, &[];
        GET "/billing/payments" billing::payments, open.personal, &[VALIDATION_ERROR];
    }
}

/// The routes of each path, in the order in which paths are tried.
fn paths() -> Vec<(&'static str, Vec<Route>)> {
    let mut paths: BTreeMap<&'static str, Vec<Route>> = BTreeMap::new();
    for route in table() {
        paths.entry(route.path).or_default().push(route);
    }
    let mut paths: Vec<_> = paths.into_iter().collect();
    // A fixed segment is matched before a parameter in its place. Of two paths with as many
    // parameters the map gives that one first whose fixed segment comes first: braces sort last.
    paths.sort_by_key(|(path, _)| path.matches('{').count());
    paths
}

/// Makes the table reachable: one resource per path, so that a known path with another method is
/// told apart from an unknown one before any key is looked at.
pub fn configure(config: &mut web::ServiceConfig) {
    for (path, routes) in paths() {
        let allow: Vec<_> = routes
            .iter()
            .map(|route| route.method.to_string())
            .collect();
        let mut resource = web::resource(path).default_service(refuse_method(allow.join(", ")));
        for route in routes {
            let policy = route.policy;
            let guarded = (route.handler)()
                .method(route.method)
                .wrap(from_fn(move |request, next| guard(policy, request, next)))
                .wrap(from_fn(shield));
            resource = resource.route(guarded);
        }
        config.service(resource);
    }
}

/// The answer for a known path with a method it does not know.
pub fn refuse_method(allow: String) -> ActixRoute {
    web::to(move || {
        let problem = Problem::method_not_allowed(allow.clone());
        async move { Err::<actix_web::HttpResponse, _>(problem) }
    })
}

async fn guard(
    policy: Policy,
    mut request: ServiceRequest,
    next: Next<actix_web::body::BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    let services = policy::services(&request)?;
    match policy::admit(policy, &services, &mut request).await? {
        Passage::Go => repeated(&services, next.call(request).await?).await,
        Passage::Answer(answer) => Ok(request.into_response(answer)),
    }
}

/// A request that is refused now and was accepted before gets its first answer.
async fn repeated(
    services: &Services,
    response: ServiceResponse,
) -> Result<ServiceResponse, actix_web::Error> {
    if response.status().is_success() {
        return Ok(response);
    }
    let key = {
        let extensions = response.request().extensions();
        let caller = extensions.get::<Caller>();
        caller.and_then(Caller::replay_key).cloned()
    };
    let Some(key) = key else { return Ok(response) };
    Ok(match policy::replayed(services, &key).await? {
        Some(answer) => response.into_response(answer),
        None => response,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_route_is_its_method_and_path() {
        for route in table() {
            assert_eq!(
                route.policy.route,
                format!("{} {}", route.method, route.path)
            );
            assert!(route.path.starts_with(PREFIX));
        }
    }

    /// Their body asks and changes nothing.
    const ASKING: [&str; 1] = ["POST /api/v1/templates/{id}/preview"];
    /// Their body names what is to be deleted.
    const DELETING: [&str; 2] = [
        "POST /api/v1/contacts/bulk-delete",
        "DELETE /api/v1/contacts/groups/{groupId}/members",
    ];

    #[test]
    fn fixed_segments_win_over_parameters() {
        let paths = paths();
        let at = |path: &str| {
            let path = format!("/api/v1/contacts{path}");
            paths.iter().position(|it| it.0 == path).expect("a route")
        };
        for (fixed, parameter) in [
            ("/bulk-jobs", "/{id}"),
            ("/bulk-delete", "/{id}"),
            ("/groups", "/{id}"),
            ("/groups/{groupId}", "/{id}/groups"),
            ("/bulk-jobs/{jobId}", "/{id}/groups"),
        ] {
            assert!(at(fixed) < at(parameter), "{fixed}");
        }
    }

    #[test]
    fn creating_and_changing_need_a_usable_subscription_and_reading_never_does() {
        for route in table() {
            let asks = ASKING.contains(&route.policy.route);
            let deletes = DELETING.contains(&route.policy.route);
            assert_eq!(
                route.policy.usable,
                !asks && !deletes && (route.policy.body || route.policy.once),
                "{}",
                route.policy.route
            );
            assert!(
                route.policy.method_may_write(&route.method),
                "{}",
                route.policy.route
            );
        }
    }

    impl Policy {
        fn method_may_write(&self, method: &Method) -> bool {
            !self.usable || [Method::POST, Method::PUT, Method::PATCH].contains(method)
        }
    }
}
