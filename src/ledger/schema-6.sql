-- The ids that an event would have if its id were made from something else that its lead is known by.
CREATE TABLE alias (
    time    INTEGER NOT NULL, -- what the id is made from, Unix seconds: neighbours in an export are neighbours here
    key     BLOB    NOT NULL, -- 16 bytes: the event's key under that id
    event   BLOB    NOT NULL, -- 16 bytes: the id that it has
    settled INTEGER NOT NULL, -- when this was written, by the real clock
    PRIMARY KEY (time, key)
) WITHOUT ROWID;

-- By what kinds of things the event's lead is known, one bit each; absent in rows of earlier shapes, and where the id is the
-- export's own.
ALTER TABLE event ADD COLUMN kinds INTEGER;
-- Tells what it was last known by from what else it may be known by: as long as that is the same there is nothing to learn.
ALTER TABLE event ADD COLUMN known_as INTEGER;
