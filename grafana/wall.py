"""The wall «ΚΕΛ — Τοίχος»: one screen of 1920 × 1080, read from across a room, all day.

Laws:
- 24 columns and at most 26 rows: 26 rows of 38 px are 980 px, so nothing scrolls in kiosk mode,
  and `autofitpanels` stretches them over the rest;
- left to right, top to bottom: how many, which and who, why;
- a panel's id is for ever; a new panel takes a new one.
"""

from grafana.charts import bars, columns, geomap
from grafana.look import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SEVERITY_COLOUR,
    SEVERITY_WORD,
    TEAL,
    YELLOW,
    Json,
    severity_steps,
    steps,
    words,
)
from grafana.panel import About, Spot, override
from grafana.stat import numbers, rows, tiles
from kel.model.alert import Severity

UID = "kel-wall"
TITLE = "ΚΕΛ — Τοίχος"
ROWS = 26
SCHEMA_VERSION = 41  # Grafana 12; newer ones migrate it as they load it

# EEMUA 191 and ISA-18.2: one alarm in ten minutes is what an operator can bear all day, two are the
# most that can be managed, more than ten in ten minutes are a flood.
BEARABLE, MANAGEABLE, FLOOD = 6, 12, 60


def wall() -> Json:
    """The dashboard in Grafana's classic model."""
    return {
        "id": None,
        "uid": UID,
        "title": TITLE,
        "description": "Τοίχος του Κέντρου Ελέγχου Λειτουργίας. "
        "Άνοιγμα σε οθόνη: /d/kel-wall?kiosk&autofitpanels&theme=dark",
        "tags": ["kel"],
        "style": "dark",
        "timezone": "Europe/Athens",
        "weekStart": "monday",
        "fiscalYearStartMonth": 0,
        "editable": False,
        "graphTooltip": 0,
        "liveNow": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},  # no panel asks for it: see wall.sql
        "timepicker": {"hidden": True},
        "templating": {"list": []},
        "annotations": {"list": []},
        "links": [],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "panels": [*_how_many(), *_which_and_who(), *_why()],
    }


def _how_many() -> list[Json]:
    return [
        _severities(),
        numbers(
            About(
                2,
                "Περιμένουν αναγνώριση",
                "Ανοικτά συμβάντα που κανένας χειριστής δεν αναγνώρισε ακόμη.",
                ("unacknowledged",),
            ),
            Spot(9, 0, 3, 4),
            thresholds=steps(GREEN, (1, RED)),
        ),
        numbers(
            About(
                3,
                "Συνεργεία",
                "Έξω: δέχτηκαν εντολή ή είναι επί τόπου. Χωρίς εντολή: κανένα ανοικτό καθήκον "
                "(η βάρδια δεν φαίνεται εδώ).",
                ("crews_out",),
            ),
            Spot(12, 0, 4, 4),
            thresholds=steps(BLUE),
            overrides=(override("Χωρίς εντολή", thresholds=steps(ORANGE, (1, GREY))),),
        ),
        numbers(
            About(
                4,
                "Νερό που χάνεται τώρα",
                "Παροχή πάνω από τη συνήθη της ίδιας ώρας (διάμεσος 14 ημερών), σε όσες ζώνες "
                "έχουν ενεργό συμβάν ύδρευσης, m³/h.",
                ("water_lost",),
            ),
            Spot(16, 0, 3, 4),
            unit="suffix:m³/h",
            size=48,
            thresholds=steps(GREEN, (1, YELLOW), (6, ORANGE), (20, RED)),
        ),
        numbers(
            About(
                5,
                "Κόστος σήμερα",
                "Εγγραφές κόστους από τα μεσάνυχτα, ώρα Ελλάδας. Ταμειακά και διαχειριστικά δεν "
                "προστίθενται ποτέ μεταξύ τους.",
                ("cost_today",),
            ),
            Spot(19, 0, 3, 4),
            unit="suffix:€",
            size=34,
            thresholds=steps(GREY),
            upright=True,
        ),
        numbers(
            About(
                6,
                "Ώρα",
                "Η ώρα ως την οποία έχουν ληφθεί αποφάσεις· σε προσομοίωση, της προσομοίωσης.",
                ("clock",),
            ),
            Spot(22, 0, 2, 4),
            size=26,
            title_size=14,
            texts=True,
            solid=False,
            thresholds=steps("text"),
        ),
    ]


