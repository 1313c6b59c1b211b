"""What a reader must know of the history behind a comparison, in Greek. Never silently wrong."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kel.backtest.memory import judged_coarser
from kel.backtest.prices import Price
from kel.backtest.storage import DAY, Thin
from kel.model.city import City
from rules.book.rulebook import Rulebook
from rules.incidents.describe import category_of


def local(city: City, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(city.timezone)):%d/%m/%Y %H:%M}"


def span_text(span: timedelta) -> str:
    """«10′», «1 ώ», «6,5 ώ»."""
    minutes = round(span / timedelta(minutes=1))
    if minutes < 60:
        return f"{minutes}′"
    return f"{minutes / 60:.1f}".replace(".0", "").replace(".", ",") + " ώ"


def until_note(city: City, now: datetime) -> str:
    return f"Η βάση έχει φτάσει ως {local(city, now)}: ως εκεί συγκρίνεται."


def warmed_note(city: City, begin: datetime) -> str:
    return (
        f"Οι κανόνες ακούνε από {local(city, begin)}, όσο θυμάται ο μακρύτερος· ό,τι εντοπίστηκε "
        "πριν από την περίοδο δεν μετρά."
    )


def short_note(
    city: City, first: Mapping[str, datetime], begin: datetime, since: datetime
) -> list[str]:
    """Where the history begins a day or more later than what was asked, or than the warm-up."""
    late: dict[str, list[str]] = {}
    short: dict[str, list[str]] = {}
    for cls, moment in first.items():
        for least, found in ((since, late), (begin, short)):
            if moment >= least + timedelta(days=1):
                found.setdefault(local(city, moment)[:10], []).append(city.classes[cls].label)
                break
    notes = [
        f"Μετρήσεις υπάρχουν μόνο από {day}: {', '.join(labels)}." for day, labels in late.items()
    ]
    return notes + [
        f"Η προθέρμανση είναι μικρότερη, επειδή οι μετρήσεις αρχίζουν {day}· όσοι κανόνες "
        f"μαθαίνουν κρίνουν αργότερα: {', '.join(labels)}."
        for day, labels in short.items()
    ]


def changed_note(changed: Sequence[str], out: Collection[str], same: bool) -> list[str]:
    """Which rules are other than those that run (`same`: rulebooks of one version), and which of
    them could not be judged."""
    if same:
        return ["Οι κανόνες είναι οι ίδιοι που ισχύουν: κανένας δεν άλλαξε."]
    if not changed:
        return ["Άλλαξαν μόνο τα ημερολόγια."]
    notes = [f"Κανόνες που άλλαξαν: {', '.join(changed)}."]
    if unjudged := [rule for rule in changed if rule in out]:
        told = ", ".join(unjudged)
        notes.append(f"ΔΕΝ ΚΡΙΘΗΚΑΝ, και η σύγκριση δεν λέει τίποτα γι’ αυτούς: {told}.")
    return notes


def absent_note(city: City, classes: Sequence[str]) -> list[str]:
    if not classes:
        return []
    labels = ", ".join(city.classes[cls].label for cls in classes)
    return [f"Καμία μέτρηση στην ιστορία· αν σιωπούσαν δεν κρίθηκε: {labels}."]


def left_out_note(city: City, out: Mapping[str, Thin]) -> list[str]:
    """One line for all rules that the same span forbids."""
    by_span: dict[Thin, list[str]] = {}
    for rule, thin in sorted(out.items()):
        by_span.setdefault(thin, []).append(rule)
    return [
        f"{city.classes[thin.cls].label}: από {local(city, thin.since)[:10]} ως "
        f"{local(city, thin.until - DAY)[:10]} φυλάσσεται μία μέτρηση ανά "
        f"{span_text(thin.spacing)}. Δεν κρίθηκαν κανόνες που χρειάζονται πυκνότερες: "
        f"{', '.join(rules)}."
        for thin, rules in by_span.items()
    ]


def coarser_note(city: City, books: Iterable[Rulebook], thin: Sequence[Thin]) -> list[str]:
    rules: dict[str, dict[str, None]] = {}
    for book in books:
        for cls, names in judged_coarser(book, city, thin).items():
            rules.setdefault(cls, {}).update(dict.fromkeys(names))
    notes = []
    for cls, found in rules.items():
        spacing = max(span.spacing for span in thin if span.cls == cls)
        every = span_text(city.classes[cls].every)
        notes.append(
            f"{city.classes[cls].label}: η ιστορία έχει μία μέτρηση ανά {span_text(spacing)} αντί "
            f"ανά {every}· ο εντοπισμός έχει τόση ακρίβεια ({', '.join(found)})."
        )
    return notes


def strangers_note(devices: Sequence[str]) -> list[str]:
    if not devices:
        return []
    shown = ", ".join(devices[:3]) + (", …" if len(devices) > 3 else "")
    many = len(devices)
    return [f"Συσκευές που η βάση δεν έχει ακόμη ({many}): {shown}. Δεν κρίθηκαν."]


def unpriced_note(city: City, prices: Iterable[Price], unpriced: int) -> list[str]:
    """Whose prices come from no incident of the ledger."""
    notes = []
    for price in prices:
        if not price.incidents:
            label = category_of(city, price.category).label
            notes.append(
                f"{label}: κανένα όμοιο κλεισμένο συμβάν· το κόστος είναι από τις ανάγκες της "
                "κατηγορίας και τις τιμές του Δήμου."
            )
    if unpriced:
        notes.append(
            f"Σε {unpriced} συμβάντα η απώλεια νερού ή ενέργειας δεν είναι γνωστή: δεν αθροίζεται."
        )
    return notes
