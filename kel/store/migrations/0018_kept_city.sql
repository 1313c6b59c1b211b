-- The city's folder as it was loaded last, whole: a process whose own folder has a mistake begins with
-- it. It names the city's people, and walls (kel_reader) do not read it.

CREATE TABLE kept_city (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version text NOT NULL, -- the fingerprint, as in city_version
    at      timestamptz NOT NULL DEFAULT now(),
    who     text NOT NULL, -- who loaded it
    files   bytea NOT NULL -- a zip of the folder's files
);

ALTER TABLE rulebook_taken ADD COLUMN who text; -- who loaded it; null: not told
