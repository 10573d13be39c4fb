-- The store's first shape: counters, documents and their deletions, queues, leases, firings, usage.
-- Times are milliseconds of the Unix epoch unless the column says otherwise. Text compares by its bytes.

CREATE TABLE counters (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    rev      INTEGER NOT NULL,          -- the last commit
    last_id  INTEGER NOT NULL,          -- the last message
    gone     INTEGER NOT NULL,          -- rows of gone
    horizon  INTEGER NOT NULL           -- the highest revision whose deletions were forgotten
);
INSERT INTO counters VALUES (1, 0, 0, 0, 0);

-- With a rowid: values may be large, and a b-tree of large rows is slow to walk.
CREATE TABLE docs (
    id     INTEGER PRIMARY KEY,
    key    TEXT NOT NULL UNIQUE,
    value  BLOB NOT NULL,
    rev    INTEGER NOT NULL
);
CREATE INDEX docs_by_rev ON docs (rev, key);

CREATE TABLE gone (
    key  TEXT PRIMARY KEY,
    rev  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX gone_by_rev ON gone (rev, key);

-- Small rows here, bodies apart: claiming and counting touch only the index.
CREATE TABLE messages (
    id           INTEGER PRIMARY KEY,
    queue        TEXT NOT NULL,
    visible_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    enqueued_at  INTEGER NOT NULL,
    life         INTEGER NOT NULL,
    leased       INTEGER NOT NULL,
    deliveries   INTEGER NOT NULL,
    token        INTEGER NOT NULL
);
CREATE INDEX messages_by_queue ON messages (queue, visible_at, id);
CREATE INDEX messages_by_expiry ON messages (expires_at);

CREATE TABLE bodies (
    id    INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    body  BLOB NOT NULL
);

CREATE TABLE dedup (
    queue    TEXT NOT NULL,
    name     TEXT NOT NULL,
    id       INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (queue, name)
) WITHOUT ROWID;
CREATE INDEX dedup_by_expiry ON dedup (until);

CREATE TABLE leases (
    name    TEXT PRIMARY KEY,
    holder  TEXT NOT NULL,
    epoch   INTEGER NOT NULL,
    until   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE fired (
    trigger_key  TEXT PRIMARY KEY,
    at           INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE usage (
    node               TEXT NOT NULL,
    epoch              INTEGER NOT NULL,
    seq                INTEGER NOT NULL,
    minute_s           INTEGER NOT NULL, -- seconds of the Unix epoch
    uid                TEXT NOT NULL,
    namespace          TEXT NOT NULL,
    name               TEXT NOT NULL,
    label              TEXT NOT NULL,
    invocations        INTEGER NOT NULL,
    errors             INTEGER NOT NULL,
    throttles          INTEGER NOT NULL,
    cold_starts        INTEGER NOT NULL,
    duration_us        INTEGER NOT NULL,
    billed_ms          INTEGER NOT NULL,
    mb_ms              INTEGER NOT NULL,
    egress_bytes       INTEGER NOT NULL,
    memory_peak_bytes  INTEGER NOT NULL,
    PRIMARY KEY (node, epoch, seq)
) WITHOUT ROWID;
CREATE INDEX usage_by_minute ON usage (minute_s);
CREATE INDEX usage_by_function ON usage (uid, minute_s);
