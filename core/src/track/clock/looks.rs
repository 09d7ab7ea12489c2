//! When reports arrived, by this client's own clock, and what is known of each port.
//!
//! A report arrived after the last complete look at its port that would have shown it, and before it was first seen. Nothing else
//! about its arrival is certain: its time is that of another clock.

use super::{GatewaySeconds, PER_SECOND, Tick};

/// The maximum number of ports. Nothing is known of reports of higher ones.
const PORTS: usize = 32;

/// The seconds by which a look reaches back before the latest report of the look before: reports may arrive in another order than
/// that of their times.
const OVERLAP: u32 = 600;

/// The seconds by which a wide look reaches back: the SMSC's clock may be that far behind.
const WIDE: u32 = 15 * 3600;

/// The maximum difference in seconds of the marks of ports that share a look.
const NEAR: u32 = 3600;

/// The age of a look at all ports after which another one is made before reports are judged: 1 h.
const STALE: u32 = 3600 * PER_SECOND;

/// A complete response with the reports after a time, in seconds.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Tick,
    after: u32,
}

impl Look {
    const NEVER: Self = Self { at: Tick::ZERO, after: u32::MAX };

    fn shows(self, time: u32) -> bool {
        time > self.after
    }
}

/// The number of looks that are kept for a port.
const KEPT: usize = 6;

/// The looks at a port, the latest first. Each reaches further back than the ones before it; otherwise it would show nothing that
/// they did not.
#[derive(Clone, Copy, Debug)]
struct History([Look; KEPT]);

impl History {
    /// Adds the latest look.
    fn add(&mut self, look: Look) {
        let mut kept = [Look::NEVER; KEPT + 1];
        let reaching = self.0.into_iter().filter(|old| old.after < look.after);
        let count = kept
            .iter_mut()
            .zip(core::iter::once(look).chain(reaching))
            .map(|(place, look)| *place = look)
            .count();
        // One too many: the one is left out that is closest to its neighbours, for its age.
        let crowded = if count > KEPT { crowded(&kept) } else { KEPT };
        let left = kept.iter().enumerate().filter(|(index, _)| *index != crowded).map(|(_, look)| *look);
        self.0.iter_mut().zip(left).for_each(|(place, look)| *place = look);
    }

    /// Returns when the last look was made that would have shown a report.
    fn absent(&self, time: u32) -> Option<Tick> {
        self.0.iter().find(|look| look.shows(time)).map(|look| look.at)
    }

    /// Forgets the looks before a time.
    fn forget_before(&mut self, needed: Tick) {
        for look in self.0.iter_mut().filter(|look| !needed.is_due(look.at)) {
            *look = Look::NEVER;
        }
    }
}

/// Returns the index of the look, neither the first nor the last, whose neighbours are closest, compared with its own age.
fn crowded(looks: &[Look]) -> usize {
    let newest = looks.first().map_or(0, |look| look.after);
    let gap = |window: &[Look]| match window {
        [newer, own, older] => {
            let gap = u64::from(newer.after.saturating_sub(older.after));
            (gap << 20) / u64::from(newest.saturating_sub(own.after).saturating_add(1))
        }
        _ => u64::MAX,
    };
    let least = looks.windows(3).enumerate().min_by_key(|(_, window)| gap(window));
    least.map_or(1, |(index, _)| index + 1)
}

/// The segments that this client's messages sent through a port without a gap between their references.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// When the last gap was noticed.
    since: Tick,
    /// The first reference and the one after the last, and the times of sending.
    first: u8,
    next: u8,
    first_sent: u32,
    last_sent: u32,
}

#[derive(Clone, Copy, Debug)]
struct Port {
    looks: History,
    /// The highest time of the new reports of the last look that had any, from which looks reach back, and of the look under way; 0
    /// for none.
    mark: u32,
    rising: u32,
    /// Reports up to this time may have been seen in an earlier life.
    forgotten: u32,
    run: Option<Run>,
}

impl Port {
    const NEW: Self =
        Self { looks: History([Look::NEVER; KEPT]), mark: 0, rising: 0, forgotten: 0, run: None };
}

/// What an earlier life saved: the highest time of all reports that it had seen, and its last look at all ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Mark {
    pub(in crate::track) highest: u32,
    pub(in crate::track) at: Tick,
}

/// The looks at all ports.
#[derive(Debug)]
pub(in crate::track) struct Looks {
    ports: [Port; PORTS],
    /// When the look under way began.
    begun: Tick,
    /// When the last look at all ports began, if there was one in this life.
    all: Option<Tick>,
    /// The highest time of a report.
    highest: u32,
    /// When this life began.
    started: Tick,
}

impl Looks {
    pub(in crate::track) const NEW: Self =
        Self { ports: [Port::NEW; PORTS], begun: Tick::ZERO, all: None, highest: 0, started: Tick::ZERO };