def _severities() -> Json:
    def lit(column: str, severity: Severity) -> Json:
        return override(column, thresholds=steps(GREY, (1, SEVERITY_COLOUR[severity])))

    return numbers(
        About(
            1,
            "Ενεργά συμβάντα ανά σοβαρότητα",
            "Όσα δεν έχουν αποκατασταθεί. Γκρι σημαίνει κανένα.",
            ("severities",),
        ),
        Spot(0, 0, 9, 4),
        size=72,
        thresholds=steps(GREY),
        overrides=(
            lit("Κρίσιμα", Severity.CRITICAL),
            lit("Υψηλά", Severity.HIGH),
            lit("Μεσαία", Severity.MEDIUM),
            lit("Χαμηλά", Severity.LOW),
        ),
    )


def _which_and_who() -> list[Json]:
    listed = {int(s): (SEVERITY_WORD[s], SEVERITY_COLOUR[s]) for s in reversed(Severity)}
    return [
        rows(
            About(
                7,
                "Ενεργά συμβάντα",
                "Αριθμός, ηλικία, τίτλος, Κοινότητα, κατάσταση, συνεργείο. Τα σοβαρότερα πρώτα· "
                "«υπό έλεγχο» είναι όσα αποκαταστάθηκαν και τα επαληθεύουν οι αισθητήρες.",
                ("incidents",),
            ),
            Spot(0, 4, 14, 12),
            mappings=words(
                listed | {-1: ("ΥΠΟ ΕΛΕΓΧΟ", TEAL), -2: ("ΛΙΣΤΑ", GREY), -3: ("ΗΡΕΜΙΑ", GREEN)}
            ),
            thresholds=severity_steps(),
        ),
        geomap(
            About(
                8,
                "Πού",
                "Ενεργά συμβάντα· χρώμα και μέγεθος κατά σοβαρότητα.",
                ("map", "places"),
            ),
            Spot(14, 4, 4, 12),
            thresholds=severity_steps(),
        ),
        rows(
            About(
                9,
                "Συνεργεία και εντολές",
                "Σε ποιο συμβάν είναι κάθε συνεργείο και ως πότε. «Αργεί»: πέρασε η ώρα "
                "απάντησης, άφιξης (+15′) ή λήξης (+30′).",
                ("crews",),
            ),
            Spot(18, 4, 6, 12),
            mappings=words(
                {
                    0: ("ΧΩΡΙΣ ΕΝΤΟΛΗ", GREY),
                    1: ("ΣΤΑΛΘΗΚΕ", BLUE),
                    2: ("ΚΑΘ’ ΟΔΟΝ", BLUE),
                    3: ("ΕΠΙ ΤΟΠΟΥ", GREEN),
                    4: ("ΑΡΓΕΙ", ORANGE),
                }
            ),
            thresholds=steps(GREY),
            size=22,
            title_size=16,
            wide=False,
        ),
    ]


def _why() -> list[Json]:
    return [
        tiles(
            About(
                10,
                "Αντλιοστάσια: απόδοση",
                "Απόδοση = 0,002725 · παροχή · μανομετρικό / ισχύς. Καλή από 60 %, κάτω από 50 % "
                "θέλει έλεγχο. Δίπλα στο όνομα το μανομετρικό. «Σιωπή»: 15′ χωρίς μέτρηση.",
                ("pumps",),
            ),
            Spot(0, 16, 5, 10),
            unit="percent",
            mappings=words({-1: ("στάση", GREY), -2: ("σιωπή", ORANGE)}),
            thresholds=steps(RED, (50, ORANGE), (60, GREEN)),
        ),
        bars(
            About(
                11,
                "Ζώνες: παροχή τώρα, % της συνήθους",
                "Οι επτά ζώνες που ξεπερνούν περισσότερο τη συνήθη παροχή της ώρας (διάμεσος 14 "
                "ημερών). 100 % είναι το σύνηθες.",
                ("zones",),
            ),
            Spot(5, 16, 5, 10),
            unit="percent",
            highest=300,
            thresholds=steps(GREEN, (130, YELLOW), (170, ORANGE), (250, RED)),
        ),
        bars(
            About(
                12,
                "Νυχτερινή παροχή, l/σύνδεση/ώρα",
                "Μέση παροχή 02:00–04:00 της τελευταίας νύχτας· δίπλα στο όνομα η συνήθης των "
                "14 προηγούμενων. Νόμιμη χρήση 1,5–2, περισσότερο με άρδευση.",
                ("nights",),
            ),
            Spot(10, 16, 5, 10),
            unit="none",
            highest=40,
            thresholds=steps(GREEN, (8, YELLOW), (14, ORANGE), (25, RED)),
        ),
        _lamps(),
        _alerts(),
        _kel_health(),
        _health(),
    ]


