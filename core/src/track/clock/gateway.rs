//! The gateway's clock, as far as its responses show it.
//!
//! Gateway times are compared only with each other. The clock jumps: someone sets it, daylight saving begins, or a restart resets it to
//! 1970. After a jump back, times cannot order the messages sent before and after it. Each jump back therefore begins an era.

use super::{GatewaySeconds, Leads, Ledger, Looks, Mark, Reach, Runs, Sequence, Tick, seconds};

/// The time at which a message was sent, and the era of the gateway's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct SentAt {
    pub(in crate::track) time: Option<GatewaySeconds>,
    pub(in crate::track) era: u8,
}

/// The first second of 2000. A time before it means that the gateway's clock is not set yet: it starts in 1970.
const UNSET_BEFORE: u32 = 978_220_800;

/// The maximum number of seconds by which a result's time may precede the time when its message was added, by the gateway's clock. A result
/// with an earlier time belongs to another message. The limit allows for a change of daylight saving time and a margin.
const TOLERANCE: u32 = 2 * 3600;

/// The lead in seconds below which a port's reports are assumed to carry the gateway's time.
const SOON: u32 = 600;

/// The maximum difference in seconds between expected and actual send times that does not count as a jump.
const JUMP: u32 = 60;

/// The maximum number of consecutive results that are rejected as far too old. After these, the clock must have been wrong, so the next
/// result is accepted.
const MAX_DOUBTS: u8 = 2;

/// The number of consecutive reports that must carry exactly the send time before all reports are assumed to carry it.
const SURE: u8 = 8;

/// The number of consecutive reports that must carry another time before reports are no longer assumed to carry the send time.
const UNSURE: u8 = 3;

/// The gateway's clock: its eras, and the meaning of the times in reports.
#[derive(Debug)]
pub(in crate::track) struct GatewayClock {
    /// The number of jumps back, modulo 256.
    era: u8,
    /// The latest send time in this era, and the tick and the sequence number at which it was seen.
    latest: Option<GatewaySeconds>,
    seen: Tick,
    sequence: Sequence,
    /// The latest send time of all former eras, in seconds.
    barrier: u32,
    /// The number of consecutive results that were far too old.
    doubts: u8,
    /// The number of consecutive reports that carried the send time, at most [`SURE`], and the number of reports since then that did not.
    equal: u8,
    unequal: u8,
    /// Whether a submitted message was ever forgotten.
    has_forgotten: bool,
    /// The send time of a message, and the tick when the message was added. From them follows the latest time that the clock can show.
    bound: Option<(GatewaySeconds, Tick)>,
    /// The looks at reports.
    pub(in crate::track) looks: Looks,
    /// The seconds by which each port's clock of reports is ahead of the gateway's clock.
    pub(in crate::track) leads: Leads,
    /// The references that this client used.
    pub(in crate::track) runs: Runs,
    /// The gateway's list of the messages of all programs.
    pub(in crate::track) ledger: Ledger,
}

impl GatewayClock {
    // All bytes are zero, so that this constant takes no flash.
    pub(in crate::track) const NEW: Self = Self {
        era: 0,
        latest: None,
        seen: Tick::ZERO,
        sequence: Sequence::NEVER,
        barrier: 0,
        doubts: 0,
        equal: 0,
        unequal: 0,
        has_forgotten: false,
        bound: None,
        looks: Looks::NEW,
        leads: Leads::NEW,
        runs: Runs::NEW,
        ledger: Ledger::NEW,
    };

    /// Returns the latest send time seen since the clock last jumped back.
    pub(in crate::track) fn latest(&self) -> Option<GatewaySeconds> {
        self.latest
    }

    /// Returns the time in seconds that the clock shows at a tick, provided that it did not jump.
    pub(in crate::track) fn reading(&self, at: Tick) -> Option<u32> {
        let (later, earlier) = (seconds(self.seen.ago(at)), seconds(at.ago(self.seen)));
        self.latest.map(|latest| latest.plus(later).saturating_sub(earlier))
    }

    /// Returns the time after which the next look must request reports; `None` for all reports.
    pub(in crate::track) fn reports_after(&self, reach: Reach) -> Option<GatewaySeconds> {
        let reading = self.looks.latest().and_then(|at| self.reading(at));
        self.looks.after(reach, reading, &self.leads)
    }

    /// Returns whether a message was sent in the current era.
    pub(in crate::track) fn is_current(&self, sent: SentAt) -> bool {
        sent.time.is_some() && sent.era == self.era
    }

    /// Returns whether the gateway's clock was never put back from this time or a later one, so that it has not shown this time twice.
    pub(in crate::track) fn shows_once(&self, time: GatewaySeconds) -> bool {
        time.get() > self.barrier
    }

