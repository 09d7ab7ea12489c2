//! The endpoints of the API, and who may use each.
//!
//! The router, the documented table of roles, and the tests of permissions are all made from this one table.

use std::sync::Arc;

use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware,
    routing::{MethodRouter, on},
};

use super::{
    Api,
    access::{Access, Gate},
    auth, backups, explain, gateways, health, held, incoming, messages, openapi, opt_outs, ussd, webhooks,
};
use crate::config::{Role, Scope};

/// An endpoint.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    handler: MethodRouter<Arc<Api>>,
}

fn endpoint<H: Handler<T, Arc<Api>>, T: 'static>(
    method: Method,
    path: &'static str,
    access: Access,
    handler: H,
) -> Endpoint {
    // All methods of the table have a filter.
    let filter = method.clone().try_into().unwrap_or(axum::routing::MethodFilter::GET);
    Endpoint { method, path, access, handler: on(filter, handler) }
}

/// Returns all endpoints.
pub(super) fn all() -> Vec<Endpoint> {
    use Access::{Account, Either, Operator, Public};
    let (get, post) = (Method::GET, Method::POST);
    let (put, delete) = (Method::PUT, Method::DELETE);
    vec![
        endpoint(post.clone(), "/v1/messages", Account(Scope::Send), messages::accept),
        endpoint(get.clone(), "/v1/messages", Either(Scope::Read, Role::Read), messages::list),
        endpoint(get.clone(), "/v1/messages/{id}", Either(Scope::Read, Role::Read), messages::show),
        endpoint(delete.clone(), "/v1/messages/{id}", Account(Scope::Send), messages::cancel),
        endpoint(get.clone(), "/v1/incoming", Account(Scope::Read), incoming::list),
        endpoint(get.clone(), "/v1/opt-outs", Account(Scope::Read), opt_outs::list),
        endpoint(put, "/v1/opt-outs/{number}", Account(Scope::Send), opt_outs::add),
        endpoint(delete, "/v1/opt-outs/{number}", Account(Scope::Send), opt_outs::remove),
        endpoint(get.clone(), "/v1/gateways", Operator(Role::Read), gateways::list),
        endpoint(get.clone(), "/v1/gateways/{name}", Operator(Role::Read), gateways::show),
        endpoint(post.clone(), "/v1/gateways/{name}/pause", Operator(Role::Operator), gateways::pause),
        endpoint(post.clone(), "/v1/gateways/{name}/resume", Operator(Role::Operator), gateways::resume),
        endpoint(post.clone(), "/v1/gateways/{name}/drain", Operator(Role::Operator), gateways::drain),
        endpoint(post.clone(), "/v1/gateways/{name}/ports/{port}/ussd", Operator(Role::Operator), ussd::send),
        endpoint(get.clone(), "/v1/routes/explain", Operator(Role::Read), explain::explain),
        endpoint(post.clone(), "/v1/backups", Operator(Role::Admin), backups::create),
        endpoint(get.clone(), "/v1/held", Operator(Role::Read), held::list),
        endpoint(post.clone(), "/v1/held/release", Operator(Role::Operator), held::release),
        endpoint(post.clone(), "/v1/held/cancel", Operator(Role::Operator), held::cancel),
        endpoint(get.clone(), "/v1/webhooks", Operator(Role::Read), webhooks::list),
        endpoint(post.clone(), "/v1/webhooks/{name}/enable", Operator(Role::Operator), webhooks::enable),
        endpoint(
            get.clone(),
            "/v1/webhooks/{name}/dead-letters",
            Operator(Role::Read),
            webhooks::dead_letters,
        ),
        endpoint(post.clone(), "/v1/webhooks/{name}/retry", Operator(Role::Operator), webhooks::retry),
        endpoint(get.clone(), "/v1/openapi.json", Public, openapi::document),
        endpoint(get.clone(), "/metrics", Operator(Role::Read), health::metrics),
        endpoint(get.clone(), "/healthz", Public, health::healthz),
        endpoint(get, "/readyz", Public, health::readyz),
    ]
}

/// Returns the router of all endpoints. Each checks its caller before its handler reads anything of the request.
pub(super) fn router(api: &Arc<Api>) -> Router<Arc<Api>> {
    all().into_iter().fold(Router::new(), |router, endpoint| {
        let Endpoint { method, path, access, handler } = endpoint;
        let gate = Gate { api: Arc::clone(api), method, path, access };
        let checked = handler.route_layer(middleware::from_fn_with_state(gate, auth::check));
        router.route(path, checked)
    })
}
