//! Which decimal mark the amounts of a column are written with.
//!
//! `1.234` alone has two readings; beside `1.234,50` or `99,90` in the same column it has one. The whole column is asked,
//! since a mark that stands for both has no meaning in any of its cells.

use iso_currency::Currency;

use super::amount::DecimalMark;
use super::money::{Readings, readings};

/// What the amounts of a column say about its decimal mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MarkEvidence {
    has_point: bool,
    has_comma: bool,
    has_unclear: bool,
}

impl MarkEvidence {
    /// Takes note of a cell; what is no amount says nothing.
    pub(crate) fn observe(&mut self, text: &str) {
        match readings(text) {
            Readings::None => {}
            Readings::Both => self.has_unclear = true,
            Readings::One(DecimalMark::Point) => self.has_point = true,
            Readings::One(DecimalMark::Comma) => self.has_comma = true,
        }
    }

    /// Whether other rows may tell more than these, and it matters: points alone are how programs write numbers.
    pub(crate) fn is_open(self) -> bool {
        self.has_unclear || self.has_comma
    }

    /// The mark of the column; none where nothing tells, or both stand.
    fn settles(self) -> Option<DecimalMark> {
        match (self.has_point, self.has_comma) {
            (true, false) => Some(DecimalMark::Point),
            (false, true) => Some(DecimalMark::Comma),
            _ => None,
        }
    }
}

/// What amounts are read by that do not say everything themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Amounts {
    /// The currency of all rows, where neither a row nor a stage names one.
    pub currency: Option<Currency>,
    marks: Vec<(u32, DecimalMark)>,
}

impl Amounts {
    /// From the currency of all rows, and what was seen of each column of amounts.
    pub(crate) fn new(currency: Option<Currency>, seen: &[(u32, MarkEvidence)]) -> Self {
        let settled = |(column, evidence): &(u32, MarkEvidence)| {
            evidence
                .is_open()
                .then(|| evidence.settles())?
                .map(|mark| (*column, mark))
        };
        Self {
            currency,
            marks: seen.iter().filter_map(settled).collect(),
        }
    }

    /// The decimal mark of a column, where its cells tell.
    pub(crate) fn mark_of(&self, column: u32) -> Option<DecimalMark> {
        let found = self.marks.iter().find(|(known, _)| *known == column);
        found.map(|(_, mark)| *mark)
    }

    /// The columns whose mark is known, in words.
    pub(crate) fn in_words(&self) -> impl Iterator<Item = (u32, &'static str)> {
        self.marks.iter().map(|(column, mark)| match mark {
            DecimalMark::Point => (*column, "point"),
            DecimalMark::Comma => (*column, "comma"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settled(cells: &[&str]) -> Option<DecimalMark> {
        let mut evidence = MarkEvidence::default();
        cells.iter().for_each(|cell| evidence.observe(cell));
        evidence.settles()
    }

    #[test]
    fn a_cell_with_one_reading_tells_for_its_column() {
        for (cells, expected) in [
            (&["1.234", "1.234,50"][..], Some(DecimalMark::Comma)),
            (&["1,234", "1,234.50"], Some(DecimalMark::Point)),
            (&["1.234", "99,9 €"], Some(DecimalMark::Comma)),
            (&["1.234", "1.234.567"], Some(DecimalMark::Comma)),
            (&["1,234", "₹12,34,567"], Some(DecimalMark::Point)),
            (&["1,234", "CHF 1'234.50"], Some(DecimalMark::Point)),
            (&["1,234", "1 234,5"], Some(DecimalMark::Comma)),
            (&["1.234", "5.678", "1200", "", "n/a", "call me"], None),
            (&["1.234", "1.234,50", "1,234.50"], None),
        ] {
            assert_eq!(settled(cells), expected, "{cells:?}");
        }
    }

    #[test]
    fn only_marks_that_may_mean_two_things_make_a_column_worth_reading_on() {
        let is_open = |cell| {
            let mut evidence = MarkEvidence::default();
            evidence.observe(cell);
            evidence.is_open()
        };
        for cell in ["1.234", "$1,234", "99,90"] {
            assert!(is_open(cell), "{cell}");
        }
        for cell in ["1234.50", "4800", "0.5", "", "high"] {
            assert!(!is_open(cell), "{cell}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_cells_does_not_matter(cells in prop::collection::vec("[0-9]{1,3}([.,][0-9]{1,3}){0,2}", 0..8)) {
            let forth: Vec<&str> = cells.iter().map(String::as_str).collect();
            let back: Vec<&str> = forth.iter().rev().copied().collect();
            prop_assert_eq!(settled(&forth), settled(&back));
        }
    }
}
