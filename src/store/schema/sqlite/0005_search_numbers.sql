-- A search that looks into rows needs their number beside their text.
DROP VIEW message_search;
CREATE VIEW message_search AS
SELECT id,
    number_id,
    'n' || number_id || ' c' || chat_id AS scope,
    CASE WHEN revoked_at > 0 THEN ''
        WHEN type BETWEEN 1 AND 5 THEN coalesce(caption, '') || ' ' || coalesce(file_name, '')
        ELSE content || ' ' || coalesce(file_name, '') END AS body
FROM messages;
