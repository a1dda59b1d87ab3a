//! Marks that the server has to hear of, kept until it has acknowledged them.

use std::collections::BTreeMap;

use nucleon_model::PortId;
use nucleon_wire::{PortMark, Report};

/// The most marks in one report: with more the answer takes noticeably long.
const BATCH: usize = 500;

/// What the server has not acknowledged. For each port only the latest word counts, so that the queue is never larger than the
/// ports that there were.
#[derive(Debug, Default)]
pub(crate) struct ReportQueue {
    forwarding: BTreeMap<PortId, (Forwarding, PortMark)>,
    dhcp_ready: BTreeMap<PortId, PortMark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forwarding {
    Wired,
    Unwired,
}

impl ReportQueue {
    pub(crate) fn wired(&mut self, marks: Vec<PortMark>) {
        let marks = marks.into_iter().map(|mark| (mark.port_id, (Forwarding::Wired, mark)));
        self.forwarding.extend(marks);
    }

    pub(crate) fn unwired(&mut self, marks: Vec<PortMark>) {
        let marks = marks.into_iter().map(|mark| (mark.port_id, (Forwarding::Unwired, mark)));
        self.forwarding.extend(marks);
    }

    pub(crate) fn dhcp_ready(&mut self, marks: Vec<PortMark>) {
        self.dhcp_ready.extend(marks.into_iter().map(|mark| (mark.port_id, mark)));
    }

    /// The next report to send; it stays in the queue.
    pub(crate) fn next(&self) -> Option<Report> {
        if let Some((first, _)) = self.forwarding.values().next() {
            let alike = self.forwarding.values().filter(|(forwarding, _)| forwarding == first);
            let ports = alike.map(|(_, mark)| *mark).take(BATCH).collect();
            return Some(match first {
                Forwarding::Wired => Report::Wired { ports },
                Forwarding::Unwired => Report::Unwired { ports },
            });
        }
        let ports: Vec<_> = self.dhcp_ready.values().copied().take(BATCH).collect();
        (!ports.is_empty()).then_some(Report::DhcpReady { ports })
    }

    /// Takes out what was acknowledged, but not what was said of the same ports since.
    pub(crate) fn acknowledged(&mut self, report: &Report) {
        match report {
            Report::Wired { ports } => self.forwarded(Forwarding::Wired, ports),
            Report::Unwired { ports } => self.forwarded(Forwarding::Unwired, ports),
            Report::DhcpReady { ports } => {
                for mark in ports {
                    if self.dhcp_ready.get(&mark.port_id) == Some(mark) {
                        self.dhcp_ready.remove(&mark.port_id);
                    }
                }
            }
            Report::Heartbeat(_) => {}
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.forwarding.len() + self.dhcp_ready.len()
    }

    fn forwarded(&mut self, forwarding: Forwarding, ports: &[PortMark]) {
        for mark in ports {
            if self.forwarding.get(&mark.port_id) == Some(&(forwarding, *mark)) {
                self.forwarding.remove(&mark.port_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::Timestamp;

    use super::*;
    use crate::samples::port_id;

    fn mark(number: u128, revision: i64) -> PortMark {
        PortMark { port_id: port_id(number), revision, at: Timestamp::from_micros(revision) }
    }

    /// All reports in order, each acknowledged.
    fn drain(queue: &mut ReportQueue) -> Vec<Report> {
        std::iter::from_fn(|| {
            let report = queue.next()?;
            queue.acknowledged(&report);
            Some(report)
        })
        .collect()
    }

    #[test]
    fn a_report_stays_until_it_is_acknowledged() {
        let mut queue = ReportQueue::default();
        queue.wired(vec![mark(1, 1)]);
        let report = queue.next().unwrap();
        assert_eq!(queue.next().as_ref(), Some(&report));
        queue.acknowledged(&report);
        assert_eq!((queue.next(), queue.len()), (None, 0));
    }

    #[test]
    fn what_was_said_since_is_not_acknowledged_with_it() {
        let mut queue = ReportQueue::default();
        queue.wired(vec![mark(1, 1), mark(2, 1)]);
        queue.dhcp_ready(vec![mark(1, 1)]);
        let sent = queue.next().unwrap();
        queue.wired(vec![mark(1, 2)]);
        queue.unwired(vec![mark(2, 1)]);
        queue.acknowledged(&sent);
        assert_eq!(
            drain(&mut queue),
            [
                Report::Wired { ports: vec![mark(1, 2)] },
                Report::Unwired { ports: vec![mark(2, 1)] },
                Report::DhcpReady { ports: vec![mark(1, 1)] },
            ]
        );
    }

    #[test]
    fn only_the_last_word_about_a_port_is_sent() {
        let mut queue = ReportQueue::default();
        queue.unwired(vec![mark(1, 1)]);
        queue.wired(vec![mark(1, 1)]);
        queue.unwired(vec![mark(1, 2)]);
        assert_eq!(drain(&mut queue), [Report::Unwired { ports: vec![mark(1, 2)] }]);
    }

    #[test]
    fn many_marks_go_in_several_reports() {
        let mut queue = ReportQueue::default();
        let count = u128::try_from(BATCH).unwrap() + 1;
        queue.wired((0..count).map(|number| mark(number, 1)).collect());
        let sizes: Vec<_> = drain(&mut queue)
            .iter()
            .map(|report| match report {
                Report::Wired { ports } => ports.len(),
                _ => 0,
            })
            .collect();
        assert_eq!(sizes, [BATCH, 1]);
    }
}
