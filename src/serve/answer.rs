//! What requests are answered.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::ledger::Begun;
use crate::problem::Severity;
use crate::run::Body;
use crate::text::counted;

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// So many findings of one body are listed.
const MAX_LISTED: usize = 1_000;

/// Why a request is turned away as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    /// What is wrong and what to do, without anything of the body.
    says: String,
    /// Seconds after which it may be tried again.
    retry_after: Option<u32>,
    /// Whether the connection is of no use any more, as not all of the body was read.
    closes: bool,
    allow: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, says: impl Into<String>) -> Self {
        Self {
            status,
            says: says.into(),
            retry_after: None,
            closes: false,
            allow: None,
        }
    }

    pub(super) fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    pub(super) fn closing(self) -> Self {
        Self {
            closes: true,
            ..self
        }
    }

    pub(super) fn allowing(self, allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..self
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "send the token as Authorization: Bearer TOKEN, or sign the body (X-Hub-Signature-256); it is missing, \
             wrong or too old",
        )
    }

    /// What the log says of it.
    pub(super) fn says(&self) -> &str {
        &self.says
    }

    pub(super) fn into_answer(self) -> Answer {
        #[derive(Serialize)]
        struct Error<'a> {
            error: &'a str,
        }
        let mut answer = json(self.status, &Error { error: &self.says });
        let headers = answer.headers_mut();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        };
        if let Some(seconds) = self.retry_after {
            set(RETRY_AFTER, itoa::Buffer::new().format(seconds));
        }
        if self.closes {
            set(CONNECTION, "close");
        }
        if let Some(methods) = self.allow {
            set(ALLOW, methods);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            set(WWW_AUTHENTICATE, "Bearer");
        }
        answer
    }
}

/// What became of a body, as the answer tells it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Receipt {
    records: u64,
    records_invalid: u64,
    events: u64,
    queued: u64,
    known: u64,
    skipped_old: u64,
    skipped_stage: u64,
    skipped_only: u64,
    skipped_consent: u64,
    problems: Vec<Listed>,
    #[serde(skip_serializing_if = "is_zero")]
    problems_left_out: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Debug, Serialize)]
struct Listed {
    record: u64,
    code: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    message: &'static str,
    help: &'static str,
}

impl Receipt {
    /// The receipt for a body whose events were kept, or known.
    pub(super) fn of(mut body: Body, kept: &[Begun]) -> Self {
        let known = kept.iter().filter(|kept| **kept == Begun::Known).count() as u64;
        // What refuses a record is listed before what is only worth knowing, if not all of it can be.
        if body.findings.len() > MAX_LISTED {
            body.findings
                .sort_by_key(|found| found.severity != Severity::Error);
        }
        let listed = body.findings.iter().take(MAX_LISTED);
        let mut problems: Vec<Listed> = listed
            .map(|found| Listed {
                record: found.record,
                code: found.code.name(),
                severity: found.severity.name(),
                field: found.field.map(|field| field.to_string()),
                column: found.column.clone(),
                message: found.code.message(),
                help: found.code.help(),
            })
            .collect();
        problems.sort_by_key(|problem| problem.record);
        Self {
            records: body.records,
            records_invalid: body.refused,
            events: kept.len() as u64 + body.old,
            queued: kept.len() as u64 - known,
            known,
            skipped_old: body.old,
            skipped_stage: body.skipped_stage,
            skipped_only: body.skipped_only,
            skipped_consent: body.skipped_consent,
            problems_left_out: body.findings.len() - problems.len(),
            problems,
        }
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn records_invalid(&self) -> u64 {
        self.records_invalid
    }

    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// What the log says of it.
    pub(super) fn says(&self) -> String {
        format!(
            "{}, {} refused; {} queued, {} known",
            counted(self.records, "record"),
            self.records_invalid,
            counted(self.queued, "event"),
            self.known
        )
    }

    /// A body with any record that was refused is one that its sender has to look at, though the others are safe.
    pub(super) fn into_answer(self) -> Answer {
        let status = match self.records_invalid {
            0 => StatusCode::ACCEPTED,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        json(status, &self)
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let mut text = serde_json::to_vec(body).unwrap_or_default();
    text.push(b'\n');
    of_type(status, "application/json", text)
}

/// An answer with a body of this type.
pub(super) fn of_type(status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Answer {
    let answer = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, media_type)
        .body(Full::new(Bytes::from(body)));
    // All its parts are valid.
    answer.unwrap_or_default()
}
