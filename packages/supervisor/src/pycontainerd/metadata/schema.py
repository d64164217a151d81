"""The tables, as a list of steps: a database of version n has had the first n steps. Steps are added, never changed."""

from __future__ import annotations

STEPS: tuple[str, ...] = (
    """
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
    """,
    """
    CREATE TABLE IF NOT EXISTS containers (
        id TEXT PRIMARY KEY, name TEXT UNIQUE, image_id TEXT NOT NULL, config TEXT NOT NULL, created_ns INTEGER NOT NULL,
        status TEXT NOT NULL, pid INTEGER NOT NULL, exit_code INTEGER NOT NULL, error TEXT NOT NULL, oom_killed INTEGER NOT NULL,
        started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL, restart_count INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS execs (
        id TEXT PRIMARY KEY, container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE, config TEXT NOT NULL,
        created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, exit_code INTEGER
    ) STRICT;
    """,
    # Namespaces: every table of objects that have names gets one, and all that was there is in "default". SQLite cannot change a key, so the
    # tables are made anew; children before their parents, because a table that is dropped takes along what refers to it.
    """
    CREATE TABLE new_images (
        namespace TEXT NOT NULL DEFAULT 'default', id TEXT NOT NULL, config TEXT NOT NULL, layers TEXT NOT NULL, size INTEGER NOT NULL,
        created_ns INTEGER NOT NULL, PRIMARY KEY (namespace, id)
    ) STRICT;
    INSERT INTO new_images (id, config, layers, size, created_ns) SELECT id, config, layers, size, created_ns FROM images;
    CREATE TABLE new_image_references (
        namespace TEXT NOT NULL DEFAULT 'default', name TEXT NOT NULL, image_id TEXT NOT NULL, PRIMARY KEY (namespace, name),
        FOREIGN KEY (namespace, image_id) REFERENCES new_images (namespace, id)
    ) STRICT;
    INSERT INTO new_image_references (name, image_id) SELECT name, image_id FROM image_references;
    DROP TABLE image_references;
    DROP TABLE images;
    ALTER TABLE new_images RENAME TO images;
    ALTER TABLE new_image_references RENAME TO image_references;
    CREATE TABLE new_containers (
        id TEXT PRIMARY KEY, namespace TEXT NOT NULL DEFAULT 'default', name TEXT, image_id TEXT NOT NULL, config TEXT NOT NULL,
        created_ns INTEGER NOT NULL, status TEXT NOT NULL, pid INTEGER NOT NULL, exit_code INTEGER NOT NULL, error TEXT NOT NULL,
        oom_killed INTEGER NOT NULL, started_ns INTEGER NOT NULL, finished_ns INTEGER NOT NULL, restart_count INTEGER NOT NULL,
        UNIQUE (namespace, name)
    ) STRICT;
    INSERT INTO new_containers (
        id, name, image_id, config, created_ns, status, pid, exit_code, error, oom_killed, started_ns, finished_ns, restart_count
    ) SELECT
        id, name, image_id, config, created_ns, status, pid, exit_code, error, oom_killed, started_ns, finished_ns, restart_count
    FROM containers;
    CREATE TABLE new_execs (
        id TEXT PRIMARY KEY, container_id TEXT NOT NULL REFERENCES new_containers (id) ON DELETE CASCADE, config TEXT NOT NULL,
        created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, exit_code INTEGER
    ) STRICT;
    INSERT INTO new_execs (id, container_id, config, created_ns, started_ns, exit_code)
    SELECT id, container_id, config, created_ns, started_ns, exit_code FROM execs;
    DROP TABLE execs;
    DROP TABLE containers;
    ALTER TABLE new_containers RENAME TO containers;
    ALTER TABLE new_execs RENAME TO execs;
    ALTER TABLE events ADD COLUMN namespace TEXT NOT NULL DEFAULT 'default';
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
    """,
    # labels of blobs; the manifest that an image was pulled with, as it was (empty: it came without one)
    """
    CREATE TABLE content_labels (
        digest TEXT PRIMARY KEY, labels TEXT NOT NULL
    ) STRICT;
    ALTER TABLE images ADD COLUMN manifest TEXT NOT NULL DEFAULT '';
    """,
    # which namespaces have proven to have a blob
    """
    CREATE TABLE blob_namespaces (namespace TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (namespace, digest)) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO blob_namespaces (namespace, digest)
    SELECT namespace, json_extract(layer.value, '$.digest') FROM images, json_each(images.layers) AS layer;
    """,
    # restart policies and health checks
    """
    ALTER TABLE containers ADD COLUMN stopped_by_hand INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE containers ADD COLUMN health TEXT NOT NULL DEFAULT '';
    """,
    # up to which cursor the events of a namespace are forgotten
    """
    CREATE TABLE forgotten_events (namespace TEXT PRIMARY KEY, cursor INTEGER NOT NULL) STRICT;
    INSERT INTO forgotten_events (namespace, cursor) SELECT 'default', min(cursor) - 1 FROM events HAVING min(cursor) > 1;
    """,
    # labels of blobs, of each namespace
    """
    CREATE TABLE new_content_labels (
        namespace TEXT NOT NULL, digest TEXT NOT NULL, labels TEXT NOT NULL, PRIMARY KEY (namespace, digest)
    ) STRICT;
    INSERT INTO new_content_labels (namespace, digest, labels) SELECT 'default', digest, labels FROM content_labels;
    DROP TABLE content_labels;
    ALTER TABLE new_content_labels RENAME TO content_labels;
    """,
    # when an image was last given a name on this machine (0: never)
    """
    ALTER TABLE images ADD COLUMN tagged_ns INTEGER NOT NULL DEFAULT 0;
    """,
)
