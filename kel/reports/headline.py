"""The one sentence that the mayor can say aloud."""

from decimal import Decimal

from kel.reports import greek
from kel.reports.week import CostlyIncident, Week
from kel.reports.words import for_category

MOST = Decimal("0.5")  # above this share an incident took «most» of the money
LONGEST = 30  # letters of a name


def headline(week: Week) -> str:
    """«Αυτή την εβδομάδα 23 συμβάντα και 4.812 €, 18 % περισσότερα από την προηγούμενη· τα
    περισσότερα για τη θραύση αγωγού στη Δροσιά.»"""
    count = round(week.incidents.this)
    if not count and not week.cost.total:
        return "Αυτή την εβδομάδα δεν άνοιξε κανένα συμβάν και δεν καταγράφηκε κόστος."
    what = greek.plural(count, "συμβάν", "συμβάντα") if count else "κανένα νέο συμβάν"
    sentence = f"Αυτή την εβδομάδα {what} και {greek.euros(week.cost.total)}"
    change = change_of(week.cost.total, week.cost_last)
    sentence += f", {change}" if change else ""
    biggest = max(week.costly, key=lambda i: i.cost.total, default=None)
    if biggest is not None and biggest.cost.total > 0:
        sentence += f"· {_share_of(biggest, week.cost.total)}"
    return sentence if sentence.endswith("…") else sentence + "."


def change_of(this: Decimal, last: Decimal | None) -> str:
    """This week's euros against last week's, as one says it; empty where there is no last week."""
    if last is None or last <= 0:
        return ""
    ratio = this / last
    if ratio >= 100:
        return "πολύ περισσότερα από την προηγούμενη"
    if ratio >= 3:
        return f"{greek.number(ratio, 0 if ratio >= 10 else 1)} φορές όσα την προηγούμενη"
    change = abs(ratio - 1)
    if change < Decimal("0.01"):
        return "όσα και την προηγούμενη"
    word = "περισσότερα" if ratio > 1 else "λιγότερα"
    return f"{greek.percent(float(change))} {word} από την προηγούμενη"


def _share_of(incident: CostlyIncident, total: Decimal) -> str:
    label, place = greek.shorten(incident.label, LONGEST), greek.shorten(incident.place, LONGEST)
    why = f"{for_category(incident.category, label)} {greek.in_place(place)}"
    if total > 0 and incident.cost.total >= total:
        return f"όλα για {why}"
    if incident.cost.total > total * MOST:
        return f"τα περισσότερα για {why}"
    return f"το μεγαλύτερο ποσό, {greek.euros(incident.cost.total)}, για {why}"
