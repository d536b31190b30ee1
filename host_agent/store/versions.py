"""The tables, as each version of the store adds to those of the one before."""

# One script per version: a store of an earlier one gets those that it lacks. They never change.
# A removed device keeps its row, with an empty key: its counters must never restart.
# An unreadable event has no type, its `params` is what the board sent.
# AUTOINCREMENT: delivery remembers ids, so they must not come back after a purge.
_VERSION_1 = """
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
"""
# An attempt is known by its message too: a board that lost its counter uses numbers again.
_VERSION_2 = """
ALTER TABLE devices ADD COLUMN held_list TEXT;
ALTER TABLE devices ADD COLUMN held_rev INTEGER;

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
CREATE INDEX attempts_received ON attempts (received_ms);
CREATE INDEX attempts_device ON attempts (device);

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
CREATE INDEX notifications_received ON notifications (received_ms);
"""
# `next_key` waits for its first frame; `commanded` is the newest command that the board told of,
# NULL if it never said that it takes any. A command that nobody has answered yet is open. The
# columns of events are for external ones; `group_id` is in place of the device's group. `stored_ms`
# is when the event was written, NULL if that was not noted. A password is a PHC string of argon2id,
# `digest` the SHA-256 of a token's secret, `scopes` a JSON array.
_VERSION_3 = """
ALTER TABLE devices ADD COLUMN next_key BLOB;
ALTER TABLE devices ADD COLUMN commanded INTEGER;

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
CREATE INDEX commands_open ON commands (device) WHERE state = 'open';
CREATE INDEX commands_created ON commands (created_ms);

ALTER TABLE events ADD COLUMN source_ip TEXT;
ALTER TABLE events ADD COLUMN user_agent TEXT;
ALTER TABLE events ADD COLUMN user_id TEXT;
ALTER TABLE events ADD COLUMN session_id TEXT;
ALTER TABLE events ADD COLUMN api_key_id TEXT;
ALTER TABLE events ADD COLUMN group_id TEXT;
ALTER TABLE events ADD COLUMN stored_ms INTEGER;
CREATE INDEX events_device ON events (device);
CREATE INDEX events_dead ON events (state) WHERE state = 'dead';

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    password TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    used_ms INTEGER
) WITHOUT ROWID;

CREATE TABLE logins (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    user TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    outcome TEXT NOT NULL,
    response TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX logins_at ON logins (at_ms);
"""
SCRIPTS = (_VERSION_1, _VERSION_2, _VERSION_3)
