"""Why a message is refused: a fixed list of reasons, each with what to do about it.

Laws:
- a reason's value is stored with every reject and never changes its meaning;
- every reason has a remedy (one English sentence, for whoever runs the system) and a Greek label
  (for the screens);
- what is left out on purpose is `Dropped`: counted by reason, never stored, because keeping it
  would be the harm (a person's label, a picture) or of no use to anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

LARGEST_PAYLOAD = 256 * 1024  # bytes; more is refused
STORED_PAYLOAD = 64 * 1024  # bytes of a refused message that are kept


class Reason(StrEnum):
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_COMMUNITY = "unknown_community"
    DRAFT_DEVICE = "draft_device"
    RETIRED_DEVICE = "retired_device"
    IDENTITY_MISMATCH = "identity_mismatch"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NUL_CHARACTER = "nul_character"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_PROTOBUF = "not_protobuf"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
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
    TRANSIENT = "transient"  # values the sender asks not to keep
    STALE_DEATH = "stale_death"  # the end of a session that a newer one has replaced
    DUPLICATE = "duplicate"  # a camera's message that was heard already
    SEQUENCE_GAP = "sequence_gap"  # messages lost before they reached us; a rebirth is wanted


@dataclass(frozen=True, slots=True)
class Advice:
    """`label`: Greek, for screens. `remedy`: English, what to do about it."""

    label: str
    remedy: str


class Refused(Exception):  # noqa: N818 - the domain's word for it, not a fault of the program
    """A message that cannot be taken; `detail` says what exactly was met.

    `sender`: the decoder's name and the sender's address in its format, where they are known.
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


ADVICE: Mapping[Reason, Advice] = {
    Reason.UNKNOWN_TOPIC: Advice(
        "Άγνωστο θέμα μηνύματος",
        "Check the topic that the gateway publishes to, or stop it from publishing there.",
    ),
    Reason.UNKNOWN_DEVICE: Advice(
        "Άγνωστη συσκευή",
        "Add the device with this address to the city's devices, or correct its address there.",
    ),
    Reason.UNKNOWN_COMMUNITY: Advice(
        "Άγνωστη Κοινότητα",
        "Use the id of one of the city's communities in the topic.",
    ),
    Reason.DRAFT_DEVICE: Advice(
        "Συσκευή που δεν έχει ενταχθεί",
        "Set the device's state to active in the city's devices once it is adopted.",
    ),
    Reason.RETIRED_DEVICE: Advice(
        "Αποσυρμένη συσκευή",
        "Switch the device off, or set its state to active again in the city's devices.",
    ),
    Reason.IDENTITY_MISMATCH: Advice(
        "Ταυτότητα που δεν συμφωνεί",
        "Make payload and topic name the same device and community; if they should, look for "
        "somebody who speaks for another's device.",
    ),
    Reason.TOO_LARGE: Advice(
        "Υπερβολικά μεγάλο μήνυμα",
        "Let the gateway send fewer readings a message: 256 KiB is the limit.",
    ),
    Reason.NOT_UTF8: Advice(
        "Μη έγκυρη κωδικοποίηση",
        "Let the sender write topic and text as UTF-8.",
    ),
    Reason.NUL_CHARACTER: Advice(
        "Μη επιτρεπτός χαρακτήρας",
        "Remove the NUL character from the sender's text; a database cannot hold it.",
    ),
    Reason.NOT_JSON: Advice(
        "Μη έγκυρο JSON",
        "Compare the stored payload with the format; it is often cut short or not JSON at all.",
    ),
    Reason.TOO_DEEP: Advice(
        "Υπερβολικά σύνθετο μήνυμα",
        "Flatten the payload: objects and lists may be nested 16 levels at most.",
    ),
    Reason.NOT_PROTOBUF: Advice(
        "Μη έγκυρο Sparkplug",
        "Check that the edge node sends uncompressed Sparkplug B payloads.",
    ),
    Reason.WRONG_TYPE: Advice(
        "Λάθος τύπος τιμής",
        "Let the device send a number or a boolean for this metric.",
    ),
    Reason.NOT_FINITE: Advice(
        "Μη πεπερασμένος αριθμός",
        "Let the device leave a metric out, instead of NaN or infinity, when it has no value.",
    ),
    Reason.OUT_OF_RANGE: Advice(
        "Τιμή εκτός ορίων",
        "Check the sensor and its unit; if the value is true, widen the range in the class file.",
    ),
    Reason.BAD_NAME: Advice(
        "Μη έγκυρο όνομα μεγέθους",
        "Name metrics with 1 to 128 characters.",
    ),
    Reason.NO_TIME: Advice(
        "Χωρίς χρόνο μέτρησης",
        "Let the device send the time of its reading.",
    ),
    Reason.BAD_TIME: Advice(
        "Μη έγκυρος χρόνος",
        "Send ISO 8601 with an offset or Unix milliseconds, and set the device's clock.",
    ),
    Reason.CLOCK_AHEAD: Advice(
        "Ρολόι συσκευής που προπορεύεται",
        "Set the device's clock: it is more than 5 minutes ahead.",
    ),
    Reason.EMPTY: Advice(
        "Κενό μήνυμα",
        "Let the device send at least one value, or nothing at all.",
    ),
    Reason.NO_CODEC: Advice(
        "Λείπει αποκωδικοποιητής",
        "Assign a codec to the device's profile, so that the network server decodes its data.",
    ),
    Reason.NO_BIRTH: Advice(
        "Δεδομένα πριν από τη δήλωση",
        "Restart the edge node, or ask it for a rebirth from its own software: KEL asks for none.",
    ),
    Reason.NO_SEQUENCE: Advice(
        "Χωρίς αύξοντα αριθμό",
        "Let the edge node send a sequence number from 0 to 255, as Sparkplug B asks.",
    ),
    Reason.BAD_STATUS: Advice(
        "Μη έγκυρη κατάσταση",
        "Publish the plain text online or offline as status.",
    ),
    Reason.BAD_EVENT: Advice(
        "Μη έγκυρο συμβάν κάμερας",
        "Check that the sender is a Frigate of a supported version (0.12 or later).",
    ),
    Reason.BAD_REQUEST: Advice(
        "Μη έγκυρο αίτημα",
        "Correct the form or program that sends citizens' requests.",
    ),
    Reason.BAD_REPLY: Advice(
        "Μη έγκυρη απάντηση συνεργείου",
        "Correct the crew's app; ask the crew by phone meanwhile.",
    ),
    Reason.CONTRADICTION: Advice(
        "Αντιφατικές μετρήσεις",
        "Look for two devices under one identity, or one that sends two values for one moment.",
    ),
    Reason.BAD_RECORD: Advice(
        "Εγγραφή που δεν είναι του ΚΕΛ",
        "Find what else writes to the Kafka topic kel.raw, or a bridge of another version of KEL.",
    ),
    Reason.INTERNAL: Advice(
        "Εσωτερικό σφάλμα",
        "Report it with the stored payload: the program met something nobody foresaw.",
    ),
}
