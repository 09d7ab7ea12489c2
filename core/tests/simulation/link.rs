//! The link between the client and the gateway, which may lose any message.

use crate::{config::LinkConfig, rng::Rng};

/// The fate of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// Nothing was sent.
    NotSent,
    /// The request was lost.
    RequestLost,
    /// The gateway handled the request, but the response was lost.
    ResponseLost,
    /// The response was truncated, after this share of it in 256ths.
    Cut(u8),
    /// The gateway refused it.
    Refused,
    Whole,
}

#[derive(Debug)]
pub(crate) struct Link {
    config: LinkConfig,
    rng: Rng,
}

impl Link {
    pub(crate) const fn new(config: LinkConfig, rng: Rng) -> Self {
        Self { config, rng }
    }

    pub(crate) fn draw(&mut self, gateway_is_up: bool) -> Exchange {
        if !gateway_is_up {
            return if self.rng.below(2) == 0 { Exchange::NotSent } else { Exchange::RequestLost };
        }
        let share = self.rng.next() as u8;
        let fates = [
            (self.config.not_sent, Exchange::NotSent),
            (self.config.request_lost, Exchange::RequestLost),
            (self.config.response_lost, Exchange::ResponseLost),
            (self.config.cut, Exchange::Cut(share)),
            (self.config.refused, Exchange::Refused),
        ];
        let drawn = fates.into_iter().find(|(in_a_million, _)| self.rng.happens(*in_a_million));
        drawn.map_or(Exchange::Whole, |(_, exchange)| exchange)
    }

    /// Draws the latency in milliseconds.
    pub(crate) fn latency(&mut self) -> u64 {
        self.rng.between(2, 60)
    }

    /// Draws whether something rare happens, with a probability of 1/8. For example, a response lacks its task_id.
    pub(crate) fn toss(&mut self) -> bool {
        self.rng.below(8) == 0
    }

    /// Draws the error_code of a refusal.
    pub(crate) fn code(&mut self) -> u32 {
        self.rng.pick(&[400, 413, 500, 550])
    }
}
