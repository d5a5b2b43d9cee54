//! Asks whether the token and the dataset are fit to upload, without recording anything.
//!
//! Input: a client. Output: what the answer to a request with one empty event says. A live token is told that the event
//! does not follow the schema, a dead one that it is dead.

use std::time::Duration;

use bytes::Bytes;

use super::client::Client;
use super::usage::{Usage, server_time};
use super::verdict::{Cause, Retry, Stop, Verdict, Why, judge};

/// What a probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Whether an upload would get through.
    pub finding: Finding,
    /// The time by the server's clock, Unix seconds; compare it with this machine's to find the skew.
    pub server_time: Option<i64>,
    /// The most used of all allowances, in percent.
    pub used_percent: f64,
    /// The answer's trace id, for Meta's support.
    pub fbtrace_id: Option<String>,
}

/// Whether an upload would get through.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// It would.
    Fit,
    /// Token, permission, dataset or version stand in the way.
    Stopped(Stop),
    /// The allowance of calls is used up.
    Throttled {
        /// The wait the server asks for.
        wait: Option<Duration>,
    },
    /// There is no answer of Meta's, or one that asks to try later.
    NoAnswer(Cause),
}

/// Sends `{"data":[{}]}` once.
pub async fn probe(client: &Client) -> Probe {
    let result = client.send(Bytes::from_static(br#"{"data":[{}]}"#)).await;
    let headers = result.as_ref().ok().map(|answer| &answer.headers);
    let server_time = headers.and_then(server_time);
    let used_percent = headers
        .map(|headers| Usage::read(headers).percent)
        .unwrap_or_default();
    let (finding, fbtrace_id) = match judge(&result, 1) {
        Verdict::Accepted(receipt) | Verdict::Miscounted(receipt) => {
            (Finding::Fit, receipt.fbtrace_id)
        }
        // Meta looked at the payload, so it let token and dataset pass.
        Verdict::Split(fault) | Verdict::Refuse { fault, .. } => (Finding::Fit, fault.fbtrace_id),
        Verdict::Stop(stop) => {
            let trace = stop.fault.fbtrace_id.clone();
            (Finding::Stopped(stop), trace)
        }
        Verdict::Retry(Retry {
            why, wait, cause, ..
        }) => {
            let trace = if let Cause::Fault(fault) = &cause {
                fault.fbtrace_id.clone()
            } else {
                None
            };
            (
                if why == Why::Throttled {
                    Finding::Throttled { wait }
                } else {
                    Finding::NoAnswer(cause)
                },
                trace,
            )
        }
    };
    Probe {
        finding,
        server_time,
        used_percent,
        fbtrace_id,
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
    async fn a_live_token_is_fit_whatever_meta_says_of_the_payload() {
        let found = probed(Reply::fault(400, 100, 2804019)).await;
        assert_eq!(
            (found.finding, found.fbtrace_id.as_deref()),
            (Finding::Fit, Some("F"))
        );
        assert_eq!(
            probed(Reply::fault(400, 100, 2804050)).await.finding,
            Finding::Fit
        );
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
