//! Looks: queries for the reports of all ports, either for all reports or for those later than a given time. Looks show when a report
//! arrived, by this client's own clock.
//!
//! A report arrived after the last complete look that would have shown it, and before it was first seen. Nothing else about its arrival is
//! certain, because the time in the report comes from another clock.

use super::{
    GatewaySeconds, Leads, PER_SECOND, Tick,
    history::{History, Look},
};

/// How far a look reaches back before the previous look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Reach {
    /// Far enough for reports that carry their segment's send time and arrived soon.
    Near,
    /// Far enough for reports that do not arrive in the order of their times.
    Usual,
    /// Far enough for clocks that jumped by an hour. While a port's lead is unknown, its clock may be hours behind, so the look reaches
    /// further back.
    Wide,
}

impl Reach {
    fn seconds(self, knows_clocks: bool) -> u32 {
        match self {
            Self::Near => 120,
            Self::Usual => 600,
            Self::Wide if knows_clocks => 3700,
            Self::Wide => 15 * 3600,
        }
    }
}

/// The seconds by which the gateway's clock may be misjudged: a jump of an hour, as happens twice a year, and a margin.
const DOUBT: u32 = 2 * 3600;

/// A report counts as earlier than the limit of a look (`after`) only if the report's time is more than this many seconds earlier.
/// Gateways differ in whether they include the limit.
const EDGE: u32 = 2;

/// The age in ticks after which the latest look is stale and the next one is made: 1 h.
const STALE: u32 = 3600 * PER_SECOND;

/// The time by which the gateway selects reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    /// Not known yet. Looks reach back far enough for both times.
    Unknown,
    /// The time of the report's arrival, by the gateway's clock.
    Arrival,
    /// The time in the report.
    Report,
}

/// The state that is saved for the next start: the highest time of all reports seen, when the last complete look began, and when a report
/// of another program's message was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Mark {
    pub(in crate::track) highest: u32,
    pub(in crate::track) at: Tick,
    pub(in crate::track) foreign: Option<Tick>,
}

/// The looks at reports.
#[derive(Debug)]
pub(in crate::track) struct Looks {
    history: History,
    selection: Selection,
    /// A time that the gateway's clock had reached at the latest complete look; 0 if unknown.
    reached: u32,
    /// The ports through which this client's messages were sent, a bit for each.
    used: u32,
    /// The tick at which the latest look began.
    begun: Tick,
    /// The gateway's time after which the latest look shows reports.
    after: u32,
    is_under_way: bool,
    /// `u32::MAX` minus the smallest `after` of the looks begun since the latest complete look; 0 if there are none. The next look must
    /// reach at least as far back.
    owed: u32,
    /// The highest time of a report.
    highest: u32,
    /// When a report of another program's message was last seen, in this life or an earlier one.
    foreign: Option<Tick>,
    /// When such a report was last seen before the client's last start.
    former: Option<Tick>,
    /// When the client last started.
    started: Tick,
    /// The time until which reports of forgotten messages may have arrived.
    lost: Option<Tick>,
}

impl Looks {
    // All bytes are zero, so that this constant takes no flash.
    pub(super) const NEW: Self = Self {
        history: History::EMPTY,
        selection: Selection::Unknown,
        reached: 0,
        used: 0,
        begun: Tick::ZERO,
        after: 0,
        is_under_way: false,
        owed: 0,
        highest: 0,
        foreign: None,
        former: None,
        started: Tick::ZERO,
        lost: None,
    };

    /// Begins a look at all reports after a time.
    pub(in crate::track) fn begin(&mut self, after: Option<GatewaySeconds>, now: Tick) {
        self.after = after.map_or(0, GatewaySeconds::get);
        self.owed = self.owed.max(!self.after);
        (self.begun, self.is_under_way) = (now, true);
    }

    /// Begins a query for reports of certain ports and times. It is not a look: it shows nothing about other reports.
    pub(in crate::track) fn begin_limited(&mut self) {
        self.is_under_way = false;
    }

    /// Notes that a response repeats a report. The gateway's clock showed `seen_at`, if known, when the report was first seen.
    pub(in crate::track) fn see_again(&mut self, time: Option<GatewaySeconds>, seen_at: Option<u32>) {
        self.note_selected(time);
        let was_there = seen_at.is_some_and(|at| at.saturating_add(DOUBT) < self.after);
        if self.is_under_way && was_there && self.selection == Selection::Unknown {
            self.selection = Selection::Report;
        }
    }

