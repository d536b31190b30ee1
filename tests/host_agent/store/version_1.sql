-- The tables as version 1 made them, with a little of everything in them.
PRAGMA journal_mode = WAL;
CREATE TABLE devices (
    name TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    "group" TEXT NOT NULL,
    key BLOB NOT NULL,
    boot INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    acked_boot INTEGER NOT NULL,
    acked_seq INTEGER NOT NULL,
    last_seen_ms INTEGER,
    health TEXT NOT NULL,
    stale_frames INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT,
    params TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    time_source TEXT NOT NULL,
    accepted_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_ms INTEGER,
    next_ms INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    settled_ms INTEGER,
    UNIQUE (device, boot, seq)
);
CREATE INDEX events_pending ON events (device) WHERE state = 'pending';
CREATE INDEX events_settled ON events (state, settled_ms) WHERE state <> 'pending';

CREATE TABLE totals (
    state TEXT PRIMARY KEY,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO totals VALUES ('pending', 0, 0), ('delivered', 0, 0), ('dead', 0, 0);

CREATE TRIGGER events_added AFTER INSERT ON events BEGIN
    UPDATE totals SET events = events + 1, bytes = bytes + new.bytes WHERE state = new.state;
END;
CREATE TRIGGER events_moved AFTER UPDATE OF state ON events WHEN old.state <> new.state BEGIN
    UPDATE totals SET events = events - 1, bytes = bytes - old.bytes WHERE state = old.state;
    UPDATE totals SET events = events + 1, bytes = bytes + new.bytes WHERE state = new.state;
END;
CREATE TRIGGER events_removed AFTER DELETE ON events BEGIN
    UPDATE totals SET events = events - 1, bytes = bytes - old.bytes WHERE state = old.state;
END;

PRAGMA user_version = 1;

INSERT INTO devices VALUES
    ('door', 'lock', 'hq', x'0101010101010101010101010101010101010101010101010101010101010101',
     7, 42, 7, 3, 1700000100000, '{"heap":60000}', 2, 1690000000000),
    ('gone', 'lock', '', x'', 5, 1, 5, 9, NULL, '{}', 0, 1690000000000);
INSERT INTO events VALUES
    (11, 'door', 7, 1, 'buttonState', '{"pressed":true}', 27, 1700000000001, 'board',
     1700000000002, 'delivered', 1, 1700000000003, 0, '', 1700000000004),
    (12, 'door', 7, 2, 'buttonState', '{"pressed":false}', 28, 1700000000005, 'age',
     1700000000006, 'pending', 3, 1700000000007, 1700000000008, 'HTTP 503', NULL),
    (13, 'door', 7, 3, NULL, '{"id":[7,3]}', 12, 1700000000009, 'arrival',
     1700000000009, 'dead', 0, NULL, 0, 'type is missing', 1700000000009);
