CREATE TABLE leadgen (
    dataset  TEXT COLLATE "C" NOT NULL,
    lead     TEXT COLLATE "C" NOT NULL,
    page     TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    noted    BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    PRIMARY KEY (dataset, lead)
);
