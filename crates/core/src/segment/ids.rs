//! Sets of segmentation ids.

/// Ids as ranges, apart and in order. Costs follow the number of ranges, not that of ids: a VXLAN has 16 million.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ids(Vec<(i64, i64)>);

impl Ids {
    pub(crate) fn add(&mut self, first: i64, last: i64) {
        if first > last {
            return;
        }
        // Without what it meets, it is in nobody's way.
        self.remove(first, last);
        let place = self.0.partition_point(|range| range.0 < first);
        self.0.insert(place, (first, last));
    }

    pub(crate) fn remove(&mut self, first: i64, last: i64) {
        let cut = |(start, end): (i64, i64)| {
            let left = (start, end.min(first.saturating_sub(1)));
            let right = (start.max(last.saturating_add(1)), end);
            [left, right]
        };
        let meets = |range: &(i64, i64)| range.0 <= last && range.1 >= first;
        if !self.0.iter().any(meets) {
            return;
        }
        let kept = self
            .0
            .iter()
            .flat_map(|range| if meets(range) { cut(*range) } else { [*range, (1, 0)] });
        self.0 = kept.filter(|(start, end)| start <= end).collect();
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| first.abs_diff(*last).saturating_add(1)).sum()
    }

    /// The id that has `place` others before it.
    pub(crate) fn nth(&self, mut place: u64) -> Option<i64> {
        for (first, last) in &self.0 {
            let size = first.abs_diff(*last).saturating_add(1);
            if place < size {
                return first.checked_add_unsigned(place);
            }
            place -= size;
        }
        None
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_added_taken_out_and_counted() {
        let mut ids = Ids::default();
        ids.add(100, 102);
        ids.add(200, 200);
        ids.add(101, 105);
        assert_eq!(ids.iter().collect::<Vec<_>>(), [100, 101, 102, 103, 104, 105, 200]);
        ids.remove(101, 103);
        assert_eq!(
            (ids.count(), ids.nth(0), ids.nth(1), ids.nth(3)),
            (4, Some(100), Some(104), Some(200))
        );
        assert_eq!(ids.nth(4), None);
        ids.add(9, 8);
        ids.remove(0, 1000);
        assert_eq!(ids, Ids::default());
    }

    #[test]
    fn ranges_agree_with_sets() {
        let (mut ids, mut set) = (Ids::default(), BTreeSet::new());
        // A walk over small ranges that meet in every way.
        for step in 0..400i64 {
            let (first, length) = (step * 7 % 23, step * 5 % 4);
            let range = first..=first + length;
            if step % 3 == 0 {
                ids.remove(first, first + length);
                set.retain(|id| !range.contains(id));
            } else {
                ids.add(first, first + length);
                set.extend(range);
            }
            assert!(ids.iter().eq(set.iter().copied()), "{ids:?} {set:?}");
            assert_eq!(ids.count(), set.len() as u64);
        }
    }
}
