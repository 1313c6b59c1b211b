-- Every rulebook with its whole text, and when which of them was taken into use.

ALTER TABLE rulebook ADD COLUMN calendars text NOT NULL DEFAULT ''; -- the text of calendars.toml

-- A line whenever another rulebook than the last one is taken; only appended.
CREATE TABLE rulebook_taken (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    version text NOT NULL REFERENCES rulebook,
    city    text -- the version of the city's folder that it came with
);
INSERT INTO rulebook_taken (at, version) SELECT at, version FROM rulebook ORDER BY at, version;
CREATE TRIGGER ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON rulebook_taken
    FOR EACH STATEMENT EXECUTE FUNCTION only_append();

GRANT SELECT ON rulebook_taken TO kel_reader;
