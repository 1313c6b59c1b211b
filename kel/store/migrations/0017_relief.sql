-- Work that its crew could not end in its hours: what was left, and which order took it over.

ALTER TABLE work_order ADD COLUMN remaining interval NOT NULL DEFAULT '0';
ALTER TABLE work_order ADD COLUMN continues text NOT NULL DEFAULT '';
