//! What every page has around it, and the few shapes that all sections use.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::render::human::layout::cut;
use crate::text::{harmless, thousands};

const STYLE: &str = include_str!("style.css");

/// Should anything ever get past the escaping, a browser still runs and fetches nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const GENERATOR: &str = "crm2capi";

/// Whether a page of ours begins so. The first 200 bytes are enough to tell.
pub(crate) fn begins_page(start: &str) -> bool {
    let mark = html! { meta name="generator" content=(GENERATOR); }.into_string();
    start.starts_with("<!DOCTYPE html>") && start.contains(&mark)
}

/// So many columns of a name fit beside the numbers on a phone.
const NAME: usize = 24;

/// A whole document.
pub(super) fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content=(GENERATOR);
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the figures" }
                (body)
            }
        }
    }
}

/// A table that a narrow screen scrolls by itself, by keyboard too.
pub(super) fn scroll(name: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(name) tabindex="0" { (table) } }
}

/// A cell with a count; nothing is a dash.
pub(super) fn number(count: u64) -> Markup {
    html! { td.number { @if count == 0 { "–" } @else { (thousands(count)) } } }
}

/// A cell with text that stands to the right, as numbers do.
pub(super) fn right(text: &str) -> Markup {
    html! { td.number { (text) } }
}

/// A place or length across the page.
pub(super) fn percentage(share: f64) -> String {
    format!("{share:.3}%")
}

/// A name that fits beside numbers in a chart; the table has all of it.
pub(super) fn short(name: &str) -> String {
    cut(&harmless(name), NAME)
}
