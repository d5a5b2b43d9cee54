//! What each of Meta's answers costs: how many requests, which status, what becomes of the events, and what is said.
//!
//! Every row of the table is an upload by the program itself, held against server and ledger, and then another after
//! the cure. The table is a page of the book.

use std::sync::{Arc, Mutex};

use super::*;
use crate::support::repository;

/// Sixty events, ten in a request, one request after the other, so that a run is the same every time.
const EVENTS: u32 = 60;
const USUAL: [&str; 4] = ["--batch-size", "10", "--concurrency", "1"];
/// The request with which half of the events have gone.
const HALF: usize = 3;
/// The event that is answered differently from all others.
const ONE: u32 = 34;

/// Which requests are answered so.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    All,
    FromHalf,
    /// All that hold an event; the probe is answered as it should be.
    AllEvents,
    OneEvent,
}

impl When {
    fn name(self) -> &'static str {
        match self {
            When::All => "all requests",
            When::FromHalf => "from half way on",
            When::AllEvents => "all events",
            When::OneEvent => "one event",
        }
    }

    fn holds(self, seen: &Seen) -> bool {
        match self {
            When::All => true,
            When::FromHalf => seen.number >= HALF,
            When::AllEvents => !seen.is_probe,
            When::OneEvent => seen.events.contains(&ONE),
        }
    }
}

/// An answer, and when it comes.
struct Row {
    answer: Answer,
    when: When,
    /// Waiting decides how often it is asked again.
    waits: bool,
}

/// An answer, and what it is called: its status, and what else tells it from others.
#[derive(Clone)]
struct Answer {
    status: String,
    codes: String,
    reply: Played,
}

/// Answers a request.
type Played = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// The answers of one kind.
struct Kind {
    title: &'static str,
    when: &'static [When],
    waits: bool,
    answers: Vec<Answer>,
}

impl Kind {
    fn rows(&self) -> Vec<Row> {
        let of = |answer: &Answer, when: &When| Row {
            answer: answer.clone(),
            when: *when,
            waits: self.waits,
        };
        let each = |answer| self.when.iter().map(move |when| of(answer, when));
        self.answers.iter().flat_map(each).collect()
    }
}

const RUN: &[When] = &[When::All, When::FromHalf];
const ANY: &[When] = &[When::All, When::FromHalf, When::OneEvent];
const EVENT: &[When] = &[When::All, When::FromHalf, When::AllEvents, When::OneEvent];

fn named(status: &str, codes: &str, reply: Reply) -> Answer {
    Answer {
        status: status.to_owned(),
        codes: codes.to_owned(),
        reply: Arc::new(move |_| reply.clone()),
    }
}

fn graph(status: u16, code: i64, subcode: Option<i64>) -> Answer {
    let codes = match subcode {
        Some(subcode) => format!("{code}/{subcode}"),
        None => code.to_string(),
    };
    let reply = Reply::fault(status, code, subcode);
    named(&status.to_string(), &codes, reply)
}

fn each(status: u16, code: i64, subcodes: &[i64]) -> impl Iterator<Item = Answer> {
    subcodes
        .iter()
        .map(move |subcode| graph(status, code, Some(*subcode)))
}

