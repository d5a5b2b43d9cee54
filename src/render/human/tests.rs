//! The page as people see it, run by run.

use crate::report::Summary;
use crate::report::samples;

/// The page without styles, at 88 columns.
fn page(summary: &Summary) -> String {
    let mut out = Vec::new();
    super::write(summary, &mut out, 88).unwrap();
    anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
}

#[test]
fn no_line_is_wider_than_a_narrow_terminal() {
    for summary in [
        samples::uploaded(),
        samples::uploaded_with_problems(),
        samples::validated(),
    ] {
        for width in [40, 59, 60, 88] {
            let mut out = Vec::new();
            super::write(&summary, &mut out, width).unwrap();
            let page = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
            for line in page.lines() {
                let fits = unicode_width::UnicodeWidthStr::width(line) <= width;
                assert!(fits, "{width}: {line}\n{page}");
            }
        }
    }
}

fn last_line(summary: &Summary) -> String {
    let page = page(summary);
    let last = page.trim_end().rsplit("\n\n").next().unwrap();
    last.replace("\n  ", " ")
}

#[test]
fn an_upload_without_problems() {
    insta::assert_snapshot!(page(&samples::uploaded()), @"
    crm2capi upload to dataset 123456789012345

    Read
      leads.csv  12 rows  CSV, UTF-8, comma, preset hubspot (guessed)

    Events  1 batch · 1 request
                  events  accepted
      Lead            11        11
      Customer         2         2
      all stages      13        13

    Match keys  share of events that carry them, the strongest first
      lead_id 100 % · email 92 % · phone 92 % · first_name 54 % · last_name 54 %
      country 7.7 %

    ✓ 13 events accepted
    ");
}

#[test]
fn an_upload_with_problems_says_which_rows_and_what_to_do() {
    insta::assert_snapshot!(page(&samples::uploaded_with_problems()), @r#"
    crm2capi upload to dataset 123456789012345

    Read
      leads.csv           12 rows  CSV, UTF-8, comma, preset hubspot (guessed)
      more leads.xlsx  1,204 rows  XLSX, sheet Leads (guessed)
      no settings: columns and stages as crm2capi init FILE would write them down

    Columns  of more leads.xlsx, guessed
      lead_id  Meta Lead ID
      email    E-Mail-Adresse

    Left out
      10 rows cannot be used · 2 more rows ignored, blank or no lead
      1 stage change skipped as the settings say

    Events  2 batches · 8 requests · 1 retry
                                events  accepted  refused  sent before  too old
      Lead                          11         6        –            5        –
      Marketing Qualified Lead       9         5        1            –        3
      all stages                    20        11        1            5        3

    Match keys  share of events that carry them, the strongest first
      lead_id 100 % · email 90 % · phone 90 % · first_name 50 % · last_name 50 %
      country 5 %

    Problems
      error event-before-created  7 rows
        the stage was reached before the lead was created (column "Create Date")
        leads.csv rows 7, 9, 10, 11, 12 and 2 more
        → check which column is mapped to created_time, and that both columns are in the
          same time zone

      error stage-unlisted  3 rows
        the stage is not listed in [stages] (column "Lifecycle Stage")
        "Nurture | cold" 2× and "Archived" 1×
        more leads.xlsx rows 4, 5, 6
        → list it in [stages] (an empty event name skips it), or set unlisted_stages to
          "send" or "skip"

      error meta-refused  1 row
        Meta refused the event: ID contatto non valido (code 100, subcode 2804036, trace id
        A6UyEgg_HdoiRX9duxcBOjb)
        leads.csv row 8
        → check the lead id against Meta's lead download; leave it empty for leads that were
          deleted or came from elsewhere

      warning customer-too-broad  1 row
        what identifies the lead is too broad for Meta to match (column "Phone, 100%:
        "main"")
        leads.csv row 3
        → add lead_id, email, phone, or first and last name together

      note event-too-old  3 times in 1 row
        the event is more than 7 days old, and Meta does not accept those
        leads.csv row 2

    Meta says
      Some events lack a currency.

    ! 11 events accepted, 1 refused by Meta, 10 rows need attention
    "#);
}

#[test]
fn a_validation_draws_the_funnel() {
    insta::assert_snapshot!(page(&samples::validated()), @r#"
    crm2capi validate

    Read
      leads.csv  12 rows  CSV, UTF-8, comma, preset hubspot (guessed)

    Events
                                events  would be sent  too old
      Lead                          12             10        2
      Marketing Qualified Lead       9              9        –
      Customer                       2              2        –
      all stages                    23             21        2

    Match keys  share of events that carry them, the strongest first
      lead_id 100 % · email 91 % · phone 87 % · first_name 52 % · last_name 52 %
      country 4.3 %

    Funnel  12 leads · about 36 a month · 92 % with a lead id
                                                  leads  of all  step  50 % in  90 % in
      Lead                      ████████████████     12   100 %
      Marketing Qualified Lead    ████████████        9    75 %  75 %    1.2 d    1.3 d
      Customer                         ██             2    17 %  22 %    8.0 d    8.0 d
      ! outside of 1 % to 40 %: "Marketing Qualified Lead" (75 % of the leads)
        → optimise for a stage that 1 % to 40 % of the leads reach
      ! about 36 leads a month
        → Meta learns from about 200 leads a month; send the leads of all forms to one
          dataset

    ✓ 21 events would be sent
    "#);
}

#[test]
fn a_refused_token_comes_with_the_way_out() {
    insta::assert_snapshot!(page(&samples::refused()), @"
    crm2capi upload to dataset 123456789012345

    Read
      leads.csv  12 rows  CSV, UTF-8, comma, preset hubspot (guessed)

    Events  1 request
            events  not sent
      Lead      12        12

    Match keys  share of events that carry them, the strongest first
      lead_id 100 % · email 92 % · phone 92 % · first_name 50 % · last_name 50 %
      country 8.3 %

    Ended early
      Meta refused the access token (code 190, subcode 463): Session has expired
      → create a new token in Events Manager under Settings, Conversions API, and put it
        into the token file
      trace ids for Meta's support: EJplcsCHuLu

    ✗ stopped by Meta: no event accepted, 12 not sent
    ");
}

#[test]
fn nothing_is_printed_where_there_is_nothing_to_say() {
    insta::assert_snapshot!(page(&Summary { command: "validate", ..Summary::default() }), @"
    crm2capi validate

    ✓ nothing to send: the input has no data rows
    ");
}

#[test]
fn the_last_line_is_the_verdict() {
    let verdicts = [
        (samples::dry_run(), "✓ 1 event would be sent"),
        (
            samples::nothing_to_send(),
            "✓ nothing to send: all 13 events were delivered before",
        ),
        (
            samples::unreachable(),
            "✗ 9 events accepted, 2 not sent, 1 without a receipt; check the network and proxy of this machine, then run the same command again",
        ),
        (
            samples::interrupted(),
            "! interrupted: 4 events accepted, 7 not sent; run the same command again for the rest",
        ),
        (
            samples::too_many_invalid(),
            "✗ nothing was sent: 92 % of the rows cannot be used, more than the 50 % of --max-invalid",
        ),
    ];
    for (summary, verdict) in verdicts {
        assert_eq!(last_line(&summary), verdict);
    }
}

#[test]
fn no_line_is_wider_than_a_narrow_terminal_but_the_verdict() {
    for summary in [
        samples::uploaded_with_problems(),
        samples::validated(),
        samples::refused(),
    ] {
        let mut out = Vec::new();
        super::write(&summary, &mut out, 80).unwrap();
        let page = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        let lines: Vec<_> = page.lines().collect();
        for line in &lines[..lines.len() - 1] {
            assert!(unicode_width::UnicodeWidthStr::width(*line) <= 80, "{line}");
        }
    }
}

#[test]
fn a_file_cannot_send_escape_sequences_to_the_terminal() {
    let mut summary = samples::uploaded_with_problems();
    summary.inputs[0].path = "\u{1b}]0;owned\u{7}.csv".to_owned();
    summary.problems[0].column = Some("a\u{1b}[2J".to_owned());
    summary.stages[0].0 = "Lead\n\u{1b}[35m".to_owned();
    let mut out = Vec::new();
    super::write(&summary, &mut out, 88).unwrap();
    let text = String::from_utf8(out).unwrap();
    for smuggled in ["\u{1b}]", "\u{1b}[2J", "\u{1b}[35m", "Lead\n"] {
        assert!(!text.contains(smuggled), "{smuggled:?}");
    }
    assert_eq!(text.matches('\u{7}').count(), 0);
}
