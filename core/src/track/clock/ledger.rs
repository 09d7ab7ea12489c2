//! Checks for each port whether the gateway's list of results shows the messages of all programs.
//!
//! Each port increments its reference by one for each segment, whichever program sends it. If the listed segments account for every
//! increment, no message is missing from the list. A gateway that shows no other program's message may hide such messages. Its list
//! proves nothing, because a hidden message may have been sent before the first listed one.
//!
//! The first list is assumed to be complete. A gateway that restarted shortly before has forgotten older messages of other programs, but
//! its list shows no gap. A late report of a forgotten message may then be assigned to a message with the same number and reference.

use super::{
    GatewaySeconds, PER_SECOND, Tick,
    ports::{IS_SMALL, PORTS, place_of},
};

/// The number of ports whose references are checked; 0 on microcontrollers, which have no memory for other programs' messages.
const LISTED: usize = if IS_SMALL { 0 } else { PORTS };

/// The seconds by which the first list reaches back: 80 h. A report may be 75 h late, and the last look without it may have
/// been up to 5 h before the list.
const REACH: u32 = 80 * 3600;

/// The seconds by which a list reaches back before the latest send time of the previous list. Messages that were still being sent at the
/// previous list were not counted, and must be listed again.
const OVERLAP: u32 = 600;

/// The maximum number of references that failed messages may have used without the list showing these references.
const MAX_SLACK: u8 = 3;

/// The maximum number of consecutive lists whose responses are incomplete. After these, reports no longer wait for a list.
const MAX_ATTEMPTS: u8 = 4;

/// The ticks after which the list is requested again if it has never shown another program's message: 4 h.
const AGAIN: u32 = 4 * 3600 * PER_SECOND;

/// The state of one port in the list.
#[derive(Clone, Copy, Debug)]
struct Page {
    /// The time since which all messages of the port are listed.
    since: Tick,
    /// The reference after the last counted segment; `None` before the first count.
    expected: Option<u8>,
    /// Of the messages not yet counted: the earliest and the latest send time, the first reference of the earliest message, and the
    /// reference after the last segment of the latest message.
    first_sent: u32,
    last_sent: u32,
    first: u8,
    next: u8,
    /// Of the messages not yet counted: the number of segments, modulo 256, and the number of failed messages.
    segments: u8,
    failures: u8,
    has_news: bool,
}

/// The state of the gateway's list of results.
#[derive(Debug)]
pub(in crate::track) struct Ledger {
    pages: [Page; LISTED],
    /// When the latest complete list was requested.
    listed: Option<Tick>,
    /// When the latest list was requested.
    begun: Tick,
    /// The latest send time in complete lists.
    reached: u32,
    /// The latest send time in the list under way.
    seen: u32,
    /// Whether a message of another program was listed.
    shows_others: bool,
    is_wanted: bool,
    attempts: u8,
}

impl Page {
    const NEW: Self = Self {
        since: Tick::ZERO,
        expected: None,
        first_sent: u32::MAX,
        last_sent: 0,
        first: 0,
        next: 0,
        segments: 0,
        failures: 0,
        has_news: false,
    };

    /// Counts the new messages of a complete list that was requested at `begun`. A gap in the references sets `since` to `begun`.
    fn count(&mut self, begun: Tick) {
        if self.has_news {
            let expected = self.expected.unwrap_or(self.first).wrapping_add(self.segments);
            if self.next.wrapping_sub(expected) > self.failures.min(MAX_SLACK) {
                self.since = begun;
            }
            let Self { since, last_sent, next, .. } = *self;
            *self = Self { since, expected: Some(next), last_sent, next, ..Self::NEW };
        }
    }
}

impl Ledger {
    pub(in crate::track) const NEW: Self = Self {
        pages: [Page::NEW; LISTED],
        listed: None,
        begun: Tick::ZERO,
        reached: 0,
        seen: 0,
        shows_others: false,
        is_wanted: false,
        attempts: 0,
    };

    /// Notes that the gateway's clock jumped. The next list then reaches back as far as the first one.
    pub(in crate::track) fn clock_jumped(&mut self) {
        self.reached = 0;
    }

    /// Returns whether a new list may show that a report is not another program's. The report had not arrived at `absent`, and was first
    /// seen at `seen`.
    pub(in crate::track) fn may_tell(
        &self,
        port: u8,
        absent: Tick,
        seen: Tick,
        late: u32,
        now: Tick,
    ) -> bool {
        match self.listed {
            _ if IS_SMALL || self.attempts >= MAX_ATTEMPTS => false,
            None => true,
            Some(listed) if !self.shows_others => listed.ago(now) > AGAIN,
            Some(listed) => !seen.is_due(listed) && self.covers(port, absent, late),
        }
    }

    /// Returns whether the list shows that a report does not belong to an unlisted message of another program.
    pub(in crate::track) fn tells(&self, port: u8, absent: Tick, seen: Tick, late: u32) -> bool {
        let is_listed = self.listed.is_some_and(|listed| seen.is_due(listed));
        !IS_SMALL && is_listed && self.shows_others && self.covers(port, absent, late)
    }