    pub(in crate::track) fn era(&self) -> u8 {
        self.era
    }

    /// Returns whether a result is too old for a message added at the tick `added`. Such a result belongs to another message with the same
    /// user_id. After [`MAX_DOUBTS`] consecutive results that are too old, the next one is accepted: the clock must have been wrong.
    pub(in crate::track) fn is_too_old(&mut self, sent: GatewaySeconds, added: Tick) -> bool {
        let sent = sent.get();
        let (Some(latest), true) = (self.latest, sent >= UNSET_BEFORE) else { return false };
        let then = latest.get().saturating_sub(seconds(added.ago(self.seen)));
        if sent.saturating_add(TOLERANCE) >= then {
            self.doubts = 0;
            return false;
        }
        self.doubts = self.doubts.saturating_add(1);
        self.doubts <= MAX_DOUBTS
    }

    /// Returns the latest time in seconds that the clock can show at a tick, provided that it did not jump.
    pub(in crate::track) fn latest_reading(&self, at: Tick) -> Option<u32> {
        self.bound.map(|(sent, added)| sent.plus(seconds(added.ago(at)).saturating_add(1)))
    }

    /// Notes the send time of a message that was added at a tick. Returns whether that time shows a jump of the clock.
    pub(in crate::track) fn note_jump(&mut self, sent: GatewaySeconds, added: Tick, now: Tick) -> bool {
        let shows = |at| self.reading(at).unwrap_or(sent.get());
        let is_put_back = sent.plus(JUMP) < shows(added);
        let is_put_forward = sent.get() > shows(now).saturating_add(JUMP);
        if is_put_back {
            self.looks.clock_jumped();
        }
        if is_put_back || is_put_forward {
            self.leads.reset();
            self.ledger.clock_jumped();
            self.bound = None;
        }
        let latest = sent.plus(seconds(added.ago(now)));
        if self.latest_reading(now).is_none_or(|reading| latest < reading) {
            self.bound = Some((sent, added));
        }
        is_put_back || is_put_forward
    }

    /// Notes the time of a new report. If the reports of that port carry the gateway's time, the report may show that the gateway's clock,
    /// which was unset, has been set. If this were not noticed, looks would reach back to 1970 until the next message is sent.
    pub(in crate::track) fn note_report(&mut self, port: u8, time: Option<GatewaySeconds>, now: Tick) {
        let is_set = |time: &GatewaySeconds| time.get() >= UNSET_BEFORE;
        let carries_it = self.leads.of(port).is_some_and(|lead| lead < SOON);
        if carries_it
            && self.latest.is_some_and(|latest| !is_set(&latest))
            && time.as_ref().is_some_and(is_set)
        {
            (self.latest, self.seen) = (time, now);
        }
    }

    /// Learns the send time of a message whose sending had not begun at the sequence number `not_begun`. Returns whether the clock jumped
    /// back.
    pub(in crate::track) fn learn_send_time(
        &mut self,
        time: GatewaySeconds,
        not_begun: Sequence,
        now: Tick,
        sequence: Sequence,
    ) -> bool {
        let sent = time.get();
        let Some(latest) = self.latest.map(GatewaySeconds::get) else {
            (self.latest, self.seen, self.sequence) = (Some(time), now, sequence);
            return false;
        };
        let began_later = !self.sequence.is_after(not_begun);
        let jumped = began_later && sent.saturating_add(1) < latest;
        if jumped {
            self.era = self.era.wrapping_add(1);
            self.barrier = self.barrier.max(latest);
        }
        if jumped || sent > latest {
            (self.latest, self.seen, self.sequence) = (Some(time), now, sequence);
        }
        jumped
    }

    /// Restores the send time of a message. Until a jump is noticed, the saved era of the last run counts as the current one.
    pub(in crate::track) fn restore_sent(&mut self, sent: SentAt) {
        let Some(time) = sent.time else { return };
        if sent.era != self.era {
            self.barrier = self.barrier.max(time.get());
        } else if self.latest.is_none_or(|latest| time.get() > latest.get()) {
            self.latest = Some(time);
        }
    }

    /// Returns the facts to save for the next start, a bit for each: reports carry the send time, no message was forgotten, and late
    /// reports carry their segment's send time.
    pub(in crate::track) fn facts(&self) -> u8 {
        u8::from(self.reports_equal())
            | u8::from(!self.has_forgotten) << 1
            | u8::from(self.leads.carry_sending()) << 2
    }

    /// Restores the saved facts and the saved era of the last run.
    pub(in crate::track) fn restore_era(&mut self, facts: u8, era: u8) {
        (self.equal, self.era) = (if facts & 1 == 1 { SURE } else { 0 }, era);
        self.has_forgotten = facts & 2 == 0;
        self.leads.restore_late(facts & 4 == 4);
    }

