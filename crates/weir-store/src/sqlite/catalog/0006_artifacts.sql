-- The tree of artifacts: a folder is what paths begin with, listed by jumps over this key.
CREATE TABLE artifacts (
    path TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    modified_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Contents, by SHA-256; refs counts the rows of artifacts that have it. Without a place they stand where the digest says.
CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    place TEXT,
    refs INTEGER NOT NULL CHECK (refs >= 0)
) WITHOUT ROWID;
CREATE INDEX blobs_place ON blobs (place) WHERE place IS NOT NULL;
CREATE INDEX blobs_unused ON blobs (digest) WHERE refs = 0;

-- Uploads in parts that clients make straight to an object store.
CREATE TABLE artifact_uploads (
    id TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    path TEXT NOT NULL,
    started_ms INTEGER NOT NULL
) WITHOUT ROWID;
