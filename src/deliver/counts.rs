//! Counts what became of the events, and groups what Meta refused them for.

use std::collections::HashMap;
use std::sync::Arc;

use super::run::Run;
use super::{Delivery, Outcome, Refusal};
use crate::event::{Event, Origin};
use crate::graph::fault::Fault;

/// Rows remembered of each kind of refusal.
const MAX_ORIGINS: usize = 5;

/// The outcomes so far; each is passed on to whoever wants to know.
pub(super) struct Counts<'a> {
    on_outcome: &'a mut dyn FnMut(&Event, &Outcome),
    accepted: u64,
    rejected: u64,
    undelivered: u64,
    uncertain: u64,
    duplicates: u64,
    refusals: HashMap<(i64, Option<i64>), Refusal>,
}

impl<'a> Counts<'a> {
    pub fn new(on_outcome: &'a mut dyn FnMut(&Event, &Outcome)) -> Counts<'a> {
        Counts {
            on_outcome,
            accepted: 0,
            rejected: 0,
            undelivered: 0,
            uncertain: 0,
            duplicates: 0,
            refusals: HashMap::new(),
        }
    }

    /// Adds what a lane tells.
    pub fn add(&mut self, told: Vec<(Event, Outcome)>) {
        for (event, outcome) in told {
            match &outcome {
                Outcome::Accepted => self.accepted += 1,
                Outcome::Rejected(fault) => {
                    self.rejected += 1;
                    self.refuse(fault, event.origin);
                }
                Outcome::Undelivered => self.undelivered += 1,
                Outcome::Uncertain => self.uncertain += 1,
                Outcome::Duplicate => self.duplicates += 1,
            }
            (self.on_outcome)(&event, &outcome);
        }
    }

    fn refuse(&mut self, fault: &Arc<Fault>, origin: Origin) {
        let refusal = self
            .refusals
            .entry((fault.code, fault.subcode))
            .or_insert_with(|| Refusal {
                fault: Arc::clone(fault),
                count: 0,
                origins: Vec::new(),
            });
        refusal.count += 1;
        if refusal.origins.len() < MAX_ORIGINS {
            refusal.origins.push(origin);
        }
    }

    /// The sum of it all, with what the run counted.
    pub fn into_delivery(self, run: &Run) -> Delivery {
        let (ended, tally) = run.result();
        let mut refusals: Vec<Refusal> = self.refusals.into_values().collect();
        refusals.sort_by_key(|refusal| {
            (
                std::cmp::Reverse(refusal.count),
                refusal.fault.code,
                refusal.fault.subcode,
            )
        });
        Delivery {
            accepted: self.accepted,
            rejected: self.rejected,
            undelivered: self.undelivered,
            uncertain: self.uncertain,
            duplicates: self.duplicates,
            resent: tally.resent,
            batches: tally.batches,
            requests: tally.requests,
            retries: tally.retries,
            fbtrace_ids: tally.fbtrace_ids,
            messages: tally.messages,
            refusals,
            ended,
        }
    }
}