    /// Returns whether all messages that this client ever submitted are still known, including those from before a restart.
    pub(in crate::track) fn knows_all(&self) -> bool {
        !self.has_forgotten
    }

    /// Notes that a submitted message was forgotten. Returns whether it is the first one.
    pub(in crate::track) fn forget_message(&mut self) -> bool {
        !core::mem::replace(&mut self.has_forgotten, true)
    }

    /// Ends restoring. Messages whose sending begins after this sequence number are compared with the restored times.
    pub(in crate::track) fn start(&mut self, sequence: Sequence, now: Tick, mark: Option<Mark>) {
        (self.sequence, self.seen) = (sequence, now);
        self.looks.start(now, mark);
    }

    /// Returns whether a time is more than `seconds` ago. The time may be from before the clock was put back.
    pub(in crate::track) fn is_past(&self, time: GatewaySeconds, seconds: u32, now: Tick) -> bool {
        let Some(reading) = self.reading(now) else { return false };
        let (time, until) = (time.get(), time.plus(seconds));
        until < reading || until < self.barrier && time.saturating_sub(TOLERANCE) > reading
    }

    /// Returns whether reports carry exactly the send time.
    pub(in crate::track) fn reports_equal(&self) -> bool {
        self.equal >= SURE
    }

    /// Learns whether a report that arrived soon after its message was sent carries the send time. Returns whether this changed the result
    /// of [`reports_equal`](Self::reports_equal).
    pub(in crate::track) fn learn(&mut self, is_equal: bool) -> bool {
        let before = self.reports_equal();
        if is_equal {
            (self.equal, self.unequal) = (self.equal.saturating_add(1).min(SURE), 0);
        } else {
            self.unequal = self.unequal.saturating_add(1);
            if !before || self.unequal >= UNSURE {
                (self.equal, self.unequal) = (0, 0);
            }
        }
        before != self.reports_equal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: u32) -> GatewaySeconds {
        GatewaySeconds::new(UNSET_BEFORE + seconds).unwrap()
    }

    fn at(second: u32) -> Tick {
        Tick::new(second * 100)
    }

    /// Returns a clock that showed `time(5000)` at 1000 s. This was the send time of a message added at 990 s.
    fn clock() -> GatewayClock {
        let mut clock = GatewayClock::NEW;
        clock.note_jump(time(5000), at(990), at(1000));
        clock.learn_send_time(time(5000), Sequence::NEVER, at(1000), Sequence::new(1));
        clock.leads.vote(3, 7, at(1000));
        clock
    }

    #[test]
    fn the_clock_shows_a_time_between_two_bounds() {
        let clock = clock();
        let shows = |second| (clock.reading(at(second)), clock.latest_reading(at(second)));
        assert_eq!(shows(1000), (Some(time(5000).get()), Some(time(5011).get())));
        assert_eq!(shows(1100), (Some(time(5100).get()), Some(time(5111).get())));
        assert_eq!(clock.reading(at(900)), Some(time(4900).get()));
        let mut closer = clock;
        closer.note_jump(time(5200), at(1195), at(1210));
        assert_eq!(closer.latest_reading(at(1300)), Some(time(5306).get()));
        closer.note_jump(time(5300), at(1250), at(1310));
        assert_eq!(closer.latest_reading(at(1300)), Some(time(5306).get()), "a wider bound");
    }

    #[test]
    fn a_jump_is_noticed_by_the_send_time_of_a_message() {
        for (sent, is_jump) in [(5039, true), (5040, false), (5160, false), (5161, true)] {
            let mut clock = clock();
            assert_eq!(clock.note_jump(time(sent), at(1100), at(1100)), is_jump, "{sent}");
            assert_eq!(clock.leads.of(3).is_none(), is_jump);
            assert_eq!(
                clock.latest_reading(at(1100)),
                Some(time(if is_jump { sent + 1 } else { sent.min(5110) + 1 }).get())
            );
        }
    }

    #[test]
    fn a_later_message_with_a_send_time_two_seconds_earlier_begins_an_era() {
        // The latest send time was seen at sequence number 1.
        for (earlier, not_begun, is_back) in [(1, 1, false), (2, 1, true), (2, 0, false)] {
            let mut clock = clock();
            let sent = time(5000 - earlier);
            let shown = clock.learn_send_time(sent, Sequence::new(not_begun), at(1100), Sequence::new(9));
            assert_eq!((shown, clock.era()), (is_back, u8::from(is_back)), "{earlier} {not_begun}");
            assert_eq!(clock.latest(), Some(if is_back { sent } else { time(5000) }));
        }
    }