fn error(status: u16, rest: &str) -> Reply {
    let body = format!(r#"{{"error":{{"message":"TOKEN","type":"OAuthException",{rest}}}}}"#);
    Reply::answer(status, "", body)
}

/// A refusal that names one of the events by its position: the one that is to blame, else the fourth.
fn with_path() -> Answer {
    let named = |seen: &Seen| {
        let one = seen.events.iter().position(|event| *event == ONE);
        let place = one.unwrap_or(3.min(seen.events.len().saturating_sub(1)));
        let says =
            format!(r#"Unexpected key \"index\" on param \"$['data'][{place}]['user_data']\"."#);
        error(
            400,
            &format!(r#""code":100,"error_subcode":2804019,"error_user_msg":"{says}""#),
        )
    };
    Answer {
        status: "400".to_owned(),
        codes: "100/2804019 with the path of an event".to_owned(),
        reply: Arc::new(named),
    }
}

fn foreign(status: u16) -> Answer {
    let reply = Reply::answer(status, "", "<html>TOKEN</html>");
    named(&status.to_string(), "HTML", reply)
}

fn kinds() -> Vec<Kind> {
    let mut kinds = faults_of_the_run();
    kinds.extend(faults_of_events());
    kinds.extend(faults_that_pass());
    kinds
}

fn faults_of_the_run() -> Vec<Kind> {
    let of = |title, answers| Kind {
        title,
        when: RUN,
        waits: false,
        answers,
    };
    let proof = "100, GraphMethodException";
    vec![
        of("The token or its proof", {
            let mut answers = vec![graph(400, 190, None)];
            answers.extend(each(400, 190, &[458, 459, 460, 463, 464, 467, 492]));
            answers.extend([
                graph(400, 102, None),
                graph(400, 104, None),
                graph(400, 412, None),
            ]);
            answers.push(named("400", proof, Reply::method_exception(400)));
            answers.extend([graph(401, 4_711, None), foreign(401)]);
            answers
        }),
        of(
            "A permission, the dataset, the version",
            [3, 10, 200, 294, 299]
                .map(|code| graph(403, code, None))
                .into_iter()
                .chain([graph(403, 4_711, None), graph(400, 803, None)])
                .chain([graph(400, 100, Some(33)), graph(400, 2_635, None)])
                .chain([graph(400, 368, None)])
                .collect(),
        ),
        of(
            "The request as such",
            [100, 2_500, 12, 101]
                .map(|code| graph(400, code, None))
                .into_iter()
                .chain([graph(403, 5, None), graph(403, 103, None)])
                .collect(),
        ),
    ]
}

fn faults_of_events() -> Vec<Kind> {
    let of = |title, answers| Kind {
        title,
        when: EVENT,
        waits: false,
        answers,
    };
    vec![
        of(
            "An event",
            each(
                400,
                100,
                &[
                    2_804_001, 2_804_004, 2_804_008, 2_804_009, 2_804_016, 2_804_019, 2_804_023,
                    2_804_036, 2_804_050, 2_804_064, 2_804_066, 2_804_999,
                ],
            )
            .chain([with_path()])
            .collect(),
        ),
        of(
            "The age of an event",
            vec![graph(400, 100, Some(2_804_003))],
        ),
        of(
            "Unknown",
            vec![
                graph(400, 4_711, None),
                graph(400, 506, None),
                graph(400, 100, Some(4_711)),
            ],
        ),
        of("Too much in a request", vec![foreign(413)]),
    ]
}

fn faults_that_pass() -> Vec<Kind> {
    let of = |title, when, answers| Kind {
        title,
        when,
        waits: true,
        answers,
    };
    let short = Reply::answer(200, "", r#"{"events_received":1}"#).taking();
    let transient = r#""code":100,"is_transient":true"#;
    vec![
        of(
            "The allowance of calls",
            RUN,
            [4, 17, 32, 341, 613]
                .into_iter()
                .chain(80_000..=80_014)
                .map(|code| graph(400, code, None))
                .chain([
                    graph(400, 613, Some(1_996)),
                    graph(429, 4_711, None),
                    foreign(429),
                ])
                .collect(),
        ),
        of(
            "Trouble that passes",
            RUN,
            vec![
                graph(500, 2, None),
                graph(400, -1, None),
                graph(400, -3, None),
                graph(400, 21_009, None),
                graph(500, 4_711, None),
                named("400", "100, is_transient", error(400, transient)),
            ],
        ),
        of(
            "An error that explains nothing",
            ANY,
            vec![graph(500, 1, None), graph(400, 5_000, None)],
        ),
        of(
            "An answer that is not Meta's",
            RUN,
            [500, 502, 503, 504, 400, 200]
                .map(foreign)
                .into_iter()
                .chain([named(
                    "200",
                    "text",
                    Reply::answer(200, "", "Service Unavailable"),
                )])
                .collect(),
        ),
        Kind {
            waits: false,
            ..of(
                "A wrong address or a proxy",
                RUN,
                [302, 404, 405, 407, 410].map(foreign).into(),
            )
        },
        of(
            "No answer",
            RUN,
            vec![
                named("none", "in time", Reply::hang()),
                named("none", "in time, the events taken", Reply::hang().taking()),
                named(
                    "none",
                    "broken off",
                    Reply::bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"),
                ),
            ],
        ),
        Kind {
            waits: false,
            ..of(
                "A receipt for fewer events",
                ANY,
                vec![named("200", "events_received 1", short)],
            )
        },
    ]
}

/// Plays a row and gives its line of the table, without the name of the answer.
fn played(
    Row {
        answer,
        when,
        waits,
    }: &Row,
) -> String {
    let (reply, when) = (Arc::clone(&answer.reply), *when);
    let server = Server::start(move |seen| match when.holds(seen) {
        true => reply(seen),
        false => Reply::receipt(seen),
    });
    let desk = desk_with(EVENTS);
    let mut args = USUAL.to_vec();
    // One of those that explain nothing is only told from an outage by those that went before it.
    let patience = if when == When::OneEvent { "20" } else { "1" };
    if *waits {
        args.extend(["--give-up-after", patience]);
    }
    if answer.status == "none" {
        args.extend(["--timeout", "1"]);
    }
    let ran = upload(&desk, &server, &args);
    let (report, books) = check_first(&desk, &server, EVENTS, &ran);
    let (made, name) = (server.requests(), answer.name());
    assert!(made <= 60, "{made} requests: {name} to {}", when.name());
    let requests = match waits {
        true => "waits".to_owned(),
        false => made.to_string(),
    };
    let errors = ran.stderr.lines();
    let errors: Vec<&str> = errors
        .filter_map(|line| line.strip_prefix("error: "))
        .collect();
    let [said] = errors[..] else {
        panic!("{name}: not one line: {}", ran.stderr)
    };
    let said = said.replace(server.url.trim_start_matches("http://"), "HOST");
    let counts = ["accepted", "rejected", "uncertain", "undelivered"];
    let counts = counts.map(|key| count(&report, key).to_string());
    check_next(&desk, &server, EVENTS, &books, &USUAL);
    let (to, status, counts) = (when.name(), ran.status, counts.join(" | "));
    format!("{to} | {requests} | {status} | {counts} | {said} |\n")
}

impl Answer {
    fn name(&self) -> String {
        match self.status.as_str() {
            "none" => self.codes.clone(),
            status => format!("{status}: {}", self.codes),
        }
    }

    /// What is said of it, without what it is called.
    fn anonymous(&self, said: &str) -> String {
        said.replace(&format!(" {}:", self.codes), " CODES:")
            .replace(&format!("HTTP {}", self.status), "STATUS")
    }
}

/// The answers of a kind and what each costs; those that only differ by name stand together.
fn table(kind: &Kind, lines: &[String]) -> String {
    let mut groups: Vec<(Vec<String>, Vec<String>, &[String])> = Vec::new();
    for (answer, lines) in kind.answers.iter().zip(lines.chunks(kind.when.len())) {
        let anonymous: Vec<String> = lines.iter().map(|said| answer.anonymous(said)).collect();
        match groups
            .iter_mut()
            .find(|(_, others, _)| *others == anonymous)
        {
            Some((names, ..)) => names.push(answer.name()),
            None => groups.push((vec![answer.name()], anonymous, lines)),
        }
    }
    let mut table = format!(
        "\n## {}\n\n| answer | to | requests | status | accepted | refused | uncertain | not sent | said |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
        kind.title
    );
    for (names, _, lines) in groups {
        let names = names.join("; ");
        table.extend(lines.iter().map(|line| format!("| {names} | {line}")));
    }
    table
}

const INTRODUCTION: &str = "\
# What each answer costs

What an upload does with each answer that Meta may give, tried by the program itself against a server that plays it: 60 events,
10 in a request, one request at a time. The answer comes to *all requests*, to all *from half way on* (when 30 events have gone), to
*all events* while an empty event is answered as it should be, or to *one event* and whatever goes with it.

*waits*: the same request is made again, less and less often, for `--give-up-after`; in the ten minutes that is by default, 15 to 40
times. An answer is named by its HTTP status and Meta's codes; of several that are treated alike, the line of the first is shown. The
last columns are the status, what became of the events (accepted, refused, uncertain, not sent) and the line on standard
error. After every row the cure followed, and another upload delivered whatever was neither accepted nor refused, once.
";

/// To take over what has changed, after reading it: `TRYCMD=overwrite cargo test --test it requests::each`.
#[test]
fn each_answer_costs_what_the_book_says() {
    let kinds = kinds();
    let rows: Vec<Row> = kinds.iter().flat_map(Kind::rows).collect();
    let lines = side_by_side(&rows);
    let (mut page, mut lines) = (INTRODUCTION.to_owned(), &lines[..]);
    for kind in &kinds {
        let (of_kind, rest) = lines.split_at(kind.answers.len() * kind.when.len());
        page += &table(kind, of_kind);
        lines = rest;
    }
    let path = repository("docs/src/faults.md");
    if std::env::var("TRYCMD").is_ok_and(|mode| mode == "overwrite") {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<_> = page.lines().filter(|line| !kept.contains(line)).collect();
    assert!(
        kept.replace("\r\n", "\n") == page,
        "docs/src/faults.md is out of date; run `TRYCMD=overwrite cargo test --test it requests::each`\n{}",
        changed.join("\n")
    );
}

/// The lines of rows, in their order. Some are played at the same time, since most of it is waiting.
fn side_by_side(rows: &[Row]) -> Vec<String> {
    let next = Mutex::new(0..rows.len());
    let lines = Mutex::new(vec![String::new(); rows.len()]);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some(index) = next.lock().unwrap().next() else {
                        break;
                    };
                    let line = played(&rows[index]);
                    lines.lock().unwrap()[index] = line;
                }
            });
        }
    });
    lines.into_inner().unwrap()
}
