use super::*;
use crate::report::funnel::{Funnel, Reached, Sample};
use crate::report::samples;

fn html_of(summary: &Summary) -> String {
    let mut out = Vec::new();
    write(summary, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_page_has_every_section_that_has_something_to_say() {
    let page = html_of(&samples::uploaded_with_problems());
    for heading in [
        "Events by stage",
        "Match keys",
        "Events by day",
        "Problems",
        "What Meta says",
        "What was read, and how",
    ] {
        assert!(page.contains(&format!(">{heading}</h2>")), "{heading}");
    }
    assert!(!page.contains("Funnel</h2>"));
    let page = html_of(&samples::validated());
    assert!(page.contains("Funnel</h2>") && !page.contains("Problems</h2>"));
}

/// Leads in one stage each: `(stage, leads, days after the lead)`.
fn funnel_of(stages: &[(&str, u64, i64)], created: Option<i64>) -> String {
    let mut sample = Sample::default();
    for (stage, (event_name, leads, days)) in stages.iter().enumerate() {
        for lead in 0..*leads {
            sample.add(Reached {
                lead: stage as u64 * 1_000 + lead,
                event_name,
                time: 1_794_319_512 + days * 86_400,
                created,
                has_lead_id: true,
            });
        }
    }
    let mut summary = samples::validated();
    summary.funnel = Funnel::of(sample);
    let page = html_of(&summary);
    let (_, section) = page.split_once("id=\"funnel\"").unwrap();
    section.split_once("</section>").unwrap().0.to_owned()
}

#[test]
fn a_funnel_claims_nothing_the_export_does_not_tell() {
    let stages = [("Contacted", 60, 2), ("Won", 30, 9), ("Lost", 10, 9)];
    for created in [None, Some(1_794_319_512)] {
        let section = funnel_of(&stages, created);
        for claim in ["✓", "go on", "same day", "guide", "too many"] {
            assert!(!section.contains(claim), "{claim}: {section}");
        }
        assert!(section.contains("not known") && section.contains("in that stage today"));
        let tells_days = section.contains("2.0 days");
        assert_eq!(tells_days, created.is_some());
    }
}

#[test]
fn the_page_fetches_and_runs_nothing() {
    for summary in [
        samples::uploaded_with_problems(),
        samples::validated(),
        samples::refused(),
    ] {
        let page = html_of(&summary);
        for forbidden in [
            "<script",
            "http://",
            "https://",
            " onload=",
            "url(",
            "<img",
            "<link",
            "<iframe",
            " style=\"",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn names_out_of_a_file_stay_text() {
    let hostile = "</title><script>alert(1)</script>\"'><svg onload=alert(1)>\u{202e}";
    let mut summary = samples::validated();
    summary.inputs[0].path = hostile.to_owned();
    summary.settings_file = Some(hostile.to_owned());
    summary.stages[0].0 = hostile.to_owned();
    summary
        .days
        .iter_mut()
        .for_each(|it| it.event_name = hostile.to_owned());
    if let Some(funnel) = &mut summary.funnel {
        funnel.stages[0].event_name = hostile.to_owned();
    }
    summary.messages = vec![hostile.to_owned()];
    let page = html_of(&summary);
    assert!(
        !page.contains("<script") && !page.contains("<svg onload") && !page.contains('\u{202e}')
    );
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn the_figures_are_said_in_words() {
    assert!(html_of(&samples::uploaded_with_problems()).contains(
        "1,216 rows give 20 events: 11 were accepted, 1 was refused by Meta, 5 had been delivered before and 3 are older \
         than the 7 days Meta takes."
    ));
    assert!(html_of(&samples::too_many_invalid()).contains("12 rows give no events."));
}
