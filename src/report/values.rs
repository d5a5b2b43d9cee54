//! What leads are worth by stage and currency. Amounts of different currencies are never added up, and neither are those of
//! different stages, which may be the same sale.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::names::{MANY, Names};
use crate::custom_data::Worth;

/// What the leads are worth that reached a stage.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StageValue {
    /// The event's name.
    pub event_name: String,
    /// The currency, by its ISO 4217 code.
    pub currency: &'static str,
    /// Events with a value in this currency that were accepted, or would be sent.
    pub events: u64,
    /// The sum of their values.
    pub value: f64,
}

/// A sum, and of how many amounts. The sum is exact to the millionth.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    millionths: u128,
    events: u64,
}

/// Sums by event name and currency. Memory is bounded: there are few currencies.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    names: Names<BTreeMap<&'static str, Sum>, MANY>,
}

impl Values {
    pub(super) fn add(&mut self, event_name: &str, (amount, currency): Worth) {
        let sums = self.names.counter(event_name);
        add(
            sums.entry(currency.code()).or_default(),
            Sum {
                millionths: amount.millionths(),
                events: 1,
            },
        );
    }

    pub(super) fn merge(&mut self, later: Self) {
        self.names.merge(later.names, |sums, others| {
            for (currency, sum) in others {
                add(sums.entry(currency).or_default(), sum);
            }
        });
    }

    /// By event name and currency; names past the bound are left out, as amounts of several stages are never added up.
    pub(super) fn finish(self) -> Vec<StageValue> {
        let (named, _) = self.names.into_parts();
        let of_stage = |(name, sums): (Box<str>, BTreeMap<&'static str, Sum>)| {
            sums.into_iter().map(move |(currency, sum)| StageValue {
                event_name: name.to_string(),
                currency,
                events: sum.events,
                value: sum.millionths as f64 / 1e6,
            })
        };
        named.into_iter().flat_map(of_stage).collect()
    }
}

fn add(sum: &mut Sum, other: Sum) {
    sum.millionths = sum.millionths.saturating_add(other.millionths);
    sum.events += other.events;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custom_data::{Amount, Currency};

    #[test]
    fn values_add_up_exactly_by_stage_and_currency() {
        let mut values = Values::default();
        let worth = |amount: f64, currency| (Amount::from_number(amount).unwrap(), currency);
        for _ in 0..30 {
            values.add("Won", worth(0.1, Currency::EUR));
        }
        values.add("Won", worth(1_000.0, Currency::USD));
        let mut later = Values::default();
        later.add("Won", worth(0.05, Currency::EUR));
        later.add("Lead", worth(25.0, Currency::EUR));
        values.merge(later);
        let sums: Vec<_> = values
            .finish()
            .into_iter()
            .map(|it| (it.event_name, it.currency, it.events, it.value))
            .collect();
        let expected = [
            ("Lead".to_owned(), "EUR", 1, 25.0),
            ("Won".to_owned(), "EUR", 31, 3.05),
            ("Won".to_owned(), "USD", 1, 1_000.0),
        ];
        assert_eq!(sums, expected);
    }
}