    /// Returns whether all messages of the last `late` ticks before `absent` are listed.
    fn covers(&self, port: u8, absent: Tick, late: u32) -> bool {
        self.pages.get(place_of(port)).is_some_and(|page| page.since.ago(absent) > late)
    }

    /// The ticks for which a listed message must be remembered: the time by which the first list reaches back.
    pub(in crate::track) const NEEDED_FOR: u32 = REACH * PER_SECOND;

    /// Whether lists are requested at all.
    pub(in crate::track) const IS_USED: bool = !IS_SMALL;

    /// Notes that a list should be requested soon.
    pub(in crate::track) fn want(&mut self) {
        self.is_wanted = Self::IS_USED;
    }

    pub(in crate::track) fn is_wanted(&self) -> bool {
        Self::IS_USED && self.is_wanted
    }

    /// Returns the time after which the next list shows results. `reading` is the latest known time of the gateway's clock.
    pub(in crate::track) fn after(&self, reading: GatewaySeconds) -> GatewaySeconds {
        match self.reached {
            0 => reading.minus(REACH),
            reached => GatewaySeconds::saturating(reached.saturating_sub(OVERLAP)),
        }
    }

    /// Notes that a new list is requested.
    pub(in crate::track) fn begin(&mut self, now: Tick) {
        if self.listed.is_none() {
            let since = now.earlier(Self::NEEDED_FOR);
            let is_first = self.attempts == 0;
            // A message that an incomplete list lacks may be missing from the next list too, so a repeated list never moves `since` back.
            self.pages
                .iter_mut()
                .for_each(|page| page.since = if is_first { since } else { page.since.max(since) });
        }
        (self.begun, self.seen, self.is_wanted) = (now, self.reached, false);
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Notes a message that the list under way shows for the first time: its port, first reference and number of segments.
    pub(in crate::track) fn note(
        &mut self,
        (port, reference, segments): (u8, u8, u8),
        sent: u32,
        is_own: bool,
    ) {
        self.shows_others |= !is_own;
        self.seen = self.seen.max(sent);
        let Some(page) = self.pages.get_mut(place_of(port)) else { return };
        if sent < page.first_sent {
            (page.first_sent, page.first) = (sent, reference);
        }
        if sent >= page.last_sent {
            (page.last_sent, page.next) = (sent, reference.wrapping_add(segments));
        }
        page.segments = page.segments.wrapping_add(segments);
        page.has_news = true;
    }

    /// Notes a failed message that the list shows for the first time.
    pub(in crate::track) fn note_failure(&mut self, port: u8) {
        if let Some(page) = self.pages.get_mut(place_of(port)) {
            page.failures = page.failures.saturating_add(1);
        }
    }

    /// Notes that data of another program's listed message is missing. The list then proves nothing about messages sent before `now`.
    pub(in crate::track) fn lose(&mut self, now: Tick) {
        self.pages.iter_mut().for_each(|page| page.since = now);
    }

    /// Ends a complete list.
    pub(in crate::track) fn complete(&mut self) {
        self.pages.iter_mut().for_each(|page| page.count(self.begun));
        (self.listed, self.reached, self.attempts) = (Some(self.begun), self.seen, 0);
    }
}

#[cfg(all(test, not(sms_gateway_small)))]
mod tests {
    use super::*;

    const LATE: u32 = 75 * 3600 * PER_SECOND;
    const HOUR: u32 = 3600 * PER_SECOND;

    /// Lists messages of port 3, each given by its first reference, number of segments and send time in seconds.
    fn list(ledger: &mut Ledger, at: u32, messages: &[(u8, u8, u32)], is_own: bool) {
        ledger.begin(Tick::new(at));
        for (reference, segments, sent) in messages {
            ledger.note((3, *reference, *segments), *sent, is_own);
        }
        ledger.complete();
    }

    fn tells(ledger: &Ledger, absent: u32, seen: u32) -> bool {
        ledger.tells(3, Tick::new(absent), Tick::new(seen), LATE)
    }

    #[test]
    fn a_list_without_a_gap_shows_all_messages_from_80_hours_before_it() {
        let mut ledger = Ledger::NEW;
        let at = 100 * HOUR;
        assert!(
            ledger.may_tell(3, Tick::new(at), Tick::new(at), LATE, Tick::new(at)) && !tells(&ledger, at, at)
        );
        // The messages are listed in no order.
        list(&mut ledger, at, &[(1, 3, 1200), (254, 2, 1000), (0, 1, 1100)], false);
        assert!(
            tells(&ledger, at, at) && !tells(&ledger, at, at + 1),
            "it may have been sent after the list"
        );
        assert!(tells(&ledger, at - 4 * HOUR, at) && !tells(&ledger, at - 5 * HOUR, at));
        // The next list begins shortly before the latest send time of the last one.
        list(&mut ledger, at + HOUR, &[(4, 1, 1300)], true);
        assert!(tells(&ledger, at, at + HOUR));
        assert_eq!(ledger.after(GatewaySeconds::saturating(9_000)).get(), 700);
        assert_eq!(Ledger::NEW.after(GatewaySeconds::saturating(300_000)).get(), 300_000 - 80 * 3600);
    }

