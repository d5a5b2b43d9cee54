-- A run of an upload that was to be remembered.
CREATE TABLE run (
    id                INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: events refer to it
    dataset           TEXT    NOT NULL,
    started           INTEGER NOT NULL, -- Unix seconds
    ended             INTEGER,          -- NULL while it runs, and for ever when it died
    exit_status       INTEGER,
    events            INTEGER NOT NULL DEFAULT 0,
    skipped_old       INTEGER NOT NULL DEFAULT 0,
    skipped_delivered INTEGER NOT NULL DEFAULT 0,
    accepted          INTEGER NOT NULL DEFAULT 0,
    rejected          INTEGER NOT NULL DEFAULT 0,
    undelivered       INTEGER NOT NULL DEFAULT 0,
    uncertain         INTEGER NOT NULL DEFAULT 0,
    requests          INTEGER NOT NULL DEFAULT 0
);

-- An event that was sent, or was about to be. The key holds no personal data.
CREATE TABLE event (
    key         BLOB    NOT NULL PRIMARY KEY, -- 16 bytes over dataset, event id and event name
    time        INTEGER NOT NULL,             -- event_time, Unix seconds
    state       INTEGER NOT NULL,             -- 0 sending, 1 accepted, 2 rejected
    run         INTEGER NOT NULL,             -- the run that put it into this state
    code        INTEGER,                      -- Meta's code and subcode, when rejected
    subcode     INTEGER,
    fingerprint BLOB                          -- 8 bytes over the content, when rejected
) WITHOUT ROWID;

-- How many events of a name a run delivered; outlives the events themselves.
CREATE TABLE delivered (
    run   INTEGER NOT NULL,
    name  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
