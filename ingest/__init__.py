"""From messages as devices speak them to frames of readings. Pure.

The way of a message: `intake` (takes a batch) → `decoders` (one file a format) → `sink` (rows and
other finds, staged by message) → `merge` (duplicates and contradictions) → frames.
"""
