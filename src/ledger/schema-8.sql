-- The run that last had the event of a stage in hand, having found it or taken it up: another row that shows the stage in that
-- run adds nothing, settled or not.
ALTER TABLE snapshot_stage ADD COLUMN run INTEGER;
