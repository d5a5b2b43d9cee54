-- Events that were taken over HTTP wait among the pending ones too: they stand in no export.
-- The Unix seconds that such an event's id is made from; absent in events of snapshots.
ALTER TABLE pending ADD COLUMN id_time INTEGER;
-- What its lead is known by, where its id is made from that.
ALTER TABLE pending ADD COLUMN identities BLOB;
-- What is taken up next, without looking at what the run has in hand already.
CREATE INDEX pending_by_time ON pending (dataset, time, id, run);
-- How many were taken over HTTP.
CREATE INDEX pending_taken ON pending (dataset) WHERE id_time IS NOT NULL;
