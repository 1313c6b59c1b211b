"""What a rule saw, by the facts of its evidence: value against limit, in Greek. Pure.

Laws: every kind of rule has its sentence; a fact that was left out is «–»; names are the city's.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from kel.model.alert import Alert
from kel.reports import greek
from kel.reports.trace_words import Facts, Words, figure, length

SIDE = {"above": "πάνω", "below": "κάτω"}
FLAG = "0/1"
RULE = re.compile(r"[a-z0-9_-]+(?= \()")  # of a composition's members: «id (device moment)»


def seen(alert: Alert, words: Words, rules: Mapping[str, str] | None = None) -> Iterator[str]:
    """`rules`: the labels of rules by their ids, for those that hear others."""
    facts, held = alert.evidence.facts, _held(alert.evidence.facts)
    label, unit = words.metric(alert.evidence.cls, alert.evidence.metric)
    own = _OWN.get(alert.kind)
    if own is not None:
        yield own(facts, label, unit) + held
    elif alert.kind == "missing":
        last = str(facts.get("last_seen", ""))
        heard = words.moment(datetime.fromisoformat(last)) if last[:4].isdigit() else last
        yield f"καμία μέτρηση· τελευταία {heard} (όριο {_time(facts, 'limit')})"
    elif "members" in facts:
        named = RULE.sub(lambda m: (rules or {}).get(m[0], m[0]), str(facts["members"]))
        yield f"μαζί: {named}{held}"
    elif "children" in facts:
        yield (
            f"{figure(facts, 'count')} από {figure(facts, 'of')} συσκευές, {_share(facts, 'value')}"
            f" (όριο {_share(facts, 'limit')}){held}"
        )
    elif alert.kind == "threshold" and facts.get("unit") == FLAG:
        yield f"{label}: {'ναι' if float(facts.get('value', 0)) >= 0.5 else 'όχι'}{held}"
    elif {"value", "limit", "side"} <= facts.keys():
        if alert.kind == "threshold" and "reference" in facts:
            yield (
                f"{label} {figure(facts, 'measured')} {unit}, {_share(facts, 'value')} του "
                f"σχεδιασμού {figure(facts, 'reference')} {unit} "
                f"(όριο {_side(facts)} από {_share(facts, 'limit')}){held}"
            )
        else:
            more = _more(alert.kind, facts, unit)
            yield f"{_value(facts, label, unit)} {_limit(facts)}{more}{held}"
    elif facts:
        yield ", ".join(f"{name} = {figure(facts, name)}" for name in facts)
    if "learned_from" in facts:
        since, until = (
            date.fromisoformat(str(facts[f"learned_{word}"])) for word in ("from", "until")
        )
        readings = figure(facts, "learned_readings")
        yield f"έμαθε το σύνηθες από {since:%d/%m/%Y} έως {until:%d/%m/%Y}, {readings} μετρήσεις"


def _night_flow(facts: Facts, label: str, unit: str) -> str:
    return (
        f"{_value(facts, label, unit)}, αναμενόμενη {figure(facts, 'expected')}, "
        f"υπέρβαση {figure(facts, 'excess')} (όριο {figure(facts, 'limit')})"
    )


def _night_drift(facts: Facts, label: str, unit: str) -> str:
    how = "αργή αύξηση" if facts.get("found") == "drift" else "βήμα"
    # a drift's limit is that of a sum in sigmas, which is nobody's flow
    limit = "" if facts.get("found") == "drift" else f", όριο {figure(facts, 'limit')}"
    return (
        f"{_value(facts, label, unit)}, σύνηθες {figure(facts, 'usual')}, "
        f"διαφορά {figure(facts, 'excess')} ({how}{limit})"
    )


def _drift(facts: Facts, label: str, unit: str) -> str:
    return (
        f"{_value(facts, label, unit)}, μετατόπιση {figure(facts, 'shift')} "
        f"(άθροισμα {figure(facts, 'sum')} σ, όριο {figure(facts, 'limit')} σ)"
    )


def _leaks(facts: Facts, _label: str, _unit: str) -> str:
    return (
        f"απόκλιση {figure(facts, 'value')} σ (όριο {figure(facts, 'limit')})· περισσότερο: "
        f"{figure(facts, 'sensors')}"
    )


def _learned(facts: Facts, _label: str, _unit: str) -> str:
    return (
        f"{figure(facts, 'value')} φορές το συνηθισμένο (όριο {figure(facts, 'limit')})· "
        f"ξεχωρίζουν: {figure(facts, 'metrics')}"
    )


def _balance(facts: Facts, _label: str, _unit: str) -> str:
    by_share = facts.get("unit") == "1"
    lost = _share(facts, "value") if by_share else f"{figure(facts, 'value')} {facts.get('unit')}"
    limit = _share(facts, "limit") if by_share else figure(facts, "limit")
    lacks = f"· λείπουν: {facts['missing']}" if "missing" in facts else ""
    return f"έλλειμμα {lost} (όριο {limit}), εισροή {figure(facts, 'inflow')}{lacks}"


def _pump(facts: Facts, _label: str, _unit: str) -> str:
    if facts.get("unit") == "m":
        told = f"μανομετρικό {figure(facts, 'value')} m, αναμενόμενο {figure(facts, 'expected')} m"
        limit = figure(facts, "limit")
    else:
        told, limit = f"απόδοση {_share(facts, 'value')}", _share(facts, "limit")
        if "expected" in facts:
            told += f", αναμενόμενη {_share(facts, 'expected')}"
    return (
        f"{told} (όριο κάτω από {limit}), παροχή {figure(facts, 'flow')}, "
        f"ισχύς {figure(facts, 'power')}"
    )


def _stuck(facts: Facts, label: str, unit: str) -> str:
    return (
        f"{_value(facts, label, unit)} ακίνητη για {_time(facts, 'after_s')}, "
        f"{figure(facts, 'readings')} μετρήσεις"
    )


def _flapping(facts: Facts, label: str, _unit: str) -> str:
    return (
        f"{label}: {figure(facts, 'value')} περάσματα από το {figure(facts, 'level')} σε "
        f"{_time(facts, 'within_s')} (όριο {figure(facts, 'limit')})"
    )


_OWN = {
    "night_flow": _night_flow,
    "night_drift": _night_drift,
    "drift": _drift,
    "leak_signature": _leaks,
    "learned": _learned,
    "zone_balance": _balance,
    "pump_health": _pump,
    "stuck": _stuck,
    "flapping": _flapping,
}


def _more(kind: str, facts: Facts, unit: str) -> str:
    """What a kind that has one limit says beside value and limit."""
    if kind == "average":
        return f", μέσος όρος {_time(facts, 'window_s')}, τελευταία {figure(facts, 'last')}"
    if kind == "rate":
        return (
            f": {figure(facts, 'from')} → {figure(facts, 'to')} {unit} σε {_time(facts, 'apart_s')}"
        )
    if kind == "repeated":
        within = f" σε {_time(facts, 'within_s')}" if "within_s" in facts else " στη σειρά"
        return f", {figure(facts, 'times')} φορές{within}"
    if kind == "compare":
        against = f"{figure(facts, 'peers')} άλλες" if "peers" in facts else str(facts.get("other"))
        return f", μέτρηση {figure(facts, 'measured')} με {figure(facts, 'reference')} ({against})"
    if kind == "schedule":
        sun = {"up": "με τον ήλιο ψηλά", "down": "με τον ήλιο κάτω"}
        hour = facts.get("window") or sun.get(str(facts.get("sun")), "")
        return f", {hour}" if hour else ""
    return ""


def _value(facts: Facts, label: str, unit: str) -> str:
    return f"{label} {figure(facts, 'value')} {unit}".rstrip()


def _limit(facts: Facts) -> str:
    return f"(όριο {_side(facts)} από {figure(facts, 'limit')})"


def _side(facts: Facts) -> str:
    return SIDE.get(str(facts.get("side")), "")


def _share(facts: Facts, name: str) -> str:
    return greek.percent(float(facts.get(name, 0)))


def _time(facts: Facts, name: str) -> str:
    return length(timedelta(seconds=float(facts.get(name, 0))))


def _held(facts: Facts) -> str:
    return f" επί {_time(facts, 'for_s')}" if facts.get("for_s") else ""
