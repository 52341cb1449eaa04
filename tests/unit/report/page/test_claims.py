import json

import pytest

from suite.report.page.claims import claims

PNG = b"\x89PNG...."
CLAIM = {
    "claim": "Nets <b>learn</b>", "verdict": "mixed", "experiment": "runs", "quantity": "effect",
    "rule": "above 0", "what_would_change_it": "more", "runs": 6,
    "figures": ["claims/a.png", "../secret.png", "claims/fake.png"],
    "measured": [
        {"set": "digits", "part": "sgd", "note": "n", "holds": True, "mean": 0.5,
         "interval": [0.4, 0.6]},
        {"set": "words", "part": "", "note": "none", "holds": False},
    ],
}  # fmt: skip


@pytest.fixture
def judged(tmp_path):
    results = tmp_path / "results"
    (results / "claims").mkdir(parents=True)
    (results / "claims" / "a.png").write_bytes(PNG)
    (results / "claims" / "fake.png").write_bytes(b"<svg>")
    (tmp_path / "secret.png").write_bytes(PNG)

    def write(*told):
        (results / "claims.json").write_text(json.dumps({"claims": told}))
        return claims(results)

    return write


def test_claims_are_read_with_their_effects_and_pictures(judged):
    (one,) = judged(CLAIM)
    assert (one.verdict, one.held) == ("mixed", "1 of 2")
    assert one.effects == [
        ["digits, sgd", "0.500", "0.400 to 0.600", "yes", "n"],
        ["words", "none", "—", "no", "none"],
    ]
    # Neither what lies elsewhere, nor what is not what its name says.
    assert [picture.name for picture in one.pictures] == ["a"]


@pytest.mark.parametrize(
    "broken",
    [7, [], {}, CLAIM | {"verdict": "true"}, CLAIM | {"measured": 3}, CLAIM | {"figures": None},
     CLAIM | {"measured": [{"set": "a"}]}],
)  # fmt: skip
def test_what_is_broken_is_left_out(judged, broken):
    assert [one.claim for one in judged(broken, CLAIM)] == ["Nets <b>learn</b>"]


def test_no_claims_are_none(tmp_path):
    assert claims(tmp_path) == []
    (tmp_path / "claims.json").write_text("[" * 100_000)
    assert claims(tmp_path) == []
