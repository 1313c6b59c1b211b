"""Deterministic ids: the UUIDv5 (RFC 9562) of what a thing is about.

A replay makes the same ids again, so that writing twice changes nothing.
"""

from uuid import UUID, uuid5

NAMESPACE = UUID("6f1f2d1c-9a2e-5a53-8b4d-2f1f6e1c0b5e")


def make_id(word: str, *about: object) -> UUID:
    """The id of the `word` (alert, incident, …) that `about` identifies."""
    return uuid5(NAMESPACE, "\x1f".join((word, *map(str, about))))
