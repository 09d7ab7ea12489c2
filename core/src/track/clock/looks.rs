//! When reports arrived, by this client's own clock, and what is known of each port.
//!
//! A report arrived after the last complete look at its port that would have shown it, and before it was first seen. Nothing else
//! about its arrival is certain: its time is that of another clock.

use super::{
    GatewaySeconds, Leads, PER_SECOND, Tick,
    history::{History, Look},
};

/// How far a look reaches back before the look before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Reach {
    /// Far enough for reports that carry the time of sending and arrived soon.
    Near,
    /// Far enough for reports that arrive in another order than that of their times.
    Usual,
    /// Far enough for clocks that jumped by an hour. As long as no report of a port was seen, its clock may be hours behind.
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

/// The seconds by which the gateway's clock may be misjudged, since it jumps by an hour twice a year, and a reserve.
const DOUBT: u32 = 2 * 3600;

/// The seconds by which a report must be earlier than a look allows, since gateways differ in whether they include the limit.
const EDGE: u32 = 2;

/// The age of a look after which another one is made before reports are judged: 1 h.
const STALE: u32 = 3600 * PER_SECOND;

/// The time by which the gateway selects reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    /// It is not known yet: looks reach back far enough for both.
    Unknown,
    /// The time of their arrival, by the gateway's clock.
    Arrival,
    /// The time in the report.
    Report,
}

/// What an earlier life saved: the highest time of all reports that it had seen, its last look, and when it saw a report of another
/// program's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Mark {
    pub(in crate::track) highest: u32,
    pub(in crate::track) at: Tick,
    pub(in crate::track) foreign: Option<Tick>,
}

/// The looks at reports, and the ports' clocks.
#[derive(Debug)]
pub(in crate::track) struct Looks {
    history: History,
    selection: Selection,
    /// A time that the gateway's clock had reached at the latest complete look; 0 if it is not known.
    reached: u32,
    /// The ports through which this client's messages were sent.
    used: u32,
    /// When the look under way began, and after which time it shows reports.
    begun: Tick,
    after: u32,
    is_under_way: bool,
    /// How far back looks since the latest complete one showed reports, in seconds from the latest time that there is.
    owed: u32,
    /// The highest time of a report.
    highest: u32,
    /// When a report of another program's message was seen, also by an earlier life, and by that alone.
    foreign: Option<Tick>,
    former: Option<Tick>,
    /// When this life began.
    started: Tick,
    /// Until when forgotten messages may have had reports.
    lost: Option<Tick>,
}

impl Looks {
    // Zero throughout, so that it takes no flash.
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

    /// Begins a request for reports of certain ports and times, which shows nothing of others.
    pub(in crate::track) fn begin_limited(&mut self) {
        self.is_under_way = false;
    }

    /// Notes a report of the look under way that was seen before, when the gateway's clock showed `seen_at`, if that is known.
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

    /// Notes the end of a complete look, and what the gateway's clock shows.
    pub(in crate::track) fn complete(&mut self, reading: Option<u32>) {
        self.history.add(Look::new(self.begun, self.after));
        (self.reached, self.owed, self.is_under_way) = (reading.unwrap_or(0), 0, false);
    }

    /// Returns when a report that is seen for the first time had certainly not arrived; `None` if that is not known.
    pub(in crate::track) fn absent(&self, time: Option<GatewaySeconds>) -> Option<Tick> {
        match self.selection {
            Selection::Arrival => self.history.latest(),
            _ => self.history.absent(time?.get()),
        }
    }

    /// Forgets the looks before a time: a report that is absent from them may be that of a message that is not known any more.
    pub(in crate::track) fn lose_sight(&mut self, needed: Tick) {
        self.history.forget_before(needed);
        self.lost = Some(self.lost.map_or(needed, |lost| lost.max(needed)));
    }

    /// Returns whether all messages are known that a report which was absent at a time may belong to.
    pub(in crate::track) fn sees(&self, absent: Tick) -> bool {
        self.lost.is_none_or(|lost| lost.is_due(absent))
    }

    /// Notes that the gateway's clock was put back: reports that arrived since then may have been hidden from looks.
    pub(in crate::track) fn clock_jumped(&mut self) {
        if self.selection != Selection::Report {
            self.history = History::EMPTY;
        }
    }

    /// Returns whether the last look was so long ago that little would be known of a report.
    pub(in crate::track) fn is_stale(&self, now: Tick) -> bool {
        let is_recent = |at: Tick| self.is_recent(at) && at.ago(now) <= STALE;
        !self.history.latest().is_some_and(is_recent)
    }

    /// Returns when the latest complete look began.
    pub(in crate::track) fn latest(&self) -> Option<Tick> {
        self.history.latest()
    }

    /// Returns the time from which the next look must request reports to miss none that arrived since the latest one; `None` for all
    /// reports. `reading` is what the gateway's clock showed at that look, as far as is known now.
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

    /// Returns whether all late reports are shown by looks.
    pub(in crate::track) fn shows_late(&self) -> bool {
        self.selection == Selection::Arrival
    }

    /// Notes a port through which a message of this client was sent.
    pub(in crate::track) fn use_port(&mut self, port: u8) {
        self.used |= bit(port);
    }

    /// Returns whether something happened in this life.
    pub(in crate::track) fn is_recent(&self, at: Tick) -> bool {
        self.started.is_due(at)
    }

    /// Notes a report of another program's message.
    pub(in crate::track) fn note_foreign(&mut self, now: Tick) {
        self.foreign = Some(now);
    }

    /// Returns whether an earlier life saw a report of another program's message in a number of ticks before a time. To which number
    /// it was sent is forgotten.
    pub(in crate::track) fn was_shared(&self, until: Tick, ticks: u32) -> bool {
        self.former.is_some_and(|seen| seen.ago(until) < ticks)
    }

    /// Starts a life, after one that saved a mark.
    pub(in crate::track) fn start(&mut self, now: Tick, mark: Option<Mark>) {
        *self = Self { started: now, ..Self::NEW };
        if let Some(mark) = mark {
            self.highest = mark.highest;
            (self.foreign, self.former) = (mark.foreign, mark.foreign);
            // That look would have shown reports up to the highest time as seen before. It was in another life, although a clock that
            // stood still since then may show the same time.
            self.history.add(Look::new(mark.at.min(now.earlier(1)), mark.highest));
        }
    }

    /// Returns what is saved for the next life, once there was a look.
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

    /// A message was sent through port 3, whose reports carry a time ahead of the gateway's clock.
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
        // An incomplete look shows nothing about what it did not contain, and the next one reaches as far back.
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
        // The earliest one, by what was known of the gateway's clock then, or by what is known now.
        assert_eq!(after(&looks, Reach::Usual, 60_000, &behind), Some(49_400));
        assert_eq!(after(&looks, Reach::Usual, 70_000, &behind), Some(49_400));
        assert_eq!(after(&looks, Reach::Usual, 20_000, &behind), Some(9_400));
        assert_eq!(after(&looks, Reach::Usual, 60_000, &ahead(10_000)), Some(59_400));
        assert_eq!(after(&looks, Reach::Near, 60_000, &ahead(10_000)), Some(59_880));
        // A wide one reaches back further, above all if no report of a port was seen.
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
        // A report that the look would not show if it were selected by its own time.
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
        // A report that arrived long before the time after which reports are shown.
        looks.see_again(time(90_000), Some(80_000 - DOUBT - 1));
        assert_eq!(looks.selection, Selection::Report);
        // A limited request shows nothing of others.
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
        // A clock that stood still since the mark.
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
