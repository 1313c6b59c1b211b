"""Why a message is refused: a fixed list of reasons, each with what to do about it.

Laws:
- a reason's value is stored with every reject and never changes its meaning;
- every reason has a Greek label and says in one sentence what to do about it: in English for
  documents and programs (`remedy`), in Greek for the screens (`action`);
- what is left out on purpose is `Dropped`: counted by reason, never stored, because keeping it
  would be the harm (a person's label, a picture) or of no use to anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LARGEST_PAYLOAD = 256 * 1024  # bytes; more is refused
STORED_PAYLOAD = 64 * 1024  # bytes of a refused message that are kept
LONGEST_TOPIC = 512  # characters; more is refused, and no more of it is kept
MOST_ROWS = 6_000  # readings of one message
MOST_NAMES = 1_000  # values of one reading
MOST_HOLDERS = 20_000  # objects and lists of one message


class Reason(StrEnum):
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_COMMUNITY = "unknown_community"
    DRAFT_DEVICE = "draft_device"
    RETIRED_DEVICE = "retired_device"
    IDENTITY_MISMATCH = "identity_mismatch"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    LONG_TOPIC = "long_topic"
    NOT_UTF8 = "not_utf8"
    NUL_CHARACTER = "nul_character"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_PROTOBUF = "not_protobuf"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    BAD_UNIT = "bad_unit"
    BAD_NAME = "bad_name"
    NO_TIME = "no_time"
    BAD_TIME = "bad_time"
    CLOCK_AHEAD = "clock_ahead"
    EMPTY = "empty"
    NO_CODEC = "no_codec"
    NO_BIRTH = "no_birth"
    NO_SEQUENCE = "no_sequence"
    BAD_STATUS = "bad_status"
    BAD_EVENT = "bad_event"
    BAD_REQUEST = "bad_request"
    BAD_REPLY = "bad_reply"
    CONTRADICTION = "contradiction"
    BAD_RECORD = "bad_record"
    INTERNAL = "internal"


class Dropped(StrEnum):
    LABEL_NOT_ALLOWED = "label_not_allowed"  # a camera's label that the city does not allow
    FALSE_POSITIVE = "false_positive"  # a camera's own withdrawal
    NOT_NEEDED = "not_needed"  # traffic of the gateway's own: acknowledgements, logs, pictures
    COMMAND = "command"  # what we or other hosts told a device
    TEXT_VALUE = "text_value"  # text where no metric is declared
    NODE_METRIC = "node_metric"  # a gateway's own metrics, of no device
    NO_VALUE = "no_value"  # a metric that its sender marks as null, bad or stale
    NOT_A_NUMBER = "not_a_number"  # tables, templates and bytes among metrics
    SIMULATED = "simulated"  # a network server's test message, which no device sent
    TRANSIENT = "transient"  # values the sender asks not to keep
    HISTORICAL = "historical"  # values of the past, of a device whose times are not believed
    STALE_DEATH = "stale_death"  # the end of a session that a newer one has replaced
    DUPLICATE = "duplicate"  # a message that was heard already, of a camera or an edge node
    SEQUENCE_GAP = "sequence_gap"  # messages lost before they reached us; a rebirth is wanted


@dataclass(frozen=True, slots=True)
class Advice:
    """`label` in Greek; what to do about it: `remedy` in English, `action` in Greek."""

    label: str
    remedy: str
    action: str


class Refused(Exception):  # noqa: N818 - the domain's word for it, not a fault of the program
    """A message that cannot be taken; `detail` says what exactly was met.

    `sender`: the decoder's name and the sender's address in its format, where they are known.
    `strangers`: all senders of the message that no device is, each once, the first one first.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str,
        device: str | None = None,
        sender: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.device = device
        self.sender = sender
        self.strangers: dict[tuple[str, str], None] = {}
        if reason is Reason.UNKNOWN_DEVICE and sender:
            self.strangers[sender] = None

    def joined(self, other: "Refused") -> "Refused":
        """Of two reasons of one message the one to tell: a stranger, else the first. It knows the
        strangers of both."""
        first, then = (other, self) if other.strangers and not self.strangers else (self, other)
        first.strangers |= then.strangers
        return first