    #[test]
    fn a_time_is_past_by_the_clock_of_its_era() {
        let mut clock = clock();
        let is_past = |clock: &GatewayClock, second, seconds| clock.is_past(time(second), seconds, at(1000));
        assert!(is_past(&clock, 4899, 100) && !is_past(&clock, 4900, 100));
        clock.learn_send_time(time(50_000), Sequence::new(2), at(1000), Sequence::new(3));
        clock.learn_send_time(time(2000), Sequence::new(4), at(1000), Sequence::new(5));
        assert!(is_past(&clock, 1899, 100) && !is_past(&clock, 1900, 100));
        // A time far ahead of the clock belongs to the previous era, unless it is later than that era's last time.
        assert!(is_past(&clock, 2000 + TOLERANCE + 1, 100) && !is_past(&clock, 2000 + TOLERANCE, 100));
        assert!(is_past(&clock, 49_899, 100) && !is_past(&clock, 49_900, 100));
    }

    #[test]
    fn two_results_in_a_row_that_are_too_old_are_doubted_and_the_third_is_not() {
        let mut clock = clock();
        clock.learn_send_time(time(50_000), Sequence::new(2), at(1000), Sequence::new(3));
        let mut doubts = |second| clock.is_too_old(time(second), at(1000));
        assert!(doubts(0) && !doubts(50_000 - TOLERANCE), "another one that fits");
        assert!(doubts(0) && doubts(50_000 - TOLERANCE - 1) && !doubts(0));
    }

    #[test]
    fn what_is_known_of_the_times_in_reports_is_restored() {
        for [is_equal, is_late, forgets] in [[true, false, false], [false, true, false], [false, false, true]]
        {
            let mut clock = GatewayClock::NEW;
            (0..8).for_each(|_| _ = clock.learn(is_equal));
            (0..16).for_each(|_| _ = clock.leads.note_late(is_late));
            assert_eq!(forgets && clock.forget_message(), forgets);
            let mut restored = GatewayClock::NEW;
            restored.restore_era(clock.facts(), 3);
            assert_eq!((restored.reports_equal(), restored.leads.carry_sending()), (is_equal, is_late));
            assert_eq!((restored.knows_all(), restored.era()), (!forgets, 3));
        }
    }

    #[test]
    fn the_list_of_results_begins_anew_after_a_jump() {
        let mut clock = clock();
        let first = clock.ledger.after(time(400_000));
        clock.ledger.begin(at(1000));
        clock.ledger.note((3, 1, 1), time(390_000).get(), true);
        clock.ledger.complete();
        assert_ne!(clock.ledger.after(time(400_000)), first);
        assert!(clock.note_jump(time(2000), at(1100), at(1100)));
        assert_eq!(clock.ledger.after(time(400_000)), first);
    }

    #[test]
    fn a_clock_that_was_put_back_may_have_hidden_reports() {
        let mut clock = clock();
        clock.looks.begin(None, at(1000));
        clock.looks.complete(None);
        assert!(!clock.note_jump(time(5090), at(1100), at(1100)) && clock.looks.latest().is_some());
        assert!(clock.note_jump(time(2000), at(1100), at(1100)) && clock.looks.latest().is_none());
    }

    #[test]
    fn eight_equal_times_in_a_row_show_that_reports_carry_the_send_time_until_three_differ() {
        let mut clock = GatewayClock::NEW;
        assert!((0..7).all(|_| !clock.learn(true)) && !clock.learn(false));
        assert!((0..7).all(|_| !clock.learn(true)) && !clock.reports_equal());
        assert!(clock.learn(true) && clock.reports_equal());
        assert!(!clock.learn(false) && !clock.learn(false) && !clock.learn(true));
        assert!(!clock.learn(false) && !clock.learn(false) && clock.reports_equal());
        assert!(clock.learn(false) && !clock.reports_equal());
    }

    #[test]
    fn reports_with_the_gateways_time_show_that_its_clock_was_set() {
        let unset = GatewaySeconds::new(100);
        for (lead, reading) in [(Some(7), 50), (Some(900), 100), (None, 100)] {
            let mut clock = GatewayClock { latest: unset, ..GatewayClock::NEW };
            if let Some(lead) = lead {
                clock.leads.vote(3, lead, at(0));
            }
            clock.note_report(3, GatewaySeconds::new(200), at(5));
            assert_eq!(clock.latest(), unset);
            clock.note_report(3, Some(time(50)), at(5));
            let expected = if reading == 50 { Some(time(50)) } else { unset };
            assert_eq!(clock.latest(), expected, "{lead:?}");
        }
    }
}
