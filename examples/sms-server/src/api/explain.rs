//! Where a message would go, and why.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::{Api, gateways::Shown, number, params::Params, problem::Problem};
use crate::routes::Route;

/// The message in question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    to: String,
    account: String,
}

/// The explanation.
#[derive(Serialize)]
pub(super) struct Explanation {
    /// All routes, in order.
    routes: Vec<Candidate>,
    /// The pool of the first route that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<Arc<str>>,
    /// The gateways of the pool. One without obstacles would send the message now.
    gateways: Vec<Shown>,
}

/// A route.
#[derive(Serialize)]
struct Candidate {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Arc<str>>,
    prefix: String,
    pool: Arc<str>,
    /// Whether it fits the message.
    fits: bool,
    /// Whether it decides, as the first that fits.
    decides: bool,
}

impl Candidate {
    fn new(api: &Api, route: &Route, fits: bool, decides: bool) -> Self {
        Self {
            account: route.account.map(|account| api.names.of_account(account)),
            prefix: route.prefix.clone(),
            pool: api.names.of_pool(route.pool),
            fits,
            decides,
        }
    }
}

/// Explains where a message of an account to a number would go.
pub(super) async fn explain(
    State(api): State<Arc<Api>>,
    Params(asked): Params<Asked>,
) -> Result<Json<Explanation>, Problem> {
    let number = number::recipient(&asked.to)?;
    let account = api.account(&asked.account)?;
    let first = api.routes.0.iter().position(|route| route.fits(account, &number));
    let candidate = |(index, route): (usize, &Route)| {
        Candidate::new(&api, route, route.fits(account, &number), first == Some(index))
    };
    let routes = api.routes.0.iter().enumerate().map(candidate).collect();
    let pool = first.and_then(|index| api.routes.0.get(index)).map(|route| route.pool);
    let is_in_pool = |pools: &[_]| pool.is_some_and(|pool| pools.contains(&pool));
    let gateways = api.gateways.iter().filter(|(_, running)| is_in_pool(running.pools()));
    let gateways = gateways.map(|(id, running)| Shown::new(&api, *id, running)).collect();
    Ok(Json(Explanation { routes, pool: pool.map(|pool| api.names.of_pool(pool)), gateways }))
}