    /// Notes a new report.
    pub(in crate::track) fn see(&mut self, time: Option<GatewaySeconds>) {
        self.note_selected(time);
        self.highest = self.highest.max(time.map_or(0, GatewaySeconds::get));
    }

    fn note_selected(&mut self, time: Option<GatewaySeconds>) {
        if self.is_under_way && time.is_some_and(|time| time.plus(EDGE) < self.after) {
            self.selection = Selection::Arrival;
        }
    }

    /// Notes the end of a complete look. `reading` is the time that the gateway's clock shows, if known.
    pub(in crate::track) fn complete(&mut self, reading: Option<u32>) {
        self.history.add(Look::new(self.begun, self.after));
        (self.reached, self.owed, self.is_under_way) = (reading.unwrap_or(0), 0, false);
    }

    /// Returns the latest time at which a report that is now seen for the first time had certainly not arrived; `None` if unknown.
    pub(in crate::track) fn absent(&self, time: Option<GatewaySeconds>) -> Option<Tick> {
        match self.selection {
            Selection::Arrival => self.history.latest(),
            _ => self.history.absent(time?.get()),
        }
    }

    /// Forgets the looks before a time. A report that those looks did not show may belong to a message that is forgotten now.
    pub(in crate::track) fn lose_sight(&mut self, needed: Tick) {
        self.history.forget_before(needed);
        self.lost = Some(self.lost.map_or(needed, |lost| lost.max(needed)));
    }

    /// Returns whether all messages that may own a report are still known, if the report had not arrived at `absent`.
    pub(in crate::track) fn sees(&self, absent: Tick) -> bool {
        self.lost.is_none_or(|lost| lost.is_due(absent))
    }

    /// Notes that the gateway's clock was put back. Looks since then may not have shown all reports, so all looks are forgotten. If the
    /// gateway selects reports by the time in them, its clock does not matter.
    pub(in crate::track) fn clock_jumped(&mut self) {
        if self.selection != Selection::Report {
            self.history = History::EMPTY;
        }
    }

    /// Returns whether no complete look began in the last hour ([`STALE`]). Looks before the client's last start do not count.
    pub(in crate::track) fn is_stale(&self, now: Tick) -> bool {
        let is_recent = |at: Tick| self.is_recent(at) && at.ago(now) <= STALE;
        !self.history.latest().is_some_and(is_recent)
    }

    /// Returns when the latest complete look began.
    pub(in crate::track) fn latest(&self) -> Option<Tick> {
        self.history.latest()
    }

    /// Returns the time after which the next look must request reports; `None` for all reports. The look then misses no report that arrived
    /// since the latest look. `reading` is the time of the gateway's clock at the latest look, as far as is known now.
    pub(in crate::track) fn after(
        &self,
        reach: Reach,
        reading: Option<u32>,
        leads: &Leads,
    ) -> Option<GatewaySeconds> {
        let arrivals = reading?.min(self.reached);
        let reports = arrivals.wrapping_add(leads.least(self.used).unwrap_or(0));
        let from = match self.selection {
            Selection::Arrival => arrivals,
            Selection::Report => reports,
            Selection::Unknown => arrivals.min(reports),
        };
        let back = reach.seconds(leads.are_known(self.used));
        let from = from.saturating_sub(back).min(!self.owed);
        GatewaySeconds::new(from).filter(|_| from > 0)
    }

    /// Returns whether looks show all late reports. They do if the gateway selects reports by the time of their arrival.
    pub(in crate::track) fn shows_late(&self) -> bool {
        self.selection == Selection::Arrival
    }

    /// Notes a port through which a message of this client was sent.
    pub(in crate::track) fn use_port(&mut self, port: u8) {
        self.used |= bit(port);
    }

    /// Returns whether a tick is not before the client's last start.
    pub(in crate::track) fn is_recent(&self, at: Tick) -> bool {
        self.started.is_due(at)
    }

    /// Notes a report of another program's message.
    pub(in crate::track) fn note_foreign(&mut self, now: Tick) {
        self.foreign = Some(now);
    }

