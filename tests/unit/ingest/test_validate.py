import re

import pytest

from ingest.validate import ADVICE, Dropped, Reason, Refused


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_greek_label_and_says_in_one_sentence_what_to_do(reason: Reason) -> None:
    advice = ADVICE[reason]
    assert re.fullmatch(r"[A-Z].*\.", advice.remedy)
    assert ". " not in advice.remedy
    assert re.fullmatch(r"[Α-ΩΆ-Ώ].*[α-ωά-ώ].*\.", advice.action)
    assert ". " not in advice.action
    assert re.search(r"[α-ωά-ώ]", advice.label)
    assert not advice.label.endswith(".")


def test_reasons_and_drops_are_short_words_that_do_not_overlap() -> None:
    words = [*map(str, Reason), *map(str, Dropped)]
    assert all(re.fullmatch(r"[a-z0-9_]{4,20}", word) for word in words)
    assert len(set(words)) == len(words)


def test_labels_tell_reasons_apart() -> None:
    assert len({advice.label for advice in ADVICE.values()}) == len(Reason)


def test_refused_reads_as_reason_and_detail() -> None:
    assert str(Refused(Reason.NO_TIME, "ts is missing")) == "no_time: ts is missing"
