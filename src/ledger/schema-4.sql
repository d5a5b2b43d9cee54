-- What a receiver of notifications was last told about the uploads of a subject: a dataset and its settings file.
-- The channel "" holds the state itself, told or not.
CREATE TABLE notice (
    subject TEXT    NOT NULL,
    channel TEXT    NOT NULL,
    state   TEXT    NOT NULL, -- what is wrong, separated by commas; empty when all is well
    changed INTEGER NOT NULL, -- Unix seconds
    PRIMARY KEY (subject, channel)
) WITHOUT ROWID;
