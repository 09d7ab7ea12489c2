//! Routing: the pool that sends a message.

use crate::storage::{AccountId, PoolId};

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// The account that it is for; all accounts if it is `None`.
    pub account: Option<AccountId>,
    /// The beginning of the numbers that it is for.
    pub prefix: String,
    /// The pool.
    pub pool: PoolId,
}

/// The routes, in order.
#[derive(Clone, Debug, Default)]
pub struct Routes(pub Vec<Route>);

impl Route {
    /// Whether it fits a message.
    pub fn fits(&self, account: AccountId, number: &str) -> bool {
        self.account.is_none_or(|of| of == account) && number.starts_with(self.prefix.as_str())
    }
}

impl Routes {
    /// Returns the pool of the first route that fits a message; `None` if no route fits.
    pub fn pool(&self, account: AccountId, number: &str) -> Option<PoolId> {
        self.0.iter().find(|route| route.fits(account, number)).map(|route| route.pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_route_that_fits_decides() {
        let route = |account: Option<u32>, prefix: &str, pool| Route {
            account: account.map(AccountId),
            prefix: prefix.to_owned(),
            pool: PoolId(pool),
        };
        let routes = Routes(vec![route(Some(1), "+49", 1), route(None, "+49", 2), route(Some(1), "", 3)]);
        assert_eq!(routes.pool(AccountId(1), "+49151"), Some(PoolId(1)));
        assert_eq!(routes.pool(AccountId(2), "+49151"), Some(PoolId(2)));
        assert_eq!(routes.pool(AccountId(1), "+43"), Some(PoolId(3)));
        assert_eq!(routes.pool(AccountId(2), "+43"), None);
    }
}
