-- What protocols give back besides input and output: the text of one JSON object.
ALTER TABLE payload_text ADD COLUMN details TEXT;