    /// Returns whether a report of another program's message was seen before the client's last start, and less than `ticks` before `until`.
    /// The report may concern any recipient, because the number is not saved.
    pub(in crate::track) fn was_shared(&self, until: Tick, ticks: u32) -> bool {
        self.former.is_some_and(|seen| seen.ago(until) < ticks)
    }

    /// Begins anew at the client's start. `mark` is the mark that was saved before the start, if any.
    pub(in crate::track) fn start(&mut self, now: Tick, mark: Option<Mark>) {
        *self = Self { started: now, ..Self::NEW };
        if let Some(mark) = mark {
            self.highest = mark.highest;
            (self.foreign, self.former) = (mark.foreign, mark.foreign);
            // A report with a time above `highest` had not arrived at the saved look. The saved look must not count as recent, even if the
            // client's clock has stood still since that look.
            self.history.add(Look::new(mark.at.min(now.earlier(1)), mark.highest));
        }
    }

    /// Returns the mark to save for the next start; `None` before the first complete look.
    pub(in crate::track) fn mark(&self) -> Option<Mark> {
        Some(Mark { highest: self.highest, at: self.latest()?, foreign: self.foreign })
    }
}

fn bit(port: u8) -> u32 {
    1_u32.checked_shl(port.into()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: u32) -> Option<GatewaySeconds> {
        GatewaySeconds::new(seconds)
    }

    fn look(looks: &mut Looks, at: u32, seen: &[u32], after: Option<GatewaySeconds>, reading: u32) {
        looks.begin(after, Tick::new(at));
        for seconds in seen {
            looks.see(time(*seconds));
        }
        looks.complete(Some(reading));
    }

    /// Returns leads by which the reports of port 3 are `seconds` ahead of the gateway's clock.
    fn ahead(seconds: u32) -> Leads {
        let mut leads = Leads::NEW;
        leads.vote(3, seconds, Tick::ZERO);
        leads
    }

    #[test]
    fn a_report_arrived_after_the_last_complete_look_that_would_have_shown_it() {
        let mut looks = Looks::NEW;
        assert_eq!((looks.absent(time(50_000)), looks.after(Reach::Usual, None, &Leads::NEW)), (None, None));
        look(&mut looks, 100, &[50_000], None, 50_000);
        let after = looks.after(Reach::Usual, Some(50_000), &Leads::NEW);
        assert_eq!(after, time(49_400));
        look(&mut looks, 300, &[], after, 50_002);
        assert_eq!(looks.absent(time(49_401)), Some(Tick::new(300)));
        assert_eq!(looks.absent(time(49_400)), Some(Tick::new(100)), "the later look did not show it");
        assert_eq!(looks.absent(None), None);
        // An incomplete look proves no report absent, and the next look reaches back as far as the incomplete one.
        looks.begin(time(40_000), Tick::new(500));
        looks.see(time(90_000));
        assert_eq!(looks.absent(time(90_001)), Some(Tick::new(300)));
        assert_eq!(looks.after(Reach::Usual, Some(50_002), &Leads::NEW), time(40_000));
    }

    #[test]
    fn looks_reach_back_by_the_gateways_clock_and_that_of_reports() {
        let mut looks = Looks::NEW;
        looks.use_port(3);
        look(&mut looks, 100, &[50_000], None, 60_000);
        let behind = ahead(10_000_u32.wrapping_neg());
        let after = |looks: &Looks, reach, reading, leads: &Leads| {
            looks.after(reach, Some(reading), leads).map(GatewaySeconds::get)
        };
        // The gateway's clock has two readings, one known at the look and one known now. The earlier reading counts.
        assert_eq!(after(&looks, Reach::Usual, 60_000, &behind), Some(49_400));
        assert_eq!(after(&looks, Reach::Usual, 70_000, &behind), Some(49_400));
        assert_eq!(after(&looks, Reach::Usual, 20_000, &behind), Some(9_400));
        assert_eq!(after(&looks, Reach::Usual, 60_000, &ahead(10_000)), Some(59_400));
        assert_eq!(after(&looks, Reach::Near, 60_000, &ahead(10_000)), Some(59_880));
        // A wide look reaches back further, and furthest if a port's lead is unknown.
        assert_eq!(after(&looks, Reach::Wide, 60_000, &behind), Some(50_000 - 3700));
        assert_eq!(after(&looks, Reach::Wide, 60_000, &Leads::NEW), Some(60_000 - 15 * 3600));
        looks.selection = Selection::Report;
        assert_eq!(after(&looks, Reach::Usual, 60_000, &ahead(10_000)), Some(69_400));
        looks.selection = Selection::Arrival;
        assert_eq!(after(&looks, Reach::Usual, 60_000, &behind), Some(59_400));
    }

    #[test]
    fn the_time_by_which_the_gateway_selects_reports_is_learnt() {
        let mut looks = Looks::NEW;
        look(&mut looks, 100, &[], None, 60_000);
        // A report 3 s before the limit is shown only if the gateway does not select reports by the time in them. A report 2 s before the
        // limit proves nothing.
        look(&mut looks, 200, &[49_398], time(49_400), 60_000);
        assert_eq!(looks.selection, Selection::Unknown);
        look(&mut looks, 200, &[49_397], time(49_400), 60_000);
        assert_eq!(looks.selection, Selection::Arrival);
        assert!(looks.shows_late());
        assert_eq!(looks.absent(time(1)), Some(Tick::new(200)), "every look shows all that arrived");
        let mut looks = Looks::NEW;
        looks.begin(time(80_000), Tick::new(200));
        looks.see_again(time(90_000), Some(80_000 - DOUBT));
        assert_eq!(looks.selection, Selection::Unknown);
        // This report arrived long before the limit of the look, but the look shows it. So the gateway selects reports by the time in them.
        looks.see_again(time(90_000), Some(80_000 - DOUBT - 1));
        assert_eq!(looks.selection, Selection::Report);
        // A limited query shows nothing about the selection.
        looks.begin_limited();
        looks.see(time(1));
        assert_eq!(looks.selection, Selection::Report);
    }

    #[test]
    fn a_look_is_stale_after_an_hour_and_in_the_next_life() {
        let mut looks = Looks::NEW;
        assert!(looks.is_stale(Tick::new(100)));
        look(&mut looks, 100, &[], None, 6000);
        assert!(!looks.is_stale(Tick::new(100 + STALE)) && looks.is_stale(Tick::new(101 + STALE)));
        let mark = looks.mark();
        looks.start(Tick::new(101), mark);
        assert!(looks.is_stale(Tick::new(102)));
    }

    #[test]
    fn a_gateway_that_showed_a_report_by_its_arrival_is_not_taken_to_select_them_by_their_times() {
        let mut looks = Looks::NEW;
        looks.begin(time(80_000), Tick::new(200));
        looks.see(time(1));
        looks.see_again(time(90_000), Some(1));
        assert_eq!(looks.selection, Selection::Arrival);
    }

    #[test]
    fn looks_of_a_gateway_whose_clock_was_put_back_may_have_hidden_reports() {
        let mut looks = Looks::NEW;
        look(&mut looks, 100, &[50_000], None, 60_000);
        looks.clock_jumped();
        assert_eq!(looks.absent(time(50_001)), None);
        look(&mut looks, 200, &[], None, 60_000);
        looks.selection = Selection::Report;
        looks.clock_jumped();
        assert_eq!(looks.absent(time(50_001)), Some(Tick::new(200)));
    }

    #[test]
    fn a_saved_mark_bounds_reports_above_it() {
        let mut looks = Looks::NEW;
        look(&mut looks, 100, &[5000], None, 6000);
        let mark = looks.mark();
        let mut looks = Looks::NEW;
        looks.start(Tick::new(700), mark);
        assert_eq!((looks.absent(time(5000)), looks.absent(time(5001))), (None, Some(Tick::new(100))));
        assert_eq!((looks.mark(), looks.after(Reach::Usual, None, &Leads::NEW)), (mark, None));
        assert!(looks.is_stale(Tick::new(700)));
        // The client's clock stood still since the mark.
        looks.start(Tick::new(100), mark);
        let absent = looks.absent(time(5001)).unwrap();
        assert!(absent == Tick::new(99) && !looks.is_recent(absent));
    }

    #[test]
    fn a_message_that_was_forgotten_may_have_had_its_report_since_the_last_look() {
        let mut looks = Looks::NEW;
        look(&mut looks, 100, &[5000], None, 6000);
        looks.lose_sight(Tick::new(100));
        assert_eq!(looks.absent(time(5001)), Some(Tick::new(100)));
        looks.lose_sight(Tick::new(101));
        assert_eq!(looks.absent(time(5001)), None);
    }
}