    #[test]
    fn a_gap_shows_that_messages_are_hidden() {
        let at = 100 * HOUR;
        for (messages, failures, expected) in [
            (&[(10, 1, 1000), (12, 1, 1200)][..], 0, false),
            (&[(10, 1, 1000), (12, 1, 1200)], 1, true),
            (&[(10, 1, 1000), (13, 1, 1200)], 1, false),
            (&[(10, 1, 1000), (14, 1, 1200)], 3, true),
            (&[(10, 1, 1000), (14, 1, 1200)], 2, false),
            (&[(10, 1, 1000), (15, 1, 1200)], 9, false),
            (&[(10, 1, 1000), (10, 1, 1200)], 0, false),
            (&[(10, 1, 1000), (0, 1, 1200)], 0, false),
        ] {
            let mut ledger = Ledger::NEW;
            (0..failures).for_each(|_| ledger.note_failure(3));
            list(&mut ledger, at, messages, false);
            assert_eq!(tells(&ledger, at, at), expected, "{messages:?}, {failures} failures");
            // A gap no longer matters when it is longer ago than reports can be late.
            list(&mut ledger, at + 76 * HOUR, &[], false);
            assert!(tells(&ledger, at + 76 * HOUR, at + 76 * HOUR));
        }
        let mut ledger = Ledger::NEW;
        list(&mut ledger, at, &[(10, 1, 1000)], false);
        list(&mut ledger, at + 1, &[(12, 1, 1100)], false);
        assert!(!tells(&ledger, at, at), "between two lists");
        ledger.lose(Tick::new(at));
        assert!(!tells(&ledger, at, at));
    }

    #[test]
    fn a_later_list_may_tell_of_a_report_seen_since_the_last_one_if_no_message_was_hidden() {
        let mut ledger = Ledger::NEW;
        let at = 100 * HOUR;
        list(&mut ledger, at, &[(10, 1, 1000)], false);
        let may_tell = |ledger: &Ledger, absent: u32, seen: u32| {
            ledger.may_tell(3, Tick::new(absent), Tick::new(seen), LATE, Tick::new(at + HOUR))
        };
        assert!(may_tell(&ledger, at, at + 1) && !may_tell(&ledger, at, at), "that list has told already");
        assert!(!may_tell(&ledger, at - 5 * HOUR, at + 1), "it does not reach back so far");
        list(&mut ledger, at + 1, &[(12, 1, 1100)], false);
        assert!(!may_tell(&ledger, at, at + 2));
    }

    #[test]
    fn what_the_first_list_lacks_is_not_forgotten_when_it_is_complete() {
        for is_repeated in [false, true] {
            let mut ledger = Ledger::NEW;
            let at = 50 * HOUR;
            ledger.begin(Tick::new(at));
            ledger.note((3, 10, 1), 1000, false);
            ledger.lose(Tick::new(at));
            if is_repeated {
                ledger.begin(Tick::new(at + 1));
            }
            ledger.complete();
            assert!(!tells(&ledger, at, at), "{is_repeated}");
        }
        // A repeated list reaches back from the time at which it was requested.
        let mut ledger = Ledger::NEW;
        ledger.begin(Tick::new(10 * HOUR));
        list(&mut ledger, 12 * HOUR, &[(10, 1, 1000)], false);
        assert!(tells(&ledger, 7 * HOUR + 1, 7 * HOUR + 1) && !tells(&ledger, 7 * HOUR, 7 * HOUR));
    }

    #[test]
    fn an_empty_list_does_not_let_the_next_one_reach_far_back() {
        let mut ledger = Ledger::NEW;
        list(&mut ledger, 100 * HOUR, &[(10, 1, 400_000)], true);
        list(&mut ledger, 101 * HOUR, &[], true);
        assert_eq!(ledger.after(GatewaySeconds::saturating(500_000)).get(), 400_000 - OVERLAP);
    }

    #[test]
    fn a_list_without_messages_of_others_proves_nothing_and_is_asked_for_again_after_4_hours() {
        let mut ledger = Ledger::NEW;
        let at = 100 * HOUR;
        list(&mut ledger, at, &[(10, 1, 1000)], true);
        let may_tell = |ledger: &Ledger, now: u32| {
            ledger.may_tell(3, Tick::new(now), Tick::new(now), LATE, Tick::new(now))
        };
        assert!(
            !tells(&ledger, at, at)
                && !may_tell(&ledger, at + 4 * HOUR)
                && may_tell(&ledger, at + 4 * HOUR + 1)
        );
        // After four incomplete lists, reports no longer wait for a list.
        let mut ledger = Ledger::NEW;
        for _ in 0..4 {
            assert!(may_tell(&ledger, at));
            ledger.want();
            ledger.begin(Tick::new(at));
            assert!(!ledger.is_wanted());
        }
        assert!(!may_tell(&ledger, at));
    }
}
