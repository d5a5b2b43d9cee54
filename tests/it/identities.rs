//! Leads that are known by more, by less, or by something else than when they went before: each stage goes once, and
//! nobody's goes as somebody else's.

use crate::support::recorder::Recorder;
use crate::support::{Desk, Ran};

const NOW: &str = "2026-11-21T16:00:00Z";
const HEADER: &str = "Lead ID,Email,Phone,CRM ID,Stage,When\n";
const A: &str = "1234567890000001";
const B: &str = "1234567890000002";

struct Job {
    desk: Desk,
    server: Recorder,
}

impl Job {
    fn new() -> Self {
        Self {
            desk: Desk::new(),
            server: Recorder::start(),
        }
    }

    fn command(&self) -> std::process::Command {
        self.command_in("UTC")
    }

    fn command_in(&self, zone: &str) -> std::process::Command {
        let mut args = vec!["upload", "export.csv", "--preset", "none", "--now", NOW];
        args.extend(["--format", "json", "--dataset-id", "1", "--timezone", zone]);
        args.extend(["--default-country", "US", "--graph-url", self.server.url()]);
        for map in [
            "lead_id=Lead ID",
            "email=Email",
            "phone=Phone",
            "external_id=CRM ID",
            "event_name=Stage",
            "event_time=When",
        ] {
            args.extend(["--map", map]);
        }
        let mut command = self.desk.command(&args);
        command.env("CRM2CAPI_ACCESS_TOKEN", "TOKEN");
        command
    }

    /// Uploads leads that reached a stage at one time, and gives how many events arrived and the report.
    fn upload(&self, leads: &[&str]) -> (usize, serde_json::Value) {
        let rows = leads
            .iter()
            .map(|lead| format!("{lead},Qualified,2026-11-20T10:00:00Z\n"));
        let rows: String = rows.collect();
        self.desk.file("export.csv", format!("{HEADER}{rows}"));
        let report = Ran::of(&["upload"], self.command().output().unwrap())
            .ended(0)
            .json();
        (self.server.take().len(), report)
    }

    /// Uploads one export after the other, and gives how many events of each arrived.
    fn uploads(exports: &[&[&str]]) -> Vec<usize> {
        let job = Self::new();
        exports.iter().map(|leads| job.upload(leads).0).collect()
    }
}

/// A lead's row: lead id, email, phone, the CRM's number.
fn lead(id: &str, email: &str, phone: &str, number: &str) -> String {
    format!("{id},{email},{phone},{number}")
}

#[test]
fn a_lead_that_gains_or_loses_something_goes_once() {
    let (a, x, p) = (A, "x@example.com", "+12125550123");
    for (from, to) in [
        (lead("", x, "", ""), lead(a, x, "", "")),
        (lead(a, x, "", ""), lead("", x, "", "")),
        (lead(a, x, p, ""), lead("", "", p, "")),
        (lead("", x, p, ""), lead("", "", p, "")),
        (lead("", "", p, ""), lead("", x, p, "")),
        (lead(a, x, "", ""), lead(a, "y@example.com", "", "")),
        (lead("", x, "", "7"), lead("", "y@example.com", "", "7")),
        (
            lead("", x, "", ""),
            lead("", "y@example.com; x@example.com", "", ""),
        ),
    ] {
        let case = format!("{from} then {to}");
        // One after the other, and both in one file, in either order.
        assert_eq!(
            Job::uploads(&[&[&from], &[&to], &[&from], &[&to]]),
            [1, 0, 0, 0],
            "{case}"
        );
        assert_eq!(
            Job::uploads(&[&[&from, &to], &[&to, &from]]),
            [1, 0],
            "{case}"
        );
        assert_eq!(Job::uploads(&[&[&to, &from], &[&from]]), [1, 0], "{case}");
    }
}

#[test]
fn what_is_learnt_of_a_lead_leads_to_what_it_was_known_by_before() {
    let a = lead("", "a@example.com", "", "");
    let both = lead("", "a2@example.com; a@example.com", "", "");
    let a2 = lead("", "a2@example.com", "", "");
    let a3 = lead(A, "a2@example.com; a3@example.com", "", "");
    let last = lead("", "a3@example.com", "", "");
    let job = Job::new();
    assert_eq!(job.upload(&[&a]).0, 1);
    for grown in [&both, &a2, &a3, &last, &a] {
        let (arrived, report) = job.upload(&[grown]);
        assert_eq!(
            (arrived, &report["skipped_delivered"]),
            (0, &1.into()),
            "{grown}"
        );
    }
    // The report says so, once there is something to say.
    let (_, report) = job.upload(&[&last]);
    let codes: Vec<&str> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["identity-grew"]);
}

