-- A lead as exports show it that tell only of current stages. Times of exports are Unix seconds.
CREATE TABLE snapshot_lead (
    lead     BLOB    NOT NULL PRIMARY KEY, -- 16 bytes over dataset and what identifies the lead
    latest   INTEGER NOT NULL,             -- the latest export that showed it where it was not before
    previous INTEGER,                      -- the one it was last known from before that
    touched  INTEGER NOT NULL              -- when it last appeared, by the real clock, give or take a week
) WITHOUT ROWID;

-- A stage that a lead was seen in.
CREATE TABLE snapshot_stage (
    lead     BLOB    NOT NULL,
    stage    BLOB    NOT NULL, -- 16 bytes: the key of the event of its first visit
    event    BLOB    NOT NULL, -- the key of the event of its latest visit, remembered as long as this row is
    visits   INTEGER NOT NULL, -- how often the lead came back to it
    recorded INTEGER NOT NULL, -- whether it is only known and gives no event
    seen     INTEGER NOT NULL, -- the latest export that showed the lead in it after a change
    PRIMARY KEY (lead, stage)
) WITHOUT ROWID;
CREATE INDEX snapshot_stage_by_event ON snapshot_stage (event);

-- A CRM of a dataset whose first run was read to its end: what shows from then on has changed since.
CREATE TABLE snapshot_source (
    source BLOB    NOT NULL PRIMARY KEY, -- 16 bytes over dataset and the CRM's name
    since  INTEGER NOT NULL              -- Unix seconds, by the real clock
) WITHOUT ROWID;
