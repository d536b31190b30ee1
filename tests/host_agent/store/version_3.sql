-- A store as version 3 of ThingWarden left it (sqlite3's dump), with made-up keys.
BEGIN TRANSACTION;
CREATE TABLE access (
    device TEXT PRIMARY KEY,
    state TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    digest BLOB NOT NULL,
    response TEXT NOT NULL,
    reason TEXT NOT NULL,
    retry INTEGER NOT NULL,
    risk REAL,
    event_id TEXT NOT NULL,
    event_token TEXT NOT NULL,
    asked INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    UNIQUE (device, attempt, digest)
);
CREATE TABLE commands (
    device TEXT NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    args TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    sent_ms INTEGER,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed', 'unknown', 'expired')),
    result TEXT NOT NULL DEFAULT '',
    settled_ms INTEGER,
    PRIMARY KEY (device, id)
) WITHOUT ROWID;
INSERT INTO "commands" VALUES('door',4000000000,'power','"on"',4000000000000,4000000060000,NULL,'open','',NULL);
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
, held_list TEXT, held_rev INTEGER, next_key BLOB, commanded INTEGER) WITHOUT ROWID;
INSERT INTO "devices" VALUES('door','lock','hq',X'0101010101010101010101010101010101010101010101010101010101010101',3,9,3,2,1700000100000,'{}',0,1690000000000,NULL,NULL,X'0202020202020202020202020202020202020202020202020202020202020202',0);
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
INSERT INTO "events" VALUES(1,'door',3,1,'buttonState','{"pressed":true}',27,1700000000001,'board',1700000100000,'delivered',0,NULL,0,'',1700000200000);
INSERT INTO "events" VALUES(2,'door',3,2,'buttonState','{"pressed":true}',27,1700000000002,'board',1700000100000,'pending',0,NULL,0,'',NULL);
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    auth_group_id TEXT NOT NULL,
    user TEXT NOT NULL,
    response TEXT NOT NULL,
    risk REAL,
    service TEXT NOT NULL,
    client_ip TEXT NOT NULL,
    generated_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    raw TEXT NOT NULL
);
CREATE TABLE totals (
    state TEXT PRIMARY KEY,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "totals" VALUES('dead',0,0);
INSERT INTO "totals" VALUES('delivered',1,27);
INSERT INTO "totals" VALUES('pending',1,27);
CREATE INDEX events_pending ON events (device) WHERE state = 'pending';
CREATE INDEX events_settled ON events (state, settled_ms) WHERE state <> 'pending';
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
CREATE INDEX attempts_received ON attempts (received_ms);
CREATE INDEX attempts_device ON attempts (device);
CREATE INDEX notifications_received ON notifications (received_ms);
CREATE INDEX commands_open ON commands (device) WHERE state = 'open';
CREATE INDEX commands_created ON commands (created_ms);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',2);
PRAGMA user_version = 3;
COMMIT;
