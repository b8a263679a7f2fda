-- Audit rows stay until they are older than what st_audit_trim was told to keep: the border is written in the same transaction, and
-- nothing younger can be deleted, by whatever statement.
DROP TRIGGER audit_keeps_rows;
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
WHEN old.at >= coalesce((SELECT value FROM settings WHERE name = 'audit.kept_since'), 0)
BEGIN
    SELECT RAISE(ABORT, 'audit rows stay');
END;

-- Keys that have ended are dropped when nobody asks for them any more.
CREATE INDEX api_key_ended ON api_keys (max(revoked_at, expires_at)) WHERE revoked_at > 0 OR expires_at > 0;
