//! Counters by name, for names that stand in the export: stages and event names.
//!
//! A stage is no personal data, but a column mapped by mistake can bring anything. So the number of names is bounded
//! whatever the input, and a name that looks like a person's value is withheld: counted, but never shown.

/// So many different names are shown, the most frequent.
pub(crate) const MAX_NAMES: usize = 50;

/// So many are counted apart where the most frequent of all are to be known.
pub(super) const MANY: usize = 1_000;

/// Stands for all stages of a table that are not shown by name.
pub(crate) const OTHERS: &str = "(other stages)";

/// Stands for a name that may be a person's value.
pub(crate) const WITHHELD: &str = "(withheld)";

/// With so many names or more, most of them seen once, the column holds something else than stages.
const SUSPICIOUSLY_MANY: usize = 10;

/// One counter a name, sorted by name, for so many names; one for all names that come later.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names<C, const APART: usize = MAX_NAMES> {
    named: Vec<(Box<str>, C)>,
    rest: C,
}

impl<C: Default, const APART: usize> Names<C, APART> {
    /// The name's counter, or the common one once there are enough.
    pub(crate) fn counter(&mut self, name: &str) -> &mut C {
        match self
            .named
            .binary_search_by(|(known, _)| (**known).cmp(name))
        {
            Ok(index) => &mut self.named[index].1,
            Err(_) if self.named.len() == APART => &mut self.rest,
            Err(index) => {
                self.named.insert(index, (name.into(), C::default()));
                &mut self.named[index].1
            }
        }
    }

    /// Adds the counters of a later part of the input.
    pub(crate) fn merge(&mut self, later: Self, add: impl Fn(&mut C, C)) {
        for (name, count) in later.named {
            add(self.counter(&name), count);
        }
        add(&mut self.rest, later.rest);
    }

    /// Every counter, that of the names past the bound included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &C> {
        self.named
            .iter()
            .map(|(_, counter)| counter)
            .chain([&self.rest])
    }

    /// The names that are counted apart, with their counters.
    pub(super) fn named(&self) -> impl Iterator<Item = (&str, &C)> {
        self.named.iter().map(|(name, counter)| (&**name, counter))
    }

    /// The counter of all others.
    pub(super) fn rest(&self) -> &C {
        &self.rest
    }

    /// The names with their counters, and the counter of all others.
    pub(crate) fn into_parts(self) -> (Vec<(Box<str>, C)>, C) {
        (self.named, self.rest)
    }
}

impl<const APART: usize> Names<u64, APART> {
    /// Names fit to be shown, the most frequent first, and how many occurrences are left without a name.
    pub(crate) fn shown(&self) -> (Vec<(String, u64)>, u64) {
        let total = self.rest + self.named.iter().map(|(_, count)| count).sum::<u64>();
        let distinct = self.named.len();
        if distinct >= SUSPICIOUSLY_MANY && total < 2 * distinct as u64 {
            return (Vec::new(), total);
        }
        let fit = |&&(ref name, count): &&(Box<str>, u64)| !looks_personal(name, count);
        let mut shown: Vec<_> = self
            .named
            .iter()
            .filter(fit)
            .map(|(name, count)| (name.to_string(), *count))
            .collect();
        shown.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        shown.truncate(MAX_NAMES);
        let named: u64 = shown.iter().map(|(_, count)| count).sum();
        (shown, total - named)
    }
}

/// Whether a name may be an address, or a phone or id: long digits seen once. A CRM's numeric stage ids recur.
pub(crate) fn looks_personal(name: &str, count: u64) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    name.contains('@') || (digits >= 7 && count < 2) || name.len() > 100
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(names: &[(&str, u64)]) -> Names<u64> {
        let mut counted = Names::default();
        for (name, count) in names {
            *counted.counter(name) += count;
        }
        counted
    }

    #[test]
    fn the_most_frequent_name_comes_first() {
        let names = count(&[("Nurture", 2), ("Lost", 5), ("Nurture", 1), ("Archived", 3)]);
        let shown = [
            ("Lost".to_owned(), 5),
            ("Archived".to_owned(), 3),
            ("Nurture".to_owned(), 3),
        ];
        assert_eq!(names.shown(), (shown.to_vec(), 0));
    }

    #[test]
    fn the_most_frequent_names_are_shown_whatever_came_first_also_after_merging() {
        let mut names = Names::<u64, MANY>::default();
        for part in 0..2 {
            let mut later = Names::default();
            for index in 0..40 {
                *later.counter(&format!("stage {part} {index}")) += 10 + part;
            }
            names.merge(later, |sum, count| *sum += count);
        }
        let (shown, more) = names.shown();
        assert_eq!((shown.len(), more), (50, 300));
        assert!(
            shown[..40]
                .iter()
                .all(|(name, count)| name.starts_with("stage 1") && *count == 11)
        );
    }

    #[test]
    fn names_past_the_bound_are_counted_together() {
        let mut names = Names::<u64>::default();
        for index in 0..5_000 {
            *names.counter(&format!("stage {index}")) += 2;
        }
        assert_eq!(names.named.len(), MAX_NAMES);
        assert_eq!(names.shown().1, 2 * (5_000 - MAX_NAMES as u64));
    }

    #[test]
    fn what_looks_like_a_person_is_never_named() {
        let names = count(&[
            ("ava@example.com", 9),
            ("+1 212 555 0101", 1),
            ("New", 4),
            ("185721332", 30),
        ]);
        assert_eq!(
            names.shown(),
            (
                vec![("185721332".to_owned(), 30), ("New".to_owned(), 4)],
                10
            )
        );
        let first_names: Vec<_> = ('a'..='l').map(|letter| (letter.to_string(), 1)).collect();
        let first_names: Vec<_> = first_names
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        assert_eq!(count(&first_names).shown(), (vec![], 12));
    }
}
