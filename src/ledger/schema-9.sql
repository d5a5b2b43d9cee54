-- Events that were taken over HTTP wait among the pending ones too: they stand in no export.
-- What the event's lead is known by, where its id is made from that; else absent.
ALTER TABLE pending ADD COLUMN identities BLOB;
-- The Unix seconds that its id is made from.
ALTER TABLE pending ADD COLUMN id_time INTEGER;
-- What is taken up next, without looking at what the run has in hand already.
CREATE INDEX pending_by_time ON pending (dataset, time, id, run);
