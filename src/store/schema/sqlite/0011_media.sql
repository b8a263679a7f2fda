-- The file of a message: where WhatsApp has it, what it is, and the blobs that hold it here. Nothing was written into the table before.
DROP TABLE media;
CREATE TABLE media (
    message_id INTEGER PRIMARY KEY,
    number_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    mime TEXT,
    file_name TEXT,
    direct_path TEXT,
    url TEXT,
    local_path TEXT,
    media_key BLOB,
    sha256 BLOB,
    enc_sha256 BLOB,
    thumbnail BLOB,
    size_bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    waveform BLOB,
    file_blob BLOB,
    thumb_blob BLOB,
    error TEXT,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL, -- 0: not before somebody asks
    updated_at INTEGER NOT NULL
);
CREATE INDEX media_due ON media (next_at) WHERE state < 2 AND next_at > 0;

-- How many rows name a blob. Who stores one commits the row after; one without rows is removed by housekeeping.
CREATE TABLE blobs (
    id BLOB PRIMARY KEY,
    refs INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX blob_unused ON blobs (refs) WHERE refs = 0;

CREATE TRIGGER media_in AFTER INSERT ON media BEGIN
    INSERT OR IGNORE INTO blobs SELECT new.file_blob, 0 WHERE new.file_blob IS NOT NULL;
    INSERT OR IGNORE INTO blobs SELECT new.thumb_blob, 0 WHERE new.thumb_blob IS NOT NULL;
    UPDATE blobs SET refs = refs + 1 WHERE id = new.file_blob;
    UPDATE blobs SET refs = refs + 1 WHERE id = new.thumb_blob;
END;
CREATE TRIGGER media_changed AFTER UPDATE OF file_blob, thumb_blob ON media BEGIN
    INSERT OR IGNORE INTO blobs SELECT new.file_blob, 0 WHERE new.file_blob IS NOT NULL;
    INSERT OR IGNORE INTO blobs SELECT new.thumb_blob, 0 WHERE new.thumb_blob IS NOT NULL;
    UPDATE blobs SET refs = refs - 1 WHERE id = old.file_blob;
    UPDATE blobs SET refs = refs - 1 WHERE id = old.thumb_blob;
    UPDATE blobs SET refs = refs + 1 WHERE id = new.file_blob;
    UPDATE blobs SET refs = refs + 1 WHERE id = new.thumb_blob;
END;
CREATE TRIGGER media_out AFTER DELETE ON media BEGIN
    UPDATE blobs SET refs = refs - 1 WHERE id = old.file_blob;
    UPDATE blobs SET refs = refs - 1 WHERE id = old.thumb_blob;
END;
