-- Other writings of an account's number (countries with an optional digit).
CREATE TABLE phone_aliases (
    number_id INTEGER NOT NULL,
    phone TEXT NOT NULL,
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    PRIMARY KEY (number_id, phone)
) WITHOUT ROWID;
CREATE INDEX phone_alias_contact ON phone_aliases (contact_id);
