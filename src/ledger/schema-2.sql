-- When a row was last written, by the real clock: what may be forgotten depends on it.
ALTER TABLE event ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
UPDATE event SET settled = unixepoch();
-- Runs that may have delivered the event without knowing it; 0 when nothing is uncertain.
ALTER TABLE event ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
UPDATE event SET attempts = 1 WHERE state = 0;

-- When the run started by the real clock, whatever --now said, as far as it is believed.
ALTER TABLE run ADD COLUMN clock INTEGER;
-- Whether a sandbox stood in Meta's place: then nothing counts as delivered.
ALTER TABLE run ADD COLUMN rehearsal INTEGER NOT NULL DEFAULT 0;
