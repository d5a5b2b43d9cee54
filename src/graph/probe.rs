//! Asks whether the token and the dataset are fit to upload, without recording anything.
//!
//! Input: a client. Output: what the answer to a request with one empty event says. A live token is told that the event
//! does not follow the schema, a dead one that it is dead.

use std::time::Duration;

use bytes::Bytes;

use super::client::Client;
use super::fault::Fault;
use super::served::Served;
use super::usage::{Usage, server_time};
use super::verdict::{Cause, Retry, SCHEMA, Stop, Verdict, Why, judge};

/// What a probe found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Probe {
    /// Whether an upload would get through.
    pub finding: Finding,
    /// The time by the server's clock, Unix seconds; compare it with this machine's to find the skew.
    pub server_time: Option<i64>,
    /// The most used of all allowances, in percent.
    pub used_percent: f64,
    /// The answer's trace id, for Meta's support.
    pub fbtrace_id: Option<String>,
    /// Which version answered.
    pub served: Served,
}

/// Whether an upload would get through.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding {
    /// It would: Meta looked at the event itself.
    Fit,
    /// Token, permission, dataset or version stand in the way.
    Stopped(Stop),
    /// Meta answered something that says neither.
    Unclear(Option<Fault>),
    /// The allowance of calls is used up.
    Throttled {
        /// The wait the server asks for.
        wait: Option<Duration>,
    },
    /// There is no answer of Meta's, or one that asks to try later.
    NoAnswer(Cause),
}

/// The body of a probe: one event without anything in it, which Meta refuses and does not record.
pub(crate) const BODY: &[u8] = br#"{"data":[{}]}"#;

/// Whether a verdict on a probe shows that the request as such is sound: then only the empty event was refused.
pub(crate) fn is_sound(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Split(fault) | Verdict::Refuse { fault, .. }
        if (fault.code, fault.subcode) == (100, Some(SCHEMA)))
}

/// Sends a probe once.
pub(crate) async fn probe(client: &Client) -> Probe {
    let result = client.send(Bytes::from_static(BODY)).await;
    let headers = result.as_ref().ok().map(|answer| &answer.headers);
    let server_time = headers.and_then(server_time);
    let used_percent = headers
        .map(|headers| Usage::read(headers).percent)
        .unwrap_or_default();
    let served = headers.map(Served::of).unwrap_or_default();
    let verdict = judge(&result, 1);
    let fbtrace_id = verdict.fbtrace_id().map(str::to_owned);
    let finding = match verdict {
        // The app's secret, the token and the dataset are looked at before any event is.
        Verdict::Split(fault) | Verdict::Refuse { fault, .. } | Verdict::TooOld(fault)
            if fault.code == 100 =>
        {
            Finding::Fit
        }
        Verdict::Split(fault)
        | Verdict::Refuse { fault, .. }
        | Verdict::TooOld(fault)
        | Verdict::Unclear(fault) => Finding::Unclear(Some(fault)),
        // Meta takes no empty event.
        Verdict::Accepted(_) | Verdict::Miscounted(_) => Finding::Unclear(None),
        Verdict::Stop(stop) => Finding::Stopped(stop),
        Verdict::Retry(Retry {
            why: Why::Throttled,
            wait,
            ..
        }) => Finding::Throttled { wait },
        Verdict::Retry(Retry { cause, .. }) => Finding::NoAnswer(cause),
    };
    Probe {
        finding,
        server_time,
        used_percent,
        fbtrace_id,
        served,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::testing::{Reply, Server};
    use crate::graph::answer::Silence;
    use crate::graph::verdict::Barrier;

    async fn probed(reply: Reply) -> Probe {
        let server = Server::start(move |_| reply.clone()).await;
        probe(&server.client()).await
    }

    #[tokio::test]
    async fn a_live_token_is_fit_only_when_meta_looked_at_the_event() {
        let found = probed(Reply::fault(400, 100, 2804019)).await;
        assert_eq!(
            (found.finding, found.fbtrace_id.as_deref()),
            (Finding::Fit, Some("F"))
        );
        assert_eq!(
            probed(Reply::fault(400, 100, 2804050)).await.finding,
            Finding::Fit
        );
        for (status, code, subcode) in [(400, 4711, 0), (400, 100, 17)] {
            let found = probed(Reply::fault(status, code, subcode)).await;
            assert!(
                matches!(found.finding, Finding::Unclear(Some(_))),
                "{found:?}"
            );
            assert_eq!(found.fbtrace_id.as_deref(), Some("F"));
        }
        let taken = Reply::Answer(200, "", r#"{"events_received":1}"#.into());
        assert_eq!(probed(taken).await.finding, Finding::Unclear(None));
    }

    #[tokio::test]
    async fn what_stands_in_the_way_is_told() {
        let found = probed(Reply::fault(400, 190, 463)).await;
        let Finding::Stopped(stop) = found.finding else {
            panic!("{found:?}")
        };
        assert_eq!(
            (stop.barrier, stop.fault.codes().as_str()),
            (Barrier::Token, "190/463")
        );
        let found = probed(Reply::Bytes(b"")).await;
        assert_eq!(
            (found.finding, found.server_time),
            (Finding::NoAnswer(Cause::Silence(Silence::Broken)), None)
        );
        let found = probed(Reply::Answer(502, "", "<html>".into())).await;
        assert_eq!(found.finding, Finding::NoAnswer(Cause::Foreign(502)));
    }

    #[tokio::test]
    async fn the_servers_clock_and_allowance_are_told() {
        let headers = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nX-App-Usage: {\"call_count\":100}\r\nRetry-After: 60\r\n";
        let found = probed(Reply::Answer(
            400,
            headers,
            r#"{"error":{"code":4}}"#.into(),
        ))
        .await;
        assert_eq!(
            found.finding,
            Finding::Throttled {
                wait: Some(Duration::from_secs(60))
            }
        );
        assert_eq!(
            (found.server_time, found.used_percent),
            (Some(1_700_000_000), 100.0)
        );
    }
}
