-- One message may speak for many devices: of those that nobody knows each has its draft, while the
-- message with its bytes is one row.

ALTER TABLE reject
    ADD COLUMN strangers text[],                     -- their addresses, where there are several
    ADD COLUMN partly boolean NOT NULL DEFAULT false; -- what else is in it was taken
CREATE INDEX reject_strangers ON reject USING gin (strangers) WHERE strangers IS NOT NULL;
