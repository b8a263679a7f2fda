-- What the dashboard shows, counted while messages come: a chart reads a row per hour, never messages.

-- When the oldest message of the customer came that nobody has answered; 0: none waits.
ALTER TABLE chats ADD COLUMN waiting_since INTEGER NOT NULL DEFAULT 0;

CREATE TABLE number_hours (
    number_id INTEGER NOT NULL REFERENCES numbers (id) ON DELETE CASCADE,
    hour INTEGER NOT NULL, -- its first millisecond, UTC
    received INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    responses INTEGER NOT NULL,
    response_ms INTEGER NOT NULL, -- of all responses together
    response_max_ms INTEGER NOT NULL,
    PRIMARY KEY (number_id, hour)
) WITHOUT ROWID;
INSERT INTO number_hours
SELECT number_id, timestamp - timestamp % 3600000 AS hour, sum(is_from_me = 0), sum(is_from_me), 0, 0, 0
FROM messages WHERE number_id IN (SELECT id FROM numbers) GROUP BY number_id, hour;
