//! The tables that every store has, as far as rows go from one store to another, or from a store to where they are worked on.

/// A table that every store has.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Table {
    pub name: &'static str,
    /// The first ones are the key.
    pub columns: &'static [(&'static str, Kind)],
    pub keys: usize,
    /// What the server numbers its rows by; it is fetched and never written.
    pub number: Option<&'static str>,
    /// Whether all rows that a call could add are fetched where they are there already.
    pub is_whole: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Number,
    Text,
    Bytes,
}

use Kind::{Bytes, Number, Text};

pub(super) const EVENT: &Table = &Table {
    name: "event",
    columns: &[
        ("key", Bytes),
        ("time", Number),
        ("state", Number),
        ("run", Number),
        ("code", Number),
        ("subcode", Number),
        ("fingerprint", Bytes),
        ("settled", Number),
        ("attempts", Number),
        ("name", Number),
        ("trace", Number),
        ("people", Bytes),
        ("kinds", Number),
        ("known_as", Number),
    ],
    keys: 1,
    number: None,
    is_whole: true,
};

pub(super) const ALIAS: &Table = &Table {
    name: "alias",
    columns: &[
        ("time", Number),
        ("key", Bytes),
        ("event", Bytes),
        ("settled", Number),
    ],
    keys: 2,
    number: None,
    is_whole: true,
};

pub(super) const NAME: &Table = &Table {
    name: "name",
    columns: &[("id", Number), ("name", Text)],
    keys: 1,
    number: None,
    is_whole: true,
};

pub(super) const TRACE: &Table = &Table {
    name: "trace",
    ..*NAME
};

pub(super) const DELIVERED: &Table = &Table {
    name: "delivered",
    columns: &[("run", Number), ("name", Text), ("count", Number)],
    keys: 2,
    number: None,
    is_whole: true,
};

pub(super) const LEAD: &Table = &Table {
    name: "snapshot_lead",
    columns: &[
        ("lead", Bytes),
        ("latest", Number),
        ("previous", Number),
        ("touched", Number),
        ("kinds", Number),
        ("known_as", Number),
        ("merged", Bytes),
    ],
    keys: 1,
    number: None,
    is_whole: true,
};

pub(super) const IDENTITY: &Table = &Table {
    name: "snapshot_identity",
    columns: &[("identity", Bytes), ("lead", Bytes)],
    keys: 2,
    number: None,
    // What very many leads have in common says nothing, and is not fetched in full.
    is_whole: false,
};

pub(super) const STAGE: &Table = &Table {
    name: "snapshot_stage",
    columns: &[
        ("lead", Bytes),
        ("stage", Bytes),
        ("id", Bytes),
        ("event", Bytes),
        ("time", Number),
        ("visits", Number),
        ("recorded", Number),
        ("seen", Number),
        ("run", Number),
    ],
    keys: 2,
    number: None,
    is_whole: true,
};

pub(super) const SOURCE: &Table = &Table {
    name: "snapshot_source",
    columns: &[("source", Bytes), ("since", Number)],
    keys: 1,
    number: None,
    is_whole: true,
};

pub(super) const PENDING: &Table = &Table {
    name: "pending",
    columns: &[
        ("key", Bytes),
        ("dataset", Text),
        ("lead", Bytes),
        ("name", Text),
        ("time", Number),
        ("json", Bytes),
        ("run", Number),
        ("noted", Number),
        ("id_time", Number),
        ("identities", Bytes),
    ],
    keys: 1,
    number: Some("id"),
    // What other runs have in hand stays out of sight.
    is_whole: false,
};

pub(super) const RUN: &Table = &Table {
    name: "run",
    columns: &[
        ("dataset", Text),
        ("started", Number),
        ("ended", Number),
        ("exit_status", Number),
        ("events", Number),
        ("skipped_old", Number),
        ("skipped_delivered", Number),
        ("accepted", Number),
        ("rejected", Number),
        ("undelivered", Number),
        ("uncertain", Number),
        ("requests", Number),
        ("clock", Number),
        ("rehearsal", Number),
    ],
    keys: 0,
    number: Some("id"),
    is_whole: true,
};

pub(super) const NOTICE: &Table = &Table {
    name: "notice",
    columns: &[
        ("subject", Text),
        ("channel", Text),
        ("state", Text),
        ("changed", Number),
    ],
    keys: 2,
    number: None,
    is_whole: true,
};

pub(super) const LEADGEN: &Table = &Table {
    name: "leadgen",
    columns: &[
        ("dataset", Text),
        ("lead", Text),
        ("page", Text),
        ("created", Number),
        ("noted", Number),
        ("attempts", Number),
        ("due", Number),
    ],
    keys: 2,
    number: None,
    is_whole: true,
};

impl Table {
    /// The columns as a list, each of table `of`.
    pub(super) fn list(&self, of: &str) -> String {
        let names = self
            .columns
            .iter()
            .map(|(name, _)| *name)
            .chain(self.number);
        let names: Vec<String> = names.map(|name| format!("{of}.{name}")).collect();
        names.join(", ")
    }

    /// The columns from one on.
    pub(super) fn names(&self, from: usize) -> Vec<&'static str> {
        self.columns[from..].iter().map(|(name, _)| *name).collect()
    }
}