#[test]
fn nobody_goes_as_somebody_else() {
    let (x, p) = ("x@example.com", "+12125550123");
    let couple = [lead(A, x, "", ""), lead(B, x, "", "")];
    let switchboard = [
        lead("", "a@example.com", p, ""),
        lead("", "b@example.com", p, ""),
        lead(A, "c@example.com", p, ""),
    ];
    let agents_address = [lead(A, x, p, "1"), lead(B, x, p, "2")];
    for leads in [&couple[..], &switchboard, &agents_address] {
        let rows: Vec<&str> = leads.iter().map(String::as_str).collect();
        assert_eq!(Job::uploads(&[&rows, &rows]), [rows.len(), 0], "{rows:?}");
        let one_by_one: Vec<&[&str]> = rows.chunks(1).collect();
        assert_eq!(Job::uploads(&one_by_one), vec![1; rows.len()], "{rows:?}");
    }
    // Who had no id takes the first; the second is somebody else's.
    let nobody = lead("", x, "", "");
    assert_eq!(
        Job::uploads(&[&[&nobody], &[&couple[0]], &[&couple[1]], &[&nobody]]),
        [1, 0, 1, 0]
    );
    // And whichever of the two loses it again has gone before.
    assert_eq!(
        Job::uploads(&[&[&couple[0], &couple[1]], &[&nobody], &[&couple[1]]]),
        [2, 0, 0]
    );
}

#[test]
fn what_nobody_is_sure_of_goes_again_under_the_id_it_went_under() {
    let job = Job::new();
    job.desk.file(
        "export.csv",
        format!(
            "{HEADER}{},Won,2026-11-20T10:00:00Z\n",
            lead(A, "x@example.com", "", "")
        ),
    );
    job.server.fall_silent_after(0);
    let mut child = job
        .command()
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert!(
        job.server
            .is_silent_within(std::time::Duration::from_secs(30))
    );
    child.kill().unwrap();
    child.wait().unwrap();
    job.server.answer_again();
    let first = job.server.take();
    job.desk.file(
        "export.csv",
        format!(
            "{HEADER}{},Won,2026-11-20T10:00:00Z\n",
            lead("", "x@example.com", "", "")
        ),
    );
    Ran::of(&["upload"], job.command().output().unwrap()).ended(0);
    let again = job.server.take();
    assert_eq!((first.len(), again.len()), (1, 1));
    assert_eq!(again[0]["event_id"], first[0]["event_id"]);
    Ran::of(&["upload"], job.command().output().unwrap()).ended(0);
    assert!(job.server.take().is_empty());
}

#[test]
fn what_a_repeated_row_knows_is_learnt() {
    let (x, p) = ("x@example.com", "+12125550123");
    for (poor, rich, other) in [
        (lead(A, "", "", ""), lead(A, x, "", ""), lead("", x, "", "")),
        (lead("", x, "", ""), lead("", x, p, ""), lead("", "", p, "")),
    ] {
        // In the same run, later, and when the first went long before.
        let three = [&*poor, &*rich, &*other];
        assert_eq!(Job::uploads(&[&three, &three]), [1, 0], "{three:?}");
        assert_eq!(
            Job::uploads(&[&[&poor, &rich], &[&other], &[&rich]]),
            [1, 0, 0],
            "{three:?}"
        );
        assert_eq!(
            Job::uploads(&[&[&poor], &three, &[&other]]),
            [1, 0, 0],
            "{three:?}"
        );
    }
}

#[test]
fn what_a_row_of_another_file_knows_is_learnt() {
    let job = Job::new();
    let rows = |leads: &[String]| {
        let rows = leads
            .iter()
            .map(|lead| format!("{lead},Qualified,2026-11-20T10:00:00Z\n"));
        format!("{HEADER}{}", rows.collect::<String>())
    };
    let x = "x@example.com";
    job.desk.file(
        "export.csv",
        rows(&[lead(A, "", "", ""), lead(B, "", "", "")]),
    );
    job.desk
        .file("more.csv", rows(&[lead(A, x, "", ""), lead("", x, "", "")]));
    let mut command = job.command();
    command.arg("more.csv");
    Ran::of(&["upload"], command.output().unwrap()).ended(0);
    assert_eq!(job.server.take().len(), 2);
}

