"""What an edited rulebook goes on with: what each device brings of its rule's state.

Laws:
- where all is the same that decides when a rule fires (`RuleShape.key`), all is remembered;
- where only what decides what a kind learns is the same (`Training`), what it learned is, and
  judging begins anew: a device learns for weeks what an edit of a limit does not change;
- everything else begins anew; a device that another variant of the rule watched brings its share.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.core.rows import Bool, Slots
from rules.core.rule import RuleShape, digest
from rules.kinds import KINDS

State = Mapping[str, NDArray[np.generic]]


def written(rule: RuleShape, watched: Bool, own: State) -> dict[str, NDArray[np.generic]]:
    """The state of a rule (or variant of it), under names that `remembered` finds again."""
    state = {f"rule/{rule.key}/{name}": array for name, array in own.items()}
    learns = training_key(rule)
    if learns:
        state[f"training/{rule.key}"] = np.frombuffer(learns.encode(), np.uint8)
    return {**state, f"watched/{rule.key}": watched.copy()}


def remembered(state: State, rule: RuleShape, old: Slots) -> Iterator[tuple[State, Bool]]:
    """What a rule goes on with at some old slots, (n,), and which of them, (n,), do: each once."""
    own = _under(state, f"rule/{rule.key}/")
    mine = _watched(state, rule.key)[old] if own else np.zeros(len(old), np.bool_)
    left = ~mine
    portions: list[tuple[State, Bool]] = []
    for key in _learning_alike(state, rule):
        taken = left & _watched(state, key)[old]
        if taken.any():
            portions.append((_learned(_under(state, f"rule/{key}/"), rule), taken))
            left = left & ~taken
    if left.any() or not (own or portions):
        yield {}, left
    yield from portions
    if own:
        yield own, mine


def training_key(rule: RuleShape) -> str:
    """Twelve hex digits of what decides what the rule learns; empty where it learns nothing."""
    training = KINDS[rule.kind].training
    if training is None:
        return ""
    fields = {name: _at(rule.content, name) for name in training.fields}
    watch = rule.watch.cls, rule.watch.metric
    return digest({"id": rule.id, "kind": rule.kind, "watch": watch, "fields": fields})


def _at(content: Mapping[str, Any], name: str) -> Any:
    value: Any = content
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _learning_alike(state: State, rule: RuleShape) -> list[str]:
    """The keys of other wordings of the rule that learned what it learns."""
    own, prefix = training_key(rule), "training/"
    told = {n.removeprefix(prefix): a for n, a in state.items() if own and n.startswith(prefix)}
    return sorted(key for key, a in told.items() if key != rule.key and a.tobytes() == own.encode())


def _learned(state: State, rule: RuleShape) -> State:
    training = KINDS[rule.kind].training
    arrays = training.arrays if training else ()
    whole, parts = set(arrays), tuple(name for name in arrays if name.endswith("."))
    return {n: a for n, a in state.items() if n in whole or n.startswith(parts)}


def _watched(state: State, key: str) -> Bool:
    """Which of the old slots a rule watched then; all, where that was not written down."""
    watched = state.get(f"watched/{key}")
    size = max((len(a) for n, a in state.items() if n.endswith("/seen")), default=0)
    return np.ones(size, np.bool_) if watched is None else watched.astype(np.bool_)


def _under(state: State, prefix: str) -> State:
    return {k.removeprefix(prefix): a for k, a in state.items() if k.startswith(prefix)}
