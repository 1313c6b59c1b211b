"""From messages as devices speak them to frames of readings. Pure.

The way of a message: `intake` (takes a batch) → `decoders` (one file a format) → `sink` (rows and
other finds, by message) → `table` (all rows of a batch judged at once) → `merge` (duplicates and
contradictions) → frames.
"""
