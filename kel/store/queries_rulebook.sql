-- What is asked of rulebooks.

-- name: put_rulebook
INSERT INTO rulebook (version, source, calendars) VALUES (%(version)s, %(source)s, %(calendars)s)
ON CONFLICT DO NOTHING

-- name: take_rulebook
INSERT INTO rulebook_taken (version, city)
SELECT %(version)s, %(city)s
WHERE (SELECT version FROM rulebook_taken ORDER BY seq DESC LIMIT 1) IS DISTINCT FROM %(version)s

-- name: rulebooks_taken
SELECT t.seq, t.at, t.version, t.city, r.source, r.calendars
FROM rulebook_taken t JOIN rulebook r USING (version) ORDER BY t.seq

-- name: rulebooks_like
SELECT version, at, source, calendars FROM rulebook WHERE starts_with(version, %s) ORDER BY version
