-- Ids are never reused (AUTOINCREMENT): they show outside as UUIDs.

CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    username TEXT NOT NULL COLLATE NOCASE CONSTRAINT username UNIQUE,
    email TEXT NOT NULL COLLATE NOCASE CONSTRAINT email UNIQUE,
    password_hash TEXT NOT NULL,
    role INTEGER NOT NULL,
    is_active INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE tokens (
    jti TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL,
    ip TEXT,
    user_agent TEXT
) WITHOUT ROWID;
CREATE INDEX token_user ON tokens (user_id);
CREATE INDEX token_expiry ON tokens (expires_at);

CREATE TABLE numbers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    policy TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX number_phone ON numbers (phone) WHERE deleted_at = 0;
CREATE INDEX number_deleted ON numbers (deleted_at) WHERE deleted_at > 0;

-- What changes with every message, apart from what people edit.
CREATE TABLE number_state (
    number_id INTEGER PRIMARY KEY REFERENCES numbers (id) ON DELETE CASCADE,
    last_seq INTEGER NOT NULL DEFAULT 0,
    last_activity_at INTEGER NOT NULL DEFAULT 0,
    chat_count INTEGER NOT NULL DEFAULT 0,
    archived_count INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE permissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    number_id INTEGER NOT NULL REFERENCES numbers (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (user_id, number_id)
);
CREATE INDEX permission_number ON permissions (number_id);

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    key_hash BLOB NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    scopes INTEGER NOT NULL,
    created_by INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE api_key_numbers (
    api_key_id INTEGER NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    number_id INTEGER NOT NULL,
    PRIMARY KEY (api_key_id, number_id)
) WITHOUT ROWID;

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number_id INTEGER NOT NULL UNIQUE REFERENCES numbers (id) ON DELETE CASCADE,
    status INTEGER NOT NULL,
    is_active INTEGER NOT NULL,
    last_connected_at INTEGER NOT NULL DEFAULT 0,
    error_message TEXT,
    reason TEXT,
    retry_at INTEGER NOT NULL DEFAULT 0,
    jid TEXT,
    lid TEXT,
    push_name TEXT,
    platform TEXT,
    credentials BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number_id INTEGER NOT NULL REFERENCES numbers (id),
    phone TEXT,
    lid TEXT,
    name TEXT,
    push_name TEXT,
    business_name TEXT,
    is_blocked INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (number_id, phone),
    UNIQUE (number_id, lid)
);

CREATE TABLE chats (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number_id INTEGER NOT NULL REFERENCES numbers (id),
    contact_id INTEGER UNIQUE REFERENCES contacts (id),
    jid TEXT NOT NULL,
    is_group INTEGER NOT NULL,
    name TEXT,
    number TEXT NOT NULL,
    last_message TEXT,
    last_message_id INTEGER NOT NULL DEFAULT 0,
    last_message_at INTEGER NOT NULL,
    last_is_from_me INTEGER NOT NULL DEFAULT 0,
    unread_count INTEGER NOT NULL DEFAULT 0,
    is_marked_unread INTEGER NOT NULL DEFAULT 0,
    is_pinned INTEGER NOT NULL DEFAULT 0,
    is_archived INTEGER NOT NULL DEFAULT 0,
    muted_until INTEGER NOT NULL DEFAULT 0,
    message_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    meta TEXT,
    UNIQUE (number_id, jid)
);
-- The chat list in its order, with every column it shows: a page is one range of one tree.
CREATE INDEX chat_list ON chats (number_id, is_archived, is_pinned DESC, last_message_at DESC, id DESC,
    contact_id, jid, is_group, name, number, last_message, last_message_id, last_is_from_me, unread_count,
    is_marked_unread, muted_until, message_count, created_at, updated_at);

-- Ids of chats that were merged into others.
CREATE TABLE chat_aliases (
    old_id INTEGER PRIMARY KEY,
    new_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE
);
CREATE INDEX chat_alias_new ON chat_aliases (new_id);

