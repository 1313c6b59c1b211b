"""The Greek that people read for the words KEL counts with: one place, for screens and pages.

Law: every member of these words has a label; a screen that shows one shows this.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from kel.model.alert import Severity
from kel.model.cost import CostKind, CostNature
from kel.model.device import DeviceState
from kel.model.health import Level
from kel.model.incident import IncidentState
from kel.model.order import OrderState

SEVERITY_LABEL: Mapping[Severity, str] = {
    Severity.INFO: "πληροφορία",
    Severity.LOW: "χαμηλή",
    Severity.MEDIUM: "μεσαία",
    Severity.HIGH: "υψηλή",
    Severity.CRITICAL: "κρίσιμη",
}

STATE_LABEL: Mapping[IncidentState, str] = {
    IncidentState.OPEN: "ανοικτό",
    IncidentState.ACKNOWLEDGED: "αναγνωρισμένο",
    IncidentState.HANDED_ON: "διαβιβάστηκε",
    IncidentState.IN_PROGRESS: "σε εξέλιξη",
    IncidentState.RESOLVED: "αποκαταστάθηκε",
    IncidentState.VERIFIED: "επαληθεύτηκε",
    IncidentState.CLOSED: "έκλεισε",
}

REOPENED = "άνοιξε ξανά"


def state_label(state: IncidentState, reopened: object) -> str:
    """The state as people read it; what waits again (`reopened`: since when) is told so."""
    return REOPENED if state is IncidentState.OPEN and reopened else STATE_LABEL[state]


def clock(moment: datetime, zone: tzinfo) -> str:
    """«18/10 03:05» on the city's clocks."""
    return f"{moment.astimezone(zone):%d/%m %H:%M}"


def hours(length: timedelta) -> str:
    """«45′», «3 ώ 05′»: how long work takes, or a wait has lasted."""
    minutes = max(round(length.total_seconds() / 60), 0)
    return f"{minutes}′" if minutes < 60 else f"{minutes // 60} ώ {minutes % 60:02}′"


def span(length: timedelta) -> str:
    """How long ago: «7′», «3 ώ 05′», «2 ημ.»; under a minute «τώρα»."""
    minutes = max(int(length.total_seconds() // 60), 0)
    if minutes < 1:
        return "τώρα"
    return hours(timedelta(minutes=minutes)) if minutes < 48 * 60 else f"{minutes // 1440} ημ."


def agreeing(count: int, one: str, more: str) -> str:
    """«1 ειδοποίηση», «2 ειδοποιήσεις»: the noun in the number that goes with the count."""
    return f"{count} {one if count == 1 else more}"


ORDER_LABEL: Mapping[OrderState, str] = {
    OrderState.SENT: "στάλθηκε",
    OrderState.ACCEPTED: "καθ’ οδόν",
    OrderState.ARRIVED: "επί τόπου",
    OrderState.COMPLETED: "τελείωσε",
    OrderState.DECLINED: "αρνήθηκε",
    OrderState.EXPIRED: "δεν απάντησε",
    OrderState.WITHDRAWN: "αποσύρθηκε",
}

HANDED_OVER = "παρέδωσε"


def order_label(state: OrderState, remaining: object) -> str:
    """The state as people read it; a part that its crew left to others (`remaining`: how much) is
    told so."""
    over = state is OrderState.COMPLETED and remaining
    return HANDED_OVER if over else ORDER_LABEL[state]


KIND_LABEL: Mapping[CostKind, str] = {
    CostKind.LABOUR: "Εργασία",
    CostKind.VEHICLE: "Οχήματα",
    CostKind.MATERIAL: "Υλικά",
    CostKind.WATER: "Χαμένο νερό",
    CostKind.ENERGY: "Χαμένη ενέργεια",
}

NATURE_LABEL: Mapping[CostNature, str] = {
    CostNature.CASH: "ταμειακό",
    CostNature.MANAGEMENT: "διαχειριστικό",
}

LEVEL_LABEL: Mapping[Level, str] = {
    Level.OK: "εντάξει",
    Level.WARN: "προσοχή",
    Level.ALARM: "συναγερμός",
}

DEVICE_LABEL: Mapping[DeviceState, str] = {
    DeviceState.ACTIVE: "ενεργή",
    DeviceState.DRAFT: "υπό ένταξη",
    DeviceState.RETIRED: "αποσυρμένη",
}

# Whether an active device is heard (the view `device_presence`).
PRESENCE_LABEL: Mapping[str, str] = {
    "online": "σε σύνδεση",
    "offline": "εκτός σύνδεσης",
    "silent": "σιωπηλή",
    "unheard": "χωρίς επαφή",
}

# What people can do (`skills` of crews and categories); a city's own words are shown as they are.
SKILL_LABEL: Mapping[str, str] = {
    "plumber": "υδραυλικός",
    "digger": "χειριστής εκσκαφέα",
    "electrician": "ηλεκτρολόγος",
    "electromechanic": "ηλεκτρομηχανολόγος",
    "bucket_truck": "χειριστής καλαθοφόρου",
    "tanker": "οδηγός υδροφόρας",
    "chainsaw": "χειριστής αλυσοπρίονου",
    "driver": "οδηγός",
    "ict": "τεχνικός πληροφορικής",
    "builder": "οικοδόμος",
}

# What an incident's history tells; a city's own words, and later ones, are shown as they are.
EVENT_LABEL: Mapping[str, str] = {
    "opened": "νέο συμβάν",
    "joined": "προστέθηκε",
    "hushed": "εξηγήθηκε",
    "raised": "αναβαθμίστηκε",
    "flapping": "ασταθής ειδοποίηση",
    "spoke": "δεν εξηγείται πια",
    "acknowledged": "αναγνωρίστηκε",
    "assigned": "ανατέθηκε",
    "called": "κλήση",
    "handed_on": "διαβιβάστηκε",
    "ask_again": "να ερωτηθεί ξανά",
    "merged": "ενώθηκε",
    "split": "χωρίστηκε",
    "planned": "εντολή",
    "unplanned": "χωρίς σχέδιο",
    "in_progress": "σε εξέλιξη",
    "declined": "αρνήθηκε",
    "expired": "δεν απάντησε",
    "withdrawn": "αποσύρθηκε",
    "overdue": "άργησε η εντολή",
    "cleared": "έληξε ειδοποίηση",
    "resolved": "αποκαταστάθηκε",
    "verified": "επαληθεύτηκε",
    "part_done": "έγινε μέρος",
    "reported": "δηλώθηκε αργότερα",
    "still_active": "δεν επαληθεύτηκε",
    "reopened": "άνοιξε ξανά",
    "closed": "έκλεισε",
    "restated": "διορθώθηκε το κόστος",
    "judged_again": "κρίθηκε ξανά με όσες μετρήσεις ήρθαν αργά",
}
