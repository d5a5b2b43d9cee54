//! Reads how much of its allowance an answer says is used, and how long to wait.
//!
//! Input: the headers of an answer. Output: the highest percentage and the longest wait they name. All of the headers
//! are optional, and one that cannot be read says nothing. Does not decide whether to wait.
//!
//! Source: <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// Above this percentage of an allowance requests are slowed down; at 100 Meta stops answering them.
const BUSY_PERCENT: f64 = 90.0;

/// What the headers of an answer say about the allowance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// The most used of all allowances, in percent.
    pub percent: f64,
    /// When access is regained, counted from the answer. Only means something when the answer was a throttle.
    pub wait: Option<Duration>,
}

impl Usage {
    /// Reads the three usage headers of Meta, and `Retry-After`, which a proxy may add.
    pub(crate) fn read(headers: &HeaderMap) -> Usage {
        let mut usage = Usage::default();
        if let Some(app) = json(headers, "x-app-usage") {
            usage.count_shares(&app);
        }
        if let Some(Value::Object(businesses)) = json(headers, "x-business-use-case-usage") {
            for case in businesses.values().filter_map(Value::as_array).flatten() {
                usage.count_shares(case);
                usage.count_wait(number(case, "estimated_time_to_regain_access") * 60.0);
            }
        }
        if let Some(account) = json(headers, "x-ad-account-usage") {
            usage.percent = usage.percent.max(number(&account, "acc_id_util_pct"));
            usage.count_wait(number(&account, "reset_time_duration"));
        }
        usage.wait = usage.wait.max(retry_after(headers));
        usage
    }

    /// How long to hold the next request back so that the allowance is not used up: nothing up to 90 %, then a
    /// second for each percent.
    pub(crate) fn slow_down(&self) -> Option<Duration> {
        (self.percent > BUSY_PERCENT).then(|| {
            Duration::from_secs_f64((self.percent.min(100.0) - BUSY_PERCENT).clamp(0.5, 10.0))
        })
    }

    fn count_shares(&mut self, shares: &Value) {
        for key in ["call_count", "total_time", "total_cputime"] {
            self.percent = self.percent.max(number(shares, key));
        }
    }

    fn count_wait(&mut self, seconds: f64) {
        self.wait = self.wait.max(duration(seconds));
    }
}

/// A wait, unless it is none. A year stands for everything longer: nobody waits for it.
fn duration(seconds: f64) -> Option<Duration> {
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.min(31_536_000.0)))
}

fn json(headers: &HeaderMap, name: &str) -> Option<Value> {
    serde_json::from_slice(headers.get(name)?.as_bytes()).ok()
}

/// The number under `key`, also when it is written as a string; 0 when there is none.
fn number(value: &Value, key: &str) -> f64 {
    match value.get(key) {
        Some(Value::Number(number)) => number.as_f64().unwrap_or_default(),
        Some(Value::String(text)) => text.trim().parse().unwrap_or_default(),
        _ => 0.0,
    }
}

/// The wait in `Retry-After`: seconds, or a date, which is compared with the server's own clock.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return duration(seconds as f64);
    }
    let until = http_date(text)?;
    duration((until - server_time(headers)?) as f64)
}

/// The time in the answer's `Date` header, Unix seconds.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<i64> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|time| time.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(headers: &[(&'static str, &str)]) -> Usage {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Usage::read(&map)
    }

    fn seconds(wait: u64) -> Option<Duration> {
        Some(Duration::from_secs(wait))
    }

    #[test]
    fn the_business_header_counts_minutes() {
        let header = r#"{"123":[{"type":"ads_management","call_count":95,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":19}]}"#;
        let read = usage(&[("x-business-use-case-usage", header)]);
        assert_eq!(
            read,
            Usage {
                percent: 95.0,
                wait: seconds(19 * 60)
            }
        );
        assert_eq!(read.slow_down(), seconds(5));
    }

    #[test]
    fn the_account_header_counts_seconds() {
        let read = usage(&[(
            "x-ad-account-usage",
            r#"{"acc_id_util_pct":9.67,"reset_time_duration":100}"#,
        )]);
        assert_eq!(
            read,
            Usage {
                percent: 9.67,
                wait: seconds(100)
            }
        );
        assert_eq!(read.slow_down(), None);
    }

    #[test]
    fn the_app_header_names_no_wait() {
        let read = usage(&[(
            "x-app-usage",
            r#"{"call_count":28,"total_time":25,"total_cputime":"91.5"}"#,
        )]);
        assert_eq!(
            read,
            Usage {
                percent: 91.5,
                wait: None
            }
        );
        assert_eq!(read.slow_down(), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_on_the_servers_clock() {
        assert_eq!(usage(&[("retry-after", "7")]).wait, seconds(7));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(
            usage(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), date]).wait,
            seconds(60)
        );
        assert_eq!(
            usage(&[("retry-after", "Sun, 06 Nov 1994 08:40:00 GMT"), date]).wait,
            None
        );
        assert_eq!(
            usage(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]).wait,
            None
        );
    }

    #[test]
    fn the_longest_wait_and_the_highest_share_count() {
        let read = usage(&[
            ("x-app-usage", r#"{"call_count":100}"#),
            (
                "x-ad-account-usage",
                r#"{"acc_id_util_pct":50,"reset_time_duration":5}"#,
            ),
            ("retry-after", "90"),
        ]);
        assert_eq!(
            read,
            Usage {
                percent: 100.0,
                wait: seconds(90)
            }
        );
        assert_eq!(read.slow_down(), seconds(10));
    }

    #[test]
    fn headers_that_make_no_sense_say_nothing() {
        for header in [
            "",
            "null",
            "[1]",
            r#"{"1":3}"#,
            r#"{"1":[null]}"#,
            r#"{"1":[{"estimated_time_to_regain_access":-4}]}"#,
        ] {
            assert_eq!(
                usage(&[
                    ("x-business-use-case-usage", header),
                    ("x-app-usage", header)
                ]),
                Usage::default()
            );
        }
        assert_eq!(usage(&[("retry-after", "soon")]).wait, None);
        let endless = r#"{"1":[{"estimated_time_to_regain_access":1e300}]}"#;
        assert_eq!(
            usage(&[("x-business-use-case-usage", endless)]).wait,
            seconds(31_536_000)
        );
    }
}
