-- What is asked of rulebooks, and of the city's folder that they stand in.

-- name: keep_city
INSERT INTO kept_city (version, who, files) VALUES (%(version)s, %(who)s, %(files)b)
ON CONFLICT (one) DO UPDATE SET version = excluded.version, at = excluded.at, who = excluded.who,
    files = excluded.files
WHERE (kept_city.version, kept_city.files) <> (excluded.version, excluded.files)

-- name: kept_city
SELECT version, at, who, files FROM kept_city

-- name: who_loaded
SELECT who FROM kept_city WHERE version = %s

-- name: put_rulebook
INSERT INTO rulebook (version, source, calendars) VALUES (%(version)s, %(source)s, %(calendars)s)
ON CONFLICT DO NOTHING

-- name: take_rulebook
INSERT INTO rulebook_taken (version, city, who)
SELECT %(version)s, %(city)s, %(who)s
WHERE (SELECT version FROM rulebook_taken ORDER BY seq DESC LIMIT 1) IS DISTINCT FROM %(version)s

-- name: rulebooks_taken
SELECT t.at, t.city, t.who, t.version, r.source, r.calendars
FROM rulebook_taken t JOIN rulebook r USING (version) ORDER BY t.seq

-- name: last_rulebook
SELECT version FROM rulebook_taken ORDER BY seq DESC LIMIT 1

-- name: rulebook_sources
SELECT source FROM rulebook WHERE version = ANY(%s) ORDER BY at

-- name: rulebooks_like
SELECT version, at, source, calendars FROM rulebook WHERE starts_with(version, %s) ORDER BY version
