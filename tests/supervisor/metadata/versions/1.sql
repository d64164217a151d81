CREATE TABLE images (
        id TEXT PRIMARY KEY, config TEXT NOT NULL, layers TEXT NOT NULL, size INTEGER NOT NULL, created_ns INTEGER NOT NULL
    ) STRICT;
CREATE TABLE image_references (
        name TEXT PRIMARY KEY, image_id TEXT NOT NULL REFERENCES images (id)
    ) STRICT;
CREATE TABLE snapshots (
        key TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, parent TEXT, kind TEXT NOT NULL
    ) STRICT;
CREATE TABLE events (
        cursor INTEGER PRIMARY KEY AUTOINCREMENT, time_ns INTEGER NOT NULL, type TEXT NOT NULL, action TEXT NOT NULL,
        actor TEXT NOT NULL, attributes TEXT NOT NULL
    ) STRICT;
PRAGMA user_version = 1;
