-- The role that walls and reports read with: it can look, and nothing else.
-- It cannot log in until `kel migrate` is given a password for it (KEL_READER_PASSWORD).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kel_reader') THEN
        CREATE ROLE kel_reader NOLOGIN NOINHERIT;
    END IF;
END $$;
ALTER ROLE kel_reader SET default_transaction_read_only = on;
ALTER ROLE kel_reader SET statement_timeout = '30s';
GRANT USAGE ON SCHEMA public TO kel_reader;
-- What is here by now; whoever makes a table or a view later lets the role in by name, or does not.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kel_reader;
-- A wall in a room shows no citizen's name, and nothing that may hold one: no text of a citizen, a
-- crew or an operator, no payload that came or goes out.
REVOKE ALL ON contact, reject, command, request, reply, outbox FROM kel_reader;
GRANT SELECT (id, at, arrival, community, category, lat, lon) ON request TO kel_reader;
CREATE VIEW reject_count AS
    SELECT date_trunc('minute', arrival) AS minute, reason, device, count(*) AS rejects
    FROM reject GROUP BY 1, 2, 3;
GRANT SELECT ON reject_count TO kel_reader;
