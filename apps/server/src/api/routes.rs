//! Routes, and how a table of them becomes reachable. Routing and the documented errors are made of
//! the same table.

use std::collections::BTreeMap;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpMessage as _, Route as ActixRoute, web};
use msgflash_teams::Action;

use super::admit::{self, Passage};
use super::errors::{self, ErrorCode};
use super::policy::{Access, Caller, Gate, Policy};
use super::{console, v1};
use crate::http::Problem;
use crate::http::shield::shield;
use crate::services::Services;

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
    pub(super) handler: fn() -> ActixRoute,
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
pub(super) const fn open(route: &'static str) -> Policy {
    Policy {
        route,
        access: Access::Key,
        does: None,
        personal: false,
        usable: false,
        gate: None,
        body: false,
        form: false,
        raw: false,
        small_body: false,
        spare_body: false,
        once: false,
        rehearsed: false,
    }
}

pub(super) const fn personal(it: Policy) -> Policy {
    Policy {
        personal: true,
        ..it
    }
}

/// A route that creates something from a body, once per `Idempotency-Key`.
pub(super) const fn creates(it: Policy) -> Policy {
    Policy {
        usable: true,
        body: true,
        once: true,
        ..it
    }
}

/// A route that changes something from a body.
pub(super) const fn changes(it: Policy) -> Policy {
    Policy {
        usable: true,
        body: true,
        ..it
    }
}

/// A route that answers what a body asks, and changes nothing.
pub(super) const fn asks(it: Policy) -> Policy {
    Policy { body: true, ..it }
}

/// The body of the route may be left out.
pub(super) const fn spare(it: Policy) -> Policy {
    Policy {
        spare_body: true,
        ..it
    }
}

/// A route that deletes what a body names: whoever pays no more may still clear up.
pub(super) const fn deletes(it: Policy) -> Policy {
    Policy { body: true, ..it }
}

/// A route that answers an equal request with the first answer.
pub(super) const fn once(it: Policy) -> Policy {
    Policy { once: true, ..it }
}

/// A route that starts something without a body, once per `Idempotency-Key`.
pub(super) const fn starts(it: Policy) -> Policy {
    Policy {
        usable: true,
        once: true,
        ..it
    }
}

/// A route that changes something without a body.
pub(super) const fn usable(it: Policy) -> Policy {
    Policy { usable: true, ..it }
}

/// A route that can be asked what it would do.
pub(super) const fn rehearsed(it: Policy) -> Policy {
    Policy {
        rehearsed: true,
        ..it
    }
}

/// What the route does, for the table of who may do what.
pub(super) const fn does(it: Policy, action: Action) -> Policy {
    Policy {
        does: Some(action),
        ..it
    }
}

pub(super) const fn gated(it: Policy, gate: Gate) -> Policy {
    Policy {
        gate: Some(gate),
        ..it
    }
}

/// A table of routes under a prefix. After each handler stands what the route asks of its callers:
/// where it begins, and what is added to that.
macro_rules! routes {
    ($prefix:literal; $($method:ident $path:literal $handler:path, $policy:ident $(.$more:ident $(($gate:expr))?)*, $errors:expr;)*) => {
        vec![$($crate::api::routes::Route {
            method: Method::$method,
            path: concat!($prefix, $path),
            policy: {
                let it = $policy(concat!(stringify!($method), " ", $prefix, $path));
                $(let it = $more(it $(, $gate)?);)*
                it
            },
            errors: $errors,
            handler: || web::route().to($handler),
        }),*]
    };
}

pub(super) use routes;

/// Every route of every surface.
pub fn table() -> Vec<Route> {
    let mut routes = v1::routes::table();
    routes.extend(console::routes::table());
    routes
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
    let services = admit::services(&request)?;
    match admit::admit(policy, &services, &mut request).await? {
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
    Ok(match admit::replayed(services, &key).await? {
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
            assert!(route.path.starts_with("/api/"));
        }
    }

    /// Their body asks and changes nothing.
    const ASKING: [&str; 2] = [
        "POST /api/v1/templates/{id}/preview",
        "POST /api/templates/{id}/preview",
    ];
    /// Their body names what is to be deleted.
    const DELETING: [&str; 4] = [
        "POST /api/v1/contacts/bulk-delete",
        "DELETE /api/v1/contacts/groups/{groupId}/members",
        "DELETE /api/contacts/bulk",
        "DELETE /api/contacts/groups/{groupId}/members",
    ];
    /// Whoever's subscription is over buys one.
    const BUYING: &str = "POST /api/billing/checkout";
    /// They start something without a body, and are not repeated under a key.
    const STARTING: [&str; 10] = [
        "POST /api/teams/{teamId}/invitations/{invitationId}/resend",
        "POST /api/instances/{id}/restart",
        "POST /api/v1/campaigns/{id}/resume",
        "PATCH /api/v1/campaigns/{id}/resume",
        "POST /api/campaigns/{id}/resume",
        "PATCH /api/campaigns/{id}/resume",
        "POST /api/campaigns/{id}/retry-failed",
        "POST /api/webhooks/{id}/rotate-secret",
        "POST /api/webhooks/{id}/test",
        "POST /api/webhooks/{id}/deliveries/{deliveryId}/redeliver",
    ];

    /// It needs a plan that has teams.
    const MAKES_A_TEAM: &str = "POST /api/teams";

    /// They act in no workspace: the plans that are offered are the same for everybody.
    const NOWHERE: [&str; 1] = ["GET /api/v1/billing/plans"];

    #[test]
    fn whatever_acts_in_a_workspace_is_in_the_table_of_who_may_do_what() {
        for route in table() {
            let Policy {
                access,
                does,
                personal,
                route,
                ..
            } = route.policy;
            let acts = match access {
                Access::Key => !personal && !NOWHERE.contains(&route),
                Access::Session | Access::Team => true,
                Access::Person | Access::Anyone => false,
            };
            assert_eq!(does.is_some(), acts, "{route}");
        }
    }

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
            let asks = ASKING.contains(&route.policy.route) || route.policy.route == BUYING;
            let deletes = DELETING.contains(&route.policy.route);
            let starts = STARTING.contains(&route.policy.route) || route.policy.once;
            // What is about people themselves has nothing to do with their plan.
            let anonymous = matches!(route.policy.access, Access::Anyone | Access::Person)
                && route.policy.route != MAKES_A_TEAM;
            assert_eq!(
                route.policy.usable,
                !asks
                    && !deletes
                    && !anonymous
                    && (route.policy.body || route.policy.form || starts),
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