    fn chosen(&mut self, ports: u32) -> impl Iterator<Item = &mut Port> {
        let is_chosen = move |(index, port)| (ports == 0 || ports >> index & 1 == 1).then_some(port);
        self.ports.iter_mut().enumerate().filter_map(is_chosen)
    }

    fn port(&self, port: u8) -> Option<&Port> {
        self.ports.get(usize::from(port))
    }

    /// Begins a look.
    pub(in crate::track) fn begin(&mut self, now: Tick) {
        self.begun = now;
        for port in &mut self.ports {
            port.rising = 0;
        }
    }

    /// Notes a new report of the look under way.
    pub(in crate::track) fn see(&mut self, port: u8, time: Option<GatewaySeconds>) {
        let (Some(port), Some(time)) = (self.ports.get_mut(usize::from(port)), time) else { return };
        port.rising = port.rising.max(time.get());
        self.highest = self.highest.max(time.get());
    }

    /// Notes the end of a complete look at ports, 0 for all of them.
    pub(in crate::track) fn complete(&mut self, ports: u32, after: Option<GatewaySeconds>) {
        let look = Look { at: self.begun, after: after.map_or(0, GatewaySeconds::get) };
        for port in self.chosen(ports) {
            // Not the maximum: after a clock was put back, old reports are the highest for long.
            if port.rising > 0 {
                port.mark = port.rising;
            }
            port.looks.add(look);
        }
        if ports == 0 {
            self.all = Some(look.at);
        }
    }

    /// Returns when a report that is seen for the first time had certainly not arrived; `None` if that is not known.
    pub(in crate::track) fn absent(&self, port: u8, time: Option<GatewaySeconds>) -> Option<Tick> {
        let (port, time) = (self.port(port)?, time?.get());
        if time <= port.forgotten {
            return None;
        }
        port.looks.absent(time)
    }

    /// Notes that a message was forgotten whose report may have arrived since the last look at its port.
    pub(in crate::track) fn lose_sight(&mut self, port: u8, needed: Tick) {
        let Some(port) = self.ports.get_mut(usize::from(port)) else { return };
        port.looks.forget_before(needed);
    }

    /// Returns whether the ports were not looked at for so long that little would be known of a report.
    pub(in crate::track) fn is_stale(&self, now: Tick) -> bool {
        self.all.is_none_or(|at| at.ago(now) > STALE)
    }

    /// Returns the time after which reports of ports are looked at, 0 for all of them; `None` for all reports.
    pub(in crate::track) fn after(&self, ports: u32) -> Option<GatewaySeconds> {
        let is_chosen = |index: usize| ports == 0 || ports >> index & 1 == 1;
        let chosen = self.ports.iter().enumerate().filter(|(index, _)| is_chosen(*index));
        // A port without reports has none to be read again.
        let marks = chosen.map(|(_, port)| port.mark).filter(|mark| *mark > 0);
        marks.min().and_then(|mark| GatewaySeconds::new(mark.saturating_sub(OVERLAP)))
    }

    /// Returns the time after which all reports are looked at in case a clock is far behind.
    pub(in crate::track) fn wide_after(&self) -> Option<GatewaySeconds> {
        self.after(0).map(|after| after.minus(WIDE - OVERLAP))
    }

    /// Returns whether two ports can share a look.
    pub(in crate::track) fn are_near(&self, one: u8, other: u8) -> bool {
        let mark = |port| self.port(port).map_or(0, |port| port.mark);
        let (one, other) = (mark(one), mark(other));
        one == 0 || other == 0 || one.abs_diff(other) <= NEAR
    }

    /// Notes the references of a message of this client, and when it was sent.
    pub(in crate::track) fn note_place(
        &mut self,
        (port, first, segments): (u8, u8, u8),
        sent: Option<GatewaySeconds>,
        now: Tick,
    ) {
        let Some(port) = self.ports.get_mut(usize::from(port)) else { return };
        let (sent, next) = (sent.map_or(0, GatewaySeconds::get), first.wrapping_add(segments));
        match &mut port.run {
            Some(run) if run.next == first && sent >= run.last_sent => {
                (run.next, run.last_sent) = (next, sent);
            }
            // Results may arrive in another order.
            Some(run) if run.first == next && sent <= run.first_sent => {
                (run.first, run.first_sent) = (first, sent);
            }
            run => *run = Some(Run { since: now, first, next, first_sent: sent, last_sent: sent }),
        }
    }

    /// Returns whether only this client sent through a port for a number of ticks before a time.
    pub(in crate::track) fn is_alone(&self, port: u8, until: Tick, ticks: u32) -> bool {
        let run = self.port(port).and_then(|port| port.run);
        run.is_some_and(|run| run.since.ago(until) > ticks)
    }

