-- The lead that one of snapshots turned out to be, when a row had something of both.
ALTER TABLE snapshot_lead ADD COLUMN merged BLOB;
