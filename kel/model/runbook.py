"""The runbook: what an operator does first, a heading for each kind of trouble."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """`id` is what a rule's or a category's `runbook` names; `text` its lines, in the city's
    language."""

    id: str
    title: str
    text: str
