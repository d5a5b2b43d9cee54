-- Leads that Meta's webhook told of and that are not read yet.
CREATE TABLE leadgen (
    dataset  TEXT    NOT NULL,
    lead     TEXT    NOT NULL, -- Meta's id of it
    page     TEXT    NOT NULL, -- the Page it came in on
    created  INTEGER NOT NULL, -- when, as Meta told; Unix seconds
    noted    INTEGER NOT NULL, -- when it was told, by the real clock
    attempts INTEGER NOT NULL, -- how often it was tried to read it
    due      INTEGER NOT NULL, -- when to try next, by the real clock; whoever tries puts it off first
    PRIMARY KEY (dataset, lead)
) WITHOUT ROWID;