ADVICE: Mapping[Reason, Advice] = {
    Reason.UNKNOWN_TOPIC: Advice(
        "Άγνωστο θέμα μηνύματος",
        "Check the topic that the gateway publishes to, or stop it from publishing there.",
        "Ελέγξτε το θέμα όπου δημοσιεύει η πύλη, ή σταματήστε τη να δημοσιεύει εκεί.",
    ),
    Reason.UNKNOWN_DEVICE: Advice(
        "Άγνωστη συσκευή",
        "Take it into the city with kel devices adopt, or correct the address of the device that "
        "it is.",
        "Εντάξτε την με kel devices adopt, ή διορθώστε τη διεύθυνση της συσκευής που είναι.",
    ),
    Reason.UNKNOWN_COMMUNITY: Advice(
        "Άγνωστη Κοινότητα",
        "Use the id of one of the city's communities in the topic.",
        "Γράψτε στο θέμα τον κωδικό μιας από τις Κοινότητες του Δήμου.",
    ),
    Reason.DRAFT_DEVICE: Advice(
        "Συσκευή που δεν έχει ενταχθεί",
        "Take it into service with kel devices reinstate once it is adopted.",
        "Μόλις ενταχθεί, θέστε τη σε λειτουργία με kel devices reinstate.",
    ),
    Reason.RETIRED_DEVICE: Advice(
        "Αποσυρμένη συσκευή",
        "Switch the device off, or take it into service again with kel devices reinstate.",
        "Σβήστε τη συσκευή, ή θέστε τη πάλι σε λειτουργία με kel devices reinstate.",
    ),
    Reason.IDENTITY_MISMATCH: Advice(
        "Ταυτότητα που δεν συμφωνεί",
        "Make payload and topic name the same device and community; if they should, look for "
        "somebody who speaks for another's device.",
        "Θέμα και περιεχόμενο να λένε την ίδια συσκευή και Κοινότητα· αν τη λένε ήδη, κάποιος μιλά "
        "για ξένη συσκευή.",
    ),
    Reason.TOO_LARGE: Advice(
        "Υπερβολικά μεγάλο μήνυμα",
        "Let the gateway send fewer readings a message: 256 KiB is the limit.",
        "Η πύλη να στέλνει λιγότερες μετρήσεις ανά μήνυμα: όριο τα 256 KiB.",
    ),
    Reason.TOO_MANY: Advice(
        "Υπερβολικά πολλές μετρήσεις",
        "Let the sender spread them over more messages: 6,000 readings, and 1,000 values in each, "
        "are the limit.",
        "Ο αποστολέας να τις μοιράζει σε περισσότερα μηνύματα: όριο 6.000 μετρήσεις, με 1.000 "
        "τιμές η καθεμία.",
    ),
    Reason.LONG_TOPIC: Advice(
        "Υπερβολικά μακρύ θέμα μηνύματος",
        "Shorten the topic that the sender publishes to: 512 characters are the limit.",
        "Συντομεύστε το θέμα όπου δημοσιεύει ο αποστολέας: όριο 512 χαρακτήρες.",
    ),
    Reason.NOT_UTF8: Advice(
        "Μη έγκυρη κωδικοποίηση",
        "Let the sender write topic and text as UTF-8.",
        "Ο αποστολέας να γράφει θέμα και κείμενο σε UTF-8.",
    ),
    Reason.NUL_CHARACTER: Advice(
        "Μη επιτρεπτός χαρακτήρας",
        "Remove the NUL character from the sender's text; a database cannot hold it.",
        "Αφαιρέστε τον χαρακτήρα NUL από το κείμενο του αποστολέα· η βάση δεν τον δέχεται.",
    ),
    Reason.NOT_JSON: Advice(
        "Μη έγκυρο JSON",
        "Compare the stored payload with the format; it is often cut short or not JSON at all.",
        "Συγκρίνετε το περιεχόμενο με τη μορφή: συχνά είναι κομμένο ή δεν είναι καν JSON.",
    ),
    Reason.TOO_DEEP: Advice(
        "Υπερβολικά σύνθετο μήνυμα",
        "Flatten the payload: objects and lists may be nested 16 levels at most.",
        "Απλοποιήστε το περιεχόμενο: όριο 16 επίπεδα αντικειμένων και λιστών.",
    ),
    Reason.NOT_PROTOBUF: Advice(
        "Μη έγκυρο Sparkplug",
        "Check that the edge node sends uncompressed Sparkplug B payloads.",
        "Ελέγξτε ότι ο κόμβος στέλνει Sparkplug B χωρίς συμπίεση.",
    ),
    Reason.WRONG_TYPE: Advice(
        "Λάθος τύπος τιμής",
        "Let the device send a number or a boolean for this metric; add a word that it sends to "
        "the mapping's `values`, and let a LoRaWAN codec give one flat object of numbers.",
        "Η συσκευή να στέλνει αριθμό ή ναι/όχι· αν είναι λέξη, γράψτε την στα values της "
        "αντιστοίχισης· αν είναι αντικείμενο, ο αποκωδικοποιητής (codec) να δίνει επίπεδη λίστα "
        "αριθμών.",
    ),
    Reason.NOT_FINITE: Advice(
        "Μη πεπερασμένος αριθμός",
        "Let the device leave a metric out, instead of NaN or infinity, when it has no value.",
        "Όταν δεν έχει τιμή, η συσκευή να παραλείπει το μέγεθος αντί για NaN ή άπειρο.",
    ),
    Reason.OUT_OF_RANGE: Advice(
        "Τιμή εκτός ορίων",
        "Check the sensor and its unit; if the value is true, widen the range in the class file.",
        "Ελέγξτε αισθητήρα και μονάδα· αν η τιμή είναι αληθινή, διευρύνετε τα όρια στο "
        "classes.toml.",
    ),
    Reason.BAD_UNIT: Advice(
        "Μονάδα που δεν μετατρέπεται",
        "Let the device send a unit of the same kind as the class file has for this metric.",
        "Η συσκευή να στέλνει μονάδα του ίδιου είδους με του classes.toml για το μέγεθος.",
    ),
    Reason.BAD_NAME: Advice(
        "Μη έγκυρο όνομα μεγέθους",
        "Name metrics with 1 to 128 characters, none of them NUL.",
        "Ονομάστε τα μεγέθη με 1 έως 128 χαρακτήρες, χωρίς NUL.",
    ),
    Reason.NO_TIME: Advice(
        "Χωρίς χρόνο μέτρησης",
        "Let the device send the time of its reading, or set clock to arrival for it.",
        "Η συσκευή να στέλνει τον χρόνο της μέτρησης, ή δώστε της clock = arrival.",
    ),
    Reason.BAD_TIME: Advice(
        "Μη έγκυρος χρόνος",
        "Send ISO 8601 with an offset or Unix milliseconds, and set the device's clock; else set "
        "clock to arrival for the device.",
        "Χρόνος σε ISO 8601 με διαφορά ώρας ή σε χιλιοστά Unix, και σωστό ρολόι· αλλιώς δώστε της "
        "clock = arrival.",
    ),
    Reason.CLOCK_AHEAD: Advice(
        "Ρολόι συσκευής που προπορεύεται",
        "Set the device's clock, which is more than 5 minutes ahead, or set clock to arrival for "
        "the device, then kel rejected retry.",
        "Ρυθμίστε το ρολόι της, που προπορεύεται πάνω από 5 λεπτά, ή δώστε της clock = arrival, "
        "και μετά kel rejected retry.",
    ),
    Reason.EMPTY: Advice(
        "Κενό μήνυμα",
        "Let the device send at least one value, or nothing at all.",
        "Η συσκευή να στέλνει μία τουλάχιστον τιμή, ή τίποτε.",
    ),
    Reason.NO_CODEC: Advice(
        "Λείπει αποκωδικοποιητής",
        "Assign a codec to the device's profile, so that the network server decodes its data.",
        "Δώστε αποκωδικοποιητή (codec) στο προφίλ της συσκευής, για να αποκωδικοποιεί ο "
        "διακομιστής του δικτύου.",
    ),
    Reason.NO_BIRTH: Advice(
        "Δεδομένα πριν από τη δήλωση",
        "Wait for the rebirth that KEL has asked the edge node for; if none comes, let the node "
        "obey Node Control/Rebirth, or restart it.",
        "Περιμένετε τη νέα δήλωση (rebirth) που ζήτησε το ΚΕΛ· αν δεν έρθει, ο κόμβος να υπακούει "
        "στο Node Control/Rebirth, ή επανεκκινήστε τον.",
    ),
    Reason.NO_SEQUENCE: Advice(
        "Χωρίς αύξοντα αριθμό",
        "Let the edge node send a sequence number from 0 to 255, as Sparkplug B asks.",
        "Ο κόμβος να στέλνει αύξοντα αριθμό από 0 έως 255, όπως ζητά το Sparkplug B.",
    ),
    Reason.BAD_STATUS: Advice(
        "Μη έγκυρη κατάσταση",
        "Publish the plain text online or offline as status.",
        "Να δημοσιεύει ως κατάσταση το κείμενο online ή offline.",
    ),
    Reason.BAD_EVENT: Advice(
        "Μη έγκυρο συμβάν κάμερας",
        "Check that the sender is a Frigate of a supported version (0.12 or later).",
        "Ελέγξτε ότι στέλνει Frigate έκδοσης που υποστηρίζεται (0.12 ή νεότερη).",
    ),
    Reason.BAD_REQUEST: Advice(
        "Μη έγκυρο αίτημα",
        "Correct the form or program that sends citizens' requests.",
        "Διορθώστε τη φόρμα ή το πρόγραμμα που στέλνει τα αιτήματα πολιτών.",
    ),
    Reason.BAD_REPLY: Advice(
        "Μη έγκυρη απάντηση συνεργείου",
        "Correct the crew's app; ask the crew by phone meanwhile.",
        "Διορθώστε την εφαρμογή του συνεργείου· ως τότε ρωτήστε το τηλεφωνικά.",
    ),
    Reason.CONTRADICTION: Advice(
        "Αντιφατικές μετρήσεις",
        "Look for two devices under one identity, or one that sends two values for one moment.",
        "Αναζητήστε δύο συσκευές με μία ταυτότητα, ή μία που στέλνει δύο τιμές για την ίδια "
        "στιγμή.",
    ),
    Reason.BAD_RECORD: Advice(
        "Εγγραφή που δεν είναι του ΚΕΛ",
        "Find what else writes to the Kafka topic kel.raw, or a bridge of another version of KEL.",
        "Βρείτε τι άλλο γράφει στο kel.raw του Kafka, ή γέφυρα άλλης έκδοσης του ΚΕΛ.",
    ),
    Reason.INTERNAL: Advice(
        "Εσωτερικό σφάλμα",
        "Report it with the stored payload: the program met something nobody foresaw.",
        "Αναφέρετέ το με το περιεχόμενο: το πρόγραμμα συνάντησε κάτι απρόβλεπτο.",
    ),
}
