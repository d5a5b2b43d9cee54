//! The page at `/`: what was accepted, for whoever opens the sandbox in a browser.
//!
//! In: the newest events and how many there were. Out: HTML without scripts. Every text in it is escaped, since events
//! hold what anybody posted; of customer data it shows which keys there are.

use std::fmt::{self, Display, Write};

use jiff::Timestamp;
use serde_json::Value;

use super::answer::brief;
use super::store::Newest;
use crate::text::counted;

/// How many events the page lists.
pub(super) const MAX_EVENTS: usize = 200;

/// What a browser must not do with the page, even if a text of it came through as markup.
pub(super) const HEADERS: [(&str, &str); 3] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
];

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>crm2capi sandbox</title>
<style>
body { font: 1em/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #ccc; padding: .3em .8em .3em 0; text-align: left; vertical-align: top }
</style>
<h1>crm2capi sandbox</h1>
<p>A stand-in for Meta's events endpoint. Nothing posted here reaches Meta.</p>
";

/// The whole page.
pub(super) fn render(newest: &Newest) -> String {
    let mut page = HEAD.to_owned();
    // Writing to a string cannot fail.
    let _ = write_body(&mut page, newest);
    page
}

fn write_body(page: &mut String, newest: &Newest) -> fmt::Result {
    if newest.accepted == 0 {
        return writeln!(
            page,
            "<p>No events accepted yet. Post some to <code>/v25.0/1/events</code>, then reload this page.</p>"
        );
    }
    writeln!(
        page,
        "<p>{} accepted. <a href=\"/sandbox/events\">All that are kept, as NDJSON</a></p>",
        counted(newest.accepted, "event")
    )?;
    writeln!(
        page,
        "<table>\n<tr><th>Event<th>Time (UTC)<th>Customer keys<th>Event id"
    )?;
    for event in &newest.events {
        writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}",
            Escaped(text(event, "event_name")),
            Escaped(&time(event)),
            Escaped(&keys(event)),
            Escaped(text(event, "event_id")),
        )?;
    }
    writeln!(page, "</table>")?;
    if newest.accepted > newest.events.len() as u64 {
        writeln!(
            page,
            "<p>Only the newest {} are listed.</p>",
            newest.events.len()
        )?;
    }
    Ok(())
}

/// The beginning of a text of the event.
fn text<'a>(event: &'a Value, key: &str) -> &'a str {
    brief(event[key].as_str().unwrap_or_default())
}

fn time(event: &Value) -> String {
    event["event_time"]
        .as_i64()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

fn keys(event: &Value) -> String {
    let keys = event["user_data"].as_object().into_iter().flatten();
    let keys: Vec<&str> = keys.map(|(key, _)| key.as_str()).collect();
    keys.join(", ")
}

/// Text that no browser takes for markup.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_listed_with_the_names_of_their_keys_and_no_value() {
        let event = json!({"event_name": "Lead", "event_time": 1_673_035_700, "event_id": "e1",
            "user_data": {"em": ["62a14e44"], "lead_id": 123_456_789_012_345_u64}});
        let page = render(&Newest {
            accepted: 1200,
            events: vec![event],
        });
        let row = "<tr><td>Lead<td>2023-01-06 20:08:20<td>em, lead_id<td>e1\n";
        assert!(page.contains(row), "{page}");
        assert!(page.contains("<p>1,200 events accepted. "), "{page}");
        assert!(page.contains("Only the newest 1 are listed"), "{page}");
        assert!(!page.contains("62a14e44") && !page.contains("123456789012345"));
    }

    #[test]
    fn no_text_of_an_event_becomes_markup() {
        let event = json!({"event_name": "<script>alert('1')</script>&\"", "event_time": 1,
            "user_data": {"<b>": 1, "client_ip_address": 1, "client_user_agent": 1, "country": 1, "external_id": 1,
            "lead_id": 1, "subscription_id": 1}});
        let page = render(&Newest {
            accepted: 1,
            events: vec![event],
        });
        let name = "<td>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;<td>";
        assert!(page.contains(name), "{page}");
        assert!(page.contains("<td>&lt;b&gt;, client_ip"), "{page}");
        assert!(page.contains(", subscription_id<td>"), "{page}");
    }
}
