-- Names that must be unique are compared by their fold (base/fold.h): with and without accents, in either case, they are one. Where two of an older file fold
-- to the same, the younger one keeps a key of its own: both stay, both can log in as they are written.
ALTER TABLE users ADD COLUMN username_key TEXT;
ALTER TABLE users ADD COLUMN email_key TEXT;
ALTER TABLE templates ADD COLUMN command_key TEXT;
UPDATE users SET username_key = fold(username), email_key = fold(email);
UPDATE templates SET command_key = fold(command);
UPDATE users SET username_key = username_key || char(1) || id
WHERE EXISTS (SELECT 1 FROM users o WHERE o.username_key = users.username_key AND o.id < users.id);
UPDATE users SET email_key = email_key || char(1) || id
WHERE EXISTS (SELECT 1 FROM users o WHERE o.email_key = users.email_key AND o.id < users.id);
UPDATE templates SET command_key = command_key || char(1) || id
WHERE EXISTS (SELECT 1 FROM templates o WHERE o.command_key = templates.command_key AND o.id < templates.id);
CREATE UNIQUE INDEX user_username_key ON users (username_key);
CREATE UNIQUE INDEX user_email_key ON users (email_key);
CREATE UNIQUE INDEX template_command_key ON templates (command_key);
