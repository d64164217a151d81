CREATE TABLE snapshots (
        key TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, parent TEXT, kind TEXT NOT NULL
    ) STRICT;
CREATE TABLE events (
        cursor INTEGER PRIMARY KEY AUTOINCREMENT, time_ns INTEGER NOT NULL, type TEXT NOT NULL, action TEXT NOT NULL,
        actor TEXT NOT NULL, attributes TEXT NOT NULL
    , namespace TEXT NOT NULL DEFAULT 'default') STRICT;
CREATE TABLE "images" (
        namespace TEXT NOT NULL DEFAULT 'default', id TEXT NOT NULL, config TEXT NOT NULL, layers TEXT NOT NULL, size INTEGER NOT NULL,
        created_ns INTEGER NOT NULL, manifest TEXT NOT NULL DEFAULT '', tagged_ns INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (namespace, id)
    ) STRICT;
CREATE TABLE "image_references" (
        namespace TEXT NOT NULL DEFAULT 'default', name TEXT NOT NULL, image_id TEXT NOT NULL, PRIMARY KEY (namespace, name),
        FOREIGN KEY (namespace, image_id) REFERENCES "images" (namespace, id)
    ) STRICT;
CREATE TABLE "containers" (
        id TEXT PRIMARY KEY, namespace TEXT NOT NULL DEFAULT 'default', name TEXT, image_id TEXT NOT NULL, config TEXT NOT NULL,
        created_ns INTEGER NOT NULL, status TEXT NOT NULL, pid INTEGER NOT NULL, exit_code INTEGER NOT NULL, error TEXT NOT NULL,
        oom_killed INTEGER NOT NULL, started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL, restart_count INTEGER NOT NULL, stopped_by_hand INTEGER NOT NULL DEFAULT 0, health TEXT NOT NULL DEFAULT '',
        UNIQUE (namespace, name)
    ) STRICT;
CREATE TABLE "execs" (
        id TEXT PRIMARY KEY, container_id TEXT NOT NULL REFERENCES "containers" (id) ON DELETE CASCADE, config TEXT NOT NULL,
        created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, exit_code INTEGER
    ) STRICT;
CREATE INDEX events_of_namespace ON events (namespace, cursor);
CREATE TABLE leases (
        namespace TEXT NOT NULL, id TEXT NOT NULL, labels TEXT NOT NULL, created_ns INTEGER NOT NULL, expires_ns INTEGER,
        PRIMARY KEY (namespace, id)
    ) STRICT;
CREATE TABLE lease_resources (
        namespace TEXT NOT NULL, lease_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (namespace, lease_id, kind, name),
        FOREIGN KEY (namespace, lease_id) REFERENCES leases (namespace, id) ON DELETE CASCADE
    ) STRICT;
CREATE TABLE blob_namespaces (namespace TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (namespace, digest)) STRICT, WITHOUT ROWID;
CREATE TABLE forgotten_events (namespace TEXT PRIMARY KEY, cursor INTEGER NOT NULL) STRICT;
CREATE TABLE "content_labels" (
        namespace TEXT NOT NULL, digest TEXT NOT NULL, labels TEXT NOT NULL, PRIMARY KEY (namespace, digest)
    ) STRICT;
PRAGMA user_version = 9;
