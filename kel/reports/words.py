"""The page's own Greek: colours, counts in the order of a life, and categories in a sentence."""

from kel.model.cost import CostKind
from kel.model.incident import IncidentState

KIND_COLOUR = {
    CostKind.LABOUR: "#1f4e79",
    CostKind.VEHICLE: "#7fa6cc",
    CostKind.MATERIAL: "#c8862a",
    CostKind.WATER: "#2b9c93",
    CostKind.ENERGY: "#8a6fae",
}

# The page's count: what still waits, what is worked on, what is over; for one and for many.
STAGES = (
    ((IncidentState.OPEN, IncidentState.ACKNOWLEDGED), "ανοικτό", "ανοικτά"),
    ((IncidentState.HANDED_ON,), "διαβιβάστηκε", "διαβιβάστηκαν"),
    ((IncidentState.IN_PROGRESS,), "σε εξέλιξη", "σε εξέλιξη"),
    (
        (IncidentState.RESOLVED, IncidentState.VERIFIED, IncidentState.CLOSED),
        "αποκαταστάθηκε",
        "αποκαταστάθηκαν",
    ),
)

# «τα περισσότερα για …»: the category in the accusative, with its article. Another city's
# categories that are not here are quoted by their label.
FOR_CATEGORY = {
    "main_burst": "τη θραύση αγωγού",
    "service_leak": "τη διαρροή παροχής",
    "low_pressure": "τη χαμηλή πίεση",
    "pump": "τη βλάβη αντλίας",
    "feeder": "τη διακοπή γραμμής φωτισμού",
    "lamp": "τη βλάβη φωτιστικού",
    "fire": "τη φωτιά",
    "camera": "τη βλάβη κάμερας",
    "sensor": "τη βλάβη αισθητήρα",
    "road": "τη ζημιά στο οδόστρωμα",
    "pavement": "τη ζημιά στο πεζοδρόμιο",
    "tree": "την πτώση δέντρου",
    "cleaning": "την καθαριότητα",
}


def for_category(category: str, label: str) -> str:
    """«τη θραύση αγωγού»; for a category of a city's own, «το συμβάν «Label»»."""
    return FOR_CATEGORY.get(category, f"το συμβάν «{label}»")