    /// Returns whether something happened in this life.
    pub(in crate::track) fn is_recent(&self, at: Tick) -> bool {
        !at.is_due(self.started)
    }

    /// Starts a life, after one that saved a mark.
    pub(in crate::track) fn start(&mut self, now: Tick, mark: Option<Mark>) {
        *self = Self { started: now, ..Self::NEW };
        let Some(mark) = mark else { return };
        self.highest = mark.highest;
        for port in &mut self.ports {
            port.looks.add(Look { at: mark.at, after: 0 });
            port.forgotten = mark.highest;
        }
    }

    /// Returns what is saved for the next life, once there was a look at all ports.
    pub(in crate::track) fn mark(&self) -> Option<Mark> {
        Some(Mark { highest: self.highest, at: self.all? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: u32) -> Option<GatewaySeconds> {
        GatewaySeconds::new(seconds)
    }

    fn look(looks: &mut Looks, at: u32, seen: &[u32], after: Option<GatewaySeconds>) {
        looks.begin(Tick::new(at));
        for seconds in seen {
            looks.see(3, time(*seconds));
        }
        looks.complete(0, after);
    }

    #[test]
    fn a_report_arrived_after_the_last_complete_look_that_would_have_shown_it() {
        let mut looks = Looks::NEW;
        assert_eq!(looks.absent(3, time(5000)), None);
        look(&mut looks, 100, &[5000], None);
        let after = looks.after(8);
        look(&mut looks, 200, &[], after);
        assert_eq!(looks.after(8), time(4400));
        assert_eq!(looks.absent(3, time(4401)), Some(Tick::new(200)));
        assert_eq!(looks.absent(3, time(4400)), Some(Tick::new(100)), "the later look did not show it");
        assert_eq!(looks.absent(3, None), None);
        assert_eq!(looks.absent(200, time(4401)), None);
        // An incomplete look shows nothing about what it did not contain.
        looks.begin(Tick::new(300));
        looks.see(3, time(9000));
        assert_eq!((looks.absent(3, time(9001)), looks.after(8)), (Some(Tick::new(200)), time(4400)));
    }

    #[test]
    fn looks_long_ago_are_kept_further_apart() {
        let mut history = History([Look::NEVER; KEPT]);
        for second in 0..10_000 {
            history.add(Look { at: Tick::new(second), after: second });
        }
        let ages: std::vec::Vec<u32> = history.0.iter().map(|look| 9_999 - look.after).collect();
        assert!(ages.windows(2).all(|pair| pair[0] < pair[1]), "{ages:?}");
        assert!(ages[0] == 0 && ages[KEPT - 1] == 9_999 && (50..5_000).contains(&ages[3]), "{ages:?}");
        // A look that reaches further back replaces those before it.
        history.add(Look { at: Tick::new(20_000), after: 0 });
        assert_eq!((history.absent(1), history.absent(0)), (Some(Tick::new(20_000)), None));
        assert_eq!(history.0[1].after, u32::MAX);
    }

    #[test]
    fn a_saved_mark_bounds_reports_above_it() {
        let mut looks = Looks::NEW;
        look(&mut looks, 100, &[5000], None);
        let mark = looks.mark();
        let mut looks = Looks::NEW;
        looks.start(Tick::new(700), mark);
        assert_eq!((looks.absent(3, time(5000)), looks.absent(3, time(5001))), (None, Some(Tick::new(100))));
        assert!(looks.is_stale(Tick::new(700)));
    }

    #[test]
    fn a_gap_between_references_shows_that_others_send() {
        let mut looks = Looks::NEW;
        looks.note_place((3, 254, 3), time(10), Tick::new(10));
        looks.note_place((3, 2, 1), time(12), Tick::new(20));
        looks.note_place((3, 1, 1), time(11), Tick::new(20));
        let gap_at = |looks: &Looks| looks.port(3).and_then(|port| port.run).map(|run| run.since);
        assert_eq!(gap_at(&looks), Some(Tick::new(20)), "1 is missing until it is seen");
        looks.note_place((3, 3, 1), time(13), Tick::new(30));
        assert!(looks.is_alone(3, Tick::new(101), 80) && !looks.is_alone(3, Tick::new(100), 80));
        looks.note_place((3, 5, 1), time(14), Tick::new(40));
        assert_eq!(gap_at(&looks), Some(Tick::new(40)));
        assert!(!looks.is_alone(4, Tick::new(9000), 80));
    }

    #[test]
    fn a_message_that_was_forgotten_may_have_had_its_report_since_the_last_look() {
        let mut looks = Looks::NEW;
        look(&mut looks, 100, &[5000], None);
        looks.lose_sight(3, Tick::new(100));
        assert_eq!(looks.absent(3, time(5001)), Some(Tick::new(100)));
        looks.lose_sight(3, Tick::new(101));
        assert_eq!(looks.absent(3, time(5001)), None);
    }
}
