-- A message's entry is its number, its chat and its text in one column; the tokenizer (search_tokens.c)
-- makes of it each word by itself and each word within the number, so that a search in a number or a
-- chat reads lists of that size. Which words a message has is all that is asked: no positions. Entries
-- count backwards from 2^40: the lists begin with the newest.
DROP TABLE message_fts;
DROP VIEW message_search;
CREATE VIEW message_search AS
SELECT id, 1099511627776 - id AS entry_id, number_id, body,
    number_id || ' ' || chat_id || ' ' || body AS entry
FROM (SELECT id, number_id, chat_id,
    CASE WHEN revoked_at > 0 THEN ''
        WHEN type BETWEEN 1 AND 5 THEN coalesce(caption, '') || ' ' || coalesce(file_name, '')
        ELSE content || ' ' || coalesce(file_name, '') END AS body
    FROM messages);
CREATE VIRTUAL TABLE message_fts USING fts5 (entry, content = 'message_search', content_rowid = 'entry_id',
    columnsize = 0, detail = none, tokenize = 'message_entry');
-- In the index's order: FTS5's 'rebuild' goes by id, and would end a segment with each message.
INSERT INTO message_fts (rowid, entry) SELECT entry_id, entry FROM message_search ORDER BY id DESC;
