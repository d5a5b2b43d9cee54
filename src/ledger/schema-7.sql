-- Leads and stages of snapshots are kept anew: by the lead, whatever it is known by now, and by the stage's name. What earlier
-- shapes kept cannot be brought over, so the next run over snapshots is a first one, which sends none of what is there.
DROP TABLE snapshot_stage;
DROP TABLE snapshot_lead;
DELETE FROM snapshot_source;

-- A lead as exports show it that tell only of current stages. Times of exports are Unix seconds.
CREATE TABLE snapshot_lead (
    lead     BLOB    NOT NULL PRIMARY KEY, -- 16 bytes over dataset and what identified the lead when it was first seen
    latest   INTEGER NOT NULL,             -- the latest export that showed it where it was not before
    previous INTEGER,                      -- the one it was last known from before that
    touched  INTEGER NOT NULL,             -- when it last appeared, by the real clock, give or take a week
    kinds    INTEGER NOT NULL,             -- by what kinds of things it is known, one bit each
    known_as INTEGER NOT NULL              -- tells what it was last known by from what else it may be known by
) WITHOUT ROWID;

-- Everything that a lead of snapshots was ever known by. Some of it may be several leads': a couple's phone.
CREATE TABLE snapshot_identity (
    identity BLOB NOT NULL, -- 16 bytes over dataset and one thing that identifies a lead
    lead     BLOB NOT NULL, -- snapshot_lead.lead
    PRIMARY KEY (identity, lead)
) WITHOUT ROWID;

-- A stage that a lead was seen in.
CREATE TABLE snapshot_stage (
    lead     BLOB    NOT NULL, -- snapshot_lead.lead
    stage    BLOB    NOT NULL, -- 16 bytes over the stage's name, whatever its spelling
    id       BLOB    NOT NULL, -- 16 bytes: the id of the event of its latest visit
    event    BLOB    NOT NULL, -- that event's key, remembered as long as this row is
    time     INTEGER NOT NULL, -- the time that event was first shown with
    visits   INTEGER NOT NULL, -- how often the lead came back to it
    recorded INTEGER NOT NULL, -- whether it is only known and gives no event
    seen     INTEGER NOT NULL, -- the latest export that showed the lead in it after a change
    PRIMARY KEY (lead, stage)
) WITHOUT ROWID;
CREATE INDEX snapshot_stage_by_event ON snapshot_stage (event);

-- Events of snapshots that are not settled yet, as they are sent: the next export may not show them any more.
CREATE TABLE pending (
    id      INTEGER PRIMARY KEY,
    key     BLOB    NOT NULL UNIQUE, -- the event's key
    dataset TEXT    NOT NULL,
    lead    BLOB    NOT NULL,        -- snapshot_lead.lead
    name    TEXT    NOT NULL,
    time    INTEGER NOT NULL,
    json    BLOB    NOT NULL,        -- hashed, as it goes over the wire; gone as soon as the event is settled, or too old
    run     INTEGER,                 -- the run that has it in hand, or last had
    noted   INTEGER NOT NULL         -- when it was first shown, by the real clock
);
CREATE INDEX pending_by_lead ON pending (lead);
