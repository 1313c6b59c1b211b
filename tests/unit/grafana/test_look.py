from grafana.look import BLUE, GREEN, GREY, RED, severity_steps, steps, words


def test_steps_start_at_minus_infinity():
    assert steps(GREEN, (1, RED)) == {
        "mode": "absolute",
        "steps": [{"color": GREEN, "value": None}, {"color": RED, "value": 1}],
    }


def test_severity_steps_colour_low_from_one_on():
    found = severity_steps()["steps"]
    assert found[0] == {"color": GREY, "value": None}
    assert found[1] == {"color": BLUE, "value": 1}
    assert [s["value"] for s in found] == [None, 1, 2, 3, 4]


def test_words_keep_their_order():
    (mapping,) = words({4: ("ΑΡΓΕΙ", RED), 0: ("ΚΑΝΕΝΑ", GREY)})
    assert mapping["options"] == {
        "4": {"text": "ΑΡΓΕΙ", "color": RED, "index": 0},
        "0": {"text": "ΚΑΝΕΝΑ", "color": GREY, "index": 1},
    }
