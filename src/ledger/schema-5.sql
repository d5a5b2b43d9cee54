-- The event names, so that each stands in the file once.
CREATE TABLE name (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Meta's trace ids of the answers that settled events.
CREATE TABLE trace (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- What an event is about; absent in rows of earlier shapes.
ALTER TABLE event ADD COLUMN name INTEGER;  -- name.id
ALTER TABLE event ADD COLUMN trace INTEGER; -- trace.id
-- Whom it is about: 8 bytes each over a lead id, a hashed email or a hashed phone. No value can be read out of them,
-- but who has a value can find its events.
ALTER TABLE event ADD COLUMN people BLOB;