def _lamps() -> Json:
    return numbers(
        About(
            13,
            "Φωτισμός",
            "Φωτιστικά: πόσα μίλησαν τα τελευταία 70′ χωρίς βλάβη. Εκτός: γραμμές με τάση "
            "κάτω από 100 V ή με ενεργό συμβάν γραμμής.",
            ("lamps",),
        ),
        Spot(15, 16, 2, 10),
        unit="percent",
        size=40,
        title_size=14,
        thresholds=steps(RED, (90, ORANGE), (95, YELLOW), (98, GREEN)),
        overrides=(override("Γραμμές εκτός", unit="none", thresholds=steps(GREEN, (1, ORANGE))),),
        upright=True,
    )


def _alerts() -> Json:
    return columns(
        About(
            14,
            "Ειδοποιήσεις και συμβάντα ανά ώρα",
            "Στον χειριστή φτάνουν τα συμβάντα. Κατά EEMUA 191 αντέχονται 6 την ώρα, "
            "διαχειρίσιμα είναι ως 12, πάνω από 60 είναι καταιγισμός.",
            ("alerts",),
        ),
        Spot(17, 16, 4, 5),
        x="Ώρα",
        thresholds=steps(GREEN, (BEARABLE + 1, YELLOW), (MANAGEABLE + 1, ORANGE), (FLOOD + 1, RED)),
        overrides=(override("Ειδοποιήσεις", color={"mode": "fixed", "fixedColor": GREY}),),
    )


def _kel_health() -> Json:
    return rows(
        About(
            16,
            "Υγεία του ΚΕΛ",
            "Τι δεν πάει καλά στο ίδιο το ΚΕΛ, το χειρότερο πρώτα: γέφυρες, εργάτες, γραφείο, "
            "Kafka, broker MQTT, ρολόγια. Τι κάνουμε: docs/runbook.md.",
            ("kel_health",),
        ),
        Spot(17, 21, 4, 5),
        mappings=words(
            {
                2: ("ΣΥΝΑΓΕΡΜΟΣ", RED),
                1: ("ΠΡΟΣΟΧΗ", ORANGE),
                0: ("ΕΝΤΑΞΕΙ", GREEN),
                -1: ("ΔΕΝ ΕΛΕΓΧΕΤΑΙ", GREY),
                -2: ("ΛΙΣΤΑ", GREY),
            }
        ),
        thresholds=steps(GREY, (0, GREEN), (1, ORANGE), (2, RED)),
        size=16,
        title_size=14,
        wide=False,
    )


def _health() -> Json:
    return numbers(
        About(
            15,
            "Υγεία της ροής",
            "Σιωπή ροής: πραγματικά δευτερόλεπτα από την τελευταία εγγραφή εργάτη. Υστέρηση: πόσο "
            "πίσω είναι το πιο αργό τμήμα ή το γραφείο. Καθυστέρηση p99: από την άφιξη ως την "
            "εγγραφή, 99 στις 100 του τελευταίου λεπτού. Απορρίψεις: της τελευταίας ώρας.",
            ("health",),
        ),
        Spot(21, 16, 3, 10),
        unit="suffix:s",
        size=24,
        title_size=14,
        thresholds=steps(GREEN, (15, YELLOW), (60, ORANGE), (300, RED)),
        overrides=(
            override(
                "Καθυστέρηση p99", decimals=2, thresholds=steps(GREEN, (1, YELLOW), (10, RED))
            ),
            override("Ηλικία μέτρησης", thresholds=steps(GREEN, (120, YELLOW), (600, RED))),
            override(
                "Απορρίψεις/ώρα", unit="none", thresholds=steps(GREEN, (1, YELLOW), (100, ORANGE))
            ),
            override(
                "Εντολές προς αποστολή", unit="none", thresholds=steps(GREEN, (1, YELLOW), (5, RED))
            ),
            override(
                "Συσκευές εκτός", unit="none", thresholds=steps(GREEN, (1, YELLOW), (20, ORANGE))
            ),
        ),
        upright=True,
    )
