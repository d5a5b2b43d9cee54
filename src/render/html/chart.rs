//! Stacked columns over days: one small chart for one name.

use maud::{Markup, html};

use super::frame::{percentage, short};
use crate::text::{harmless, thousands};

/// Height of the tallest column, in pixels.
const HEIGHT: f64 = 56.0;
/// What stands above the columns and below.
const TOP: f64 = 22.0;
const BOTTOM: f64 = 18.0;

/// One kind of thing that is counted.
#[derive(Clone, Copy)]
pub(super) struct Series {
    /// Its class in the style sheet.
    pub class: &'static str,
    pub name: &'static str,
}

/// Which colour is what.
pub(super) fn legend(series: &[Series]) -> Markup {
    html! {
        ul.legend {
            @for series in series {
                li {
                    svg width="12" height="12" aria-hidden="true" { rect class=(series.class) width="12" height="12" rx="2" {} }
                    (series.name)
                }
            }
        }
    }
}

/// A chart: `days` are the labels of its columns; `values` holds, column by column, a count for each series.
pub(super) fn columns(
    name: &str,
    days: &[String],
    series: &[Series],
    values: &[Vec<u64>],
) -> Markup {
    let total = |column: &Vec<u64>| column.iter().sum::<u64>();
    let most = values.iter().map(total).max().unwrap_or(0).max(1);
    let step = 100.0 / days.len().max(1) as f64;
    let label = format!("{} by day, {} at most", harmless(name), thousands(most));
    html! {
        svg role="img" width="100%" height=(TOP + HEIGHT + BOTTOM) aria-label=(label) {
            text.name x="0" y="14" { (short(name)) }
            text.quiet x="100%" y="14" text-anchor="end" { "at most " (thousands(most)) " a day" }
            line.axis x1="0" x2="100%" y1=(TOP + HEIGHT) y2=(TOP + HEIGHT) {}
            @for (index, column) in values.iter().enumerate() {
                @for part in stack(column, series, most) {
                    rect class=(part.series.class) x=(percentage(index as f64 * step + step * 0.1)) y=(pixels(part.top))
                        width=(percentage(step * 0.8)) height=(pixels(part.height)) {
                        title { (days[index]) ": " (thousands(part.count)) " " (part.series.name) }
                    }
                }
            }
            @if let (Some(first), Some(last)) = (days.first(), days.last()) {
                text.quiet x="0" y=(TOP + HEIGHT + 14.0) { (first) }
                @if days.len() > 1 {
                    text.quiet x="100%" y=(TOP + HEIGHT + 14.0) text-anchor="end" { (last) }
                }
            }
        }
    }
}

/// A piece of a column.
struct Part {
    series: Series,
    count: u64,
    top: f64,
    height: f64,
}

/// A column from the axis upwards; what is counted at all can be seen.
fn stack(column: &[u64], series: &[Series], most: u64) -> Vec<Part> {
    let mut top = TOP + HEIGHT;
    let counted = series.iter().zip(column).filter(|(_, count)| **count > 0);
    counted
        .map(|(series, count)| {
            let height = (*count as f64 / most as f64 * HEIGHT).max(1.5);
            top -= height;
            Part {
                series: *series,
                count: *count,
                top,
                height,
            }
        })
        .collect()
}

fn pixels(length: f64) -> String {
    format!("{length:.1}")
}
