//! Numbers of a server that runs, as Prometheus scrapes them.
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::fetcher::LeadCounts;
use crate::ledger::Queue;
use crate::run::Counted;

/// Upper bounds of the buckets that requests are counted in by how long they took, seconds.
const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// What was counted since the program started.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub records_accepted: AtomicU64,
    pub records_refused: AtomicU64,
    pub events_queued: AtomicU64,
    pub events_known: AtomicU64,
    requests: Mutex<Requests>,
}

#[derive(Debug, Default)]
struct Requests {
    /// By status.
    answered: BTreeMap<u16, u64>,
    /// One a bucket, and what took longer than all of them.
    durations: [u64; BUCKETS.len() + 1],
    seconds: f64,
}

impl Metrics {
    /// Counts a request to take events.
    pub(super) fn count(&self, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.answered.entry(status).or_default() += 1;
        requests.durations[bucket.unwrap_or(BUCKETS.len())] += 1;
        requests.seconds += seconds;
    }

    /// All of it as text. `now` is in Unix seconds.
    pub(super) fn text(
        &self,
        queue: Queue,
        (delivered, leads): (&Counted, Option<&LeadCounts>),
        now: i64,
    ) -> String {
        let mut page = Page::default();
        page.family(
            "crm2capi_serve_queue_events",
            "gauge",
            "Events that wait to be delivered.",
        );
        page.sample("", queue.events as f64);
        page.family(
            "crm2capi_serve_queue_oldest_seconds",
            "gauge",
            "How long the event has waited that has waited longest.",
        );
        let oldest = queue.since.map_or(0, |since| (now - since).max(0));
        page.sample("", oldest as f64);
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed) as f64;
        page.family(
            "crm2capi_serve_records_total",
            "counter",
            "Records that were posted.",
        );
        page.sample("{result=\"accepted\"}", load(&self.records_accepted));
        page.sample("{result=\"refused\"}", load(&self.records_refused));
        page.family(
            "crm2capi_serve_events_total",
            "counter",
            "Events of these records.",
        );
        page.sample("{result=\"queued\"}", load(&self.events_queued));
        page.sample("{result=\"known\"}", load(&self.events_known));
        page.family(
            "crm2capi_serve_outcomes_total",
            "counter",
            "Events that left the queue.",
        );
        page.sample("{outcome=\"accepted\"}", load(&delivered.accepted));
        page.sample("{outcome=\"rejected\"}", load(&delivered.rejected));
        page.sample("{outcome=\"expired\"}", load(&delivered.expired));
        page.family(
            "crm2capi_serve_resting_events",
            "gauge",
            "Events that wait without being sent again, as several deliveries ended without a receipt for them.",
        );
        page.sample("", load(&delivered.resting));
        page.family(
            "crm2capi_serve_delivery_status",
            "gauge",
            "How the last delivery ended, as the exit status an upload would have; 0 when all is well.",
        );
        page.sample("", load(&delivered.last_status));
        if let Some(leads) = leads {
            of_leads(&mut page, queue.leads, leads);
        }
        self.requests(&mut page);
        page.0
    }

    fn requests(&self, page: &mut Page) {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        page.family(
            "crm2capi_serve_requests_total",
            "counter",
            "Requests to take events, by the status they were answered with.",
        );
        for (status, count) in &requests.answered {
            page.sample(&format!("{{status=\"{status}\"}}"), *count as f64);
        }
        page.family(
            "crm2capi_serve_request_seconds",
            "histogram",
            "How long requests to take events took, from their head to their answer.",
        );
        let mut sum = 0;
        for (bound, count) in BUCKETS.iter().zip(requests.durations) {
            sum += count;
            page.sample(&format!("_bucket{{le=\"{bound}\"}}"), sum as f64);
        }
        sum += requests.durations[BUCKETS.len()];
        page.sample("_bucket{le=\"+Inf\"}", sum as f64);
        page.sample("_sum", requests.seconds);
        page.sample("_count", sum as f64);
    }
}

/// Numbers of Meta's webhook of leads.
fn of_leads(page: &mut Page, waiting: u64, leads: &LeadCounts) {
    page.family(
        "crm2capi_serve_leads_waiting",
        "gauge",
        "Leads that Meta told of and that are not read yet.",
    );
    page.sample("", waiting as f64);
    page.family(
        "crm2capi_serve_leads_total",
        "counter",
        "Leads that Meta told of, and what became of them.",
    );
    for (result, count) in [
        ("told", &leads.told),
        ("kept", &leads.kept),
        ("passed_over", &leads.passed_over),
        ("dropped", &leads.dropped),
    ] {
        let count = count.load(Ordering::Relaxed) as f64;
        page.sample(&format!("{{result=\"{result}\"}}"), count);
    }
}

/// A page of metrics, and the family that is being written.
#[derive(Default)]
struct Page(String, &'static str);

impl Page {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.1 = name;
        // Writing to a string cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, rest: &str, value: f64) {
        let name = self.1;
        let _ = writeln!(self.0, "{name}{rest} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_every_family_is_typed() {
        let metrics = Metrics::default();
        for (status, ms) in [(202, 3), (202, 40), (422, 40), (503, 20_000)] {
            metrics.count(status, Duration::from_millis(ms));
        }
        let queue = Queue {
            events: 7,
            since: Some(1_000),
            leads: 3,
        };
        let (delivered, leads) = (Counted::default(), LeadCounts::default());
        let text = metrics.text(queue, (&delivered, Some(&leads)), 1_060);
        for line in [
            "crm2capi_serve_queue_events 7",
            "crm2capi_serve_queue_oldest_seconds 60",
            "crm2capi_serve_leads_waiting 3",
            "crm2capi_serve_requests_total{status=\"202\"} 2",
            "crm2capi_serve_request_seconds_bucket{le=\"0.005\"} 1",
            "crm2capi_serve_request_seconds_bucket{le=\"0.05\"} 3",
            "crm2capi_serve_request_seconds_bucket{le=\"10\"} 3",
            "crm2capi_serve_request_seconds_bucket{le=\"+Inf\"} 4",
            "crm2capi_serve_request_seconds_count 4",
            "crm2capi_serve_request_seconds_sum 20.083",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
