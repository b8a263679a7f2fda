-- What changes a message that is not here yet waits for it. `change` is the inbox's own text.
CREATE TABLE pending_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    target_wa_id TEXT NOT NULL,
    change TEXT NOT NULL,
    stored_at INTEGER NOT NULL
);
CREATE INDEX pending_change_target ON pending_changes (chat_id, target_wa_id);

-- What a message holds beside its text: location, contacts, poll, buttons, event. JSON.
ALTER TABLE messages ADD COLUMN details TEXT;

-- The newest vote or answer of each; an empty choice took it back.
CREATE TABLE responses (
    message_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL, -- 0: us
    choice TEXT NOT NULL,        -- ids of options with a space between, or an answer
    responded_at INTEGER NOT NULL,
    PRIMARY KEY (message_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX response_contact ON responses (contact_id) WHERE contact_id > 0;

-- Messages of the chat disappear after so many seconds.
ALTER TABLE chats ADD COLUMN ephemeral_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN ephemeral_set_at INTEGER NOT NULL DEFAULT 0;

-- Who was in a group when a message of ours went out: ticks are counted against them. Messages share
-- an audience until the members change.
ALTER TABLE chats ADD COLUMN audience_id INTEGER NOT NULL DEFAULT 0; -- 0: to be made
CREATE TABLE audiences (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE
);
CREATE INDEX audience_chat ON audiences (chat_id);
CREATE TABLE audience_members (
    audience_id INTEGER NOT NULL REFERENCES audiences (id) ON DELETE CASCADE,
    contact_id INTEGER NOT NULL,
    PRIMARY KEY (audience_id, contact_id)
) WITHOUT ROWID;
CREATE INDEX audience_member_contact ON audience_members (contact_id);
CREATE TABLE message_audience (
    message_id INTEGER PRIMARY KEY,
    audience_id INTEGER NOT NULL
);