#[test]
fn a_repeated_row_is_counted_as_one_and_leads_to_the_event() {
    let (poor, rich) = (lead(A, "", "", ""), lead(A, "x@example.com", "", ""));
    let job = Job::new();
    let (arrived, report) = job.upload(&[&poor, &rich]);
    assert_eq!(
        (arrived, &report["events"], &report["accepted"]),
        (1, &1.into(), &1.into())
    );
    let codes: Vec<&str> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"duplicate-event"), "{codes:?}");
    let told = job
        .desk
        .run(&["status", "--lead", "x@example.com"])
        .ended(0);
    assert!(told.stdout.contains("Qualified"), "{}", told.stdout);
}

#[test]
fn a_known_event_stands_for_one_lead() {
    let (x, y, p) = ("x@example.com", "y@example.com", "+12125550123");
    for (known, leads) in [
        (
            lead("", x, "", ""),
            [lead(A, x, "", ""), lead(B, x, "", "")],
        ),
        (
            lead("", "", p, ""),
            [lead("", x, p, ""), lead("", y, p, "")],
        ),
    ] {
        let [first, second] = &leads;
        assert_eq!(
            Job::uploads(&[&[&known], &[first, second], &[second, first]]),
            [1, 1, 0],
            "{leads:?}"
        );
        assert_eq!(
            Job::uploads(&[&[&known], &[first], &[second], &[second, first]]),
            [1, 0, 1, 0],
            "{leads:?}"
        );
    }
    // Whoever agrees in more is meant, wherever it stands.
    let (known, half) = (lead("", x, "", "7"), lead(A, "", "", "7"));
    let whole = lead(B, x, "", "7");
    let job = Job::new();
    assert_eq!(job.upload(&[&known]).0, 1);
    job.desk.file(
        "export.csv",
        format!(
            "{HEADER}{half},Qualified,2026-11-20T10:00:00Z\n{whole},Qualified,2026-11-20T10:00:00Z\n"
        ),
    );
    Ran::of(&["upload"], job.command().output().unwrap()).ended(0);
    let sent = job.server.take();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["user_data"]["lead_id"].to_string(), A);
}

/// In another zone the same stage has another time, and so another id.
#[test]
fn an_upload_that_reads_times_in_another_zone_than_the_last_says_that_events_count_twice() {
    let job = Job::new();
    let upload = |times: &str, zone: &str, more: &[&str]| {
        let row = lead(A, "a@example.com", "", "7");
        let rows = format!("{HEADER}{row},Qualified,{times}\n");
        job.desk.file("export.csv", rows);
        let mut command = job.command_in(zone);
        command.args(more);
        let ran = Ran::of(&["upload"], command.output().unwrap());
        let report = ran.json();
        let problems = report["problems"].as_array().unwrap();
        let warned = problems
            .iter()
            .any(|problem| problem["code"] == "time-zone-changed");
        assert_eq!(
            ran.stderr.contains("by the last upload, now as"),
            warned,
            "{ran:?}"
        );
        (job.server.take().len(), warned, ran)
    };
    let local = "2026-11-20 10:00:00";
    let (arrived, warned, _) = upload(local, "UTC", &[]);
    assert_eq!((arrived, warned), (1, false));
    let (arrived, warned, ran) = upload(local, "Europe/Berlin", &[]);
    assert_eq!((arrived, warned, ran.status), (1, true, 0));
    let says = "were read as UTC by the last upload, now as Europe/Berlin";
    assert!(ran.stderr.contains(says), "{}", ran.stderr);
    let (arrived, warned, _) = upload(local, "Europe/Berlin", &[]);
    assert_eq!((arrived, warned), (0, false));
    // A fixed offset is a zone, too.
    let (arrived, warned, ran) = upload(local, "+02:00", &["--strict"]);
    assert_eq!((arrived, warned, ran.status), (1, true, 1));

    // Events stay what they are where the times carry their zone, or the export gives the ids.
    let (arrived, warned, _) = upload("2026-11-20T10:00:00Z", "Asia/Tokyo", &[]);
    assert_eq!((arrived, warned), (0, false));
    let ids = ["--map", "event_id=CRM ID"];
    let (_, warned, _) = upload(local, "America/New_York", &ids);
    assert!(!warned);
}
