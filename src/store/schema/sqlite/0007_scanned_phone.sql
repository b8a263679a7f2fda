-- The phone (digits) that scanned a number's code although the number is another one; with reason 'wrong_phone' only.
ALTER TABLE sessions ADD COLUMN scanned_phone TEXT;