CREATE TABLE members (
    chat_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    contact_id INTEGER NOT NULL REFERENCES contacts (id),
    role INTEGER NOT NULL,
    PRIMARY KEY (chat_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX member_contact ON members (contact_id);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL REFERENCES chats (id),
    wa_id TEXT NOT NULL,
    is_from_me INTEGER NOT NULL,
    sender_id INTEGER NOT NULL,
    participant_id INTEGER NOT NULL, -- the sender in a group, when not us; else 0
    type INTEGER NOT NULL,
    content TEXT NOT NULL,
    caption TEXT,
    file_name TEXT,
    flags INTEGER NOT NULL,
    status INTEGER NOT NULL,
    is_unread INTEGER NOT NULL,
    is_starred INTEGER NOT NULL,
    has_media INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    quoted_wa_id TEXT,
    quoted_content TEXT,
    quoted_sender_id INTEGER NOT NULL,
    sent_by INTEGER NOT NULL,
    client_id TEXT,
    stored_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    delivered_at INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    error TEXT,
    edited_at INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    mentions TEXT
);
-- A message is known by this key; the number follows from the chat.
CREATE UNIQUE INDEX message_key ON messages (chat_id, wa_id, is_from_me, participant_id);
CREATE INDEX message_history ON messages (chat_id, timestamp, id);
CREATE INDEX message_unread ON messages (chat_id, timestamp, id) WHERE is_unread = 1;
CREATE INDEX message_starred ON messages (number_id, id) WHERE is_starred = 1;
CREATE INDEX message_participant ON messages (participant_id) WHERE participant_id > 0;

CREATE TABLE message_raw (message_id INTEGER PRIMARY KEY, raw BLOB NOT NULL);

CREATE TABLE media (
    message_id INTEGER PRIMARY KEY,
    state INTEGER NOT NULL,
    mime TEXT,
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
    updated_at INTEGER NOT NULL
);

CREATE TABLE reactions (
    message_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    emoji TEXT NOT NULL, -- empty: taken back; the row stays so that an older one cannot return
    reacted_at INTEGER NOT NULL,
    PRIMARY KEY (message_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX reaction_contact ON reactions (contact_id) WHERE contact_id > 0;

CREATE TABLE receipts (
    message_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    delivered_at INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    played_at INTEGER NOT NULL,
    PRIMARY KEY (message_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX receipt_contact ON receipts (contact_id);

-- The search index holds no text of its own: it reads this view. Scope words narrow a search to a
-- number or a chat inside the index.
CREATE VIEW message_search AS
SELECT id,
    'n' || number_id || ' c' || chat_id AS scope,
    CASE WHEN revoked_at > 0 THEN ''
        WHEN type BETWEEN 1 AND 5 THEN coalesce(caption, '') || ' ' || coalesce(file_name, '')
        ELSE content || ' ' || coalesce(file_name, '') END AS body
FROM messages;
CREATE VIRTUAL TABLE message_fts USING fts5 (scope, body, content = 'message_search', content_rowid = 'id',
    columnsize = 0, tokenize = 'unicode61 remove_diacritics 2');

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id INTEGER NOT NULL UNIQUE REFERENCES messages (id) ON DELETE CASCADE,
    number_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX outbox_number ON outbox (number_id, id);

CREATE TABLE events (
    number_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (number_id, seq)
) WITHOUT ROWID;

CREATE TABLE templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    command TEXT NOT NULL COLLATE NOCASE UNIQUE,
    content TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    api_key_id INTEGER NOT NULL,
    number_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    target TEXT,
    ip TEXT,
    details TEXT
);
CREATE INDEX audit_user ON audit (user_id, id);
CREATE INDEX audit_number ON audit (number_id, id);
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows do not change');
END;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows stay');
END;

CREATE TABLE idempotency (
    principal INTEGER NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    message_id INTEGER NOT NULL DEFAULT 0,
    http_status INTEGER NOT NULL DEFAULT 0,
    response TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE keys (
    number_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name BLOB NOT NULL,
    value BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (number_id, kind, name)
) WITHOUT ROWID;
