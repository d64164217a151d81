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
CREATE TABLE containers (
        id TEXT PRIMARY KEY, name TEXT UNIQUE, image_id TEXT NOT NULL, config TEXT NOT NULL, created_ns INTEGER NOT NULL,
        status TEXT NOT NULL, pid INTEGER NOT NULL, exit_code INTEGER NOT NULL, error TEXT NOT NULL, oom_killed INTEGER NOT NULL,
        started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL, restart_count INTEGER NOT NULL
    ) STRICT;
CREATE TABLE execs (
        id TEXT PRIMARY KEY, container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE, config TEXT NOT NULL,
        created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, exit_code INTEGER
    ) STRICT;
PRAGMA user_version = 2;
