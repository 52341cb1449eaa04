from html.parser import HTMLParser

from tasks.speech_recognition.error_rate import Text
from tasks.speech_recognition.transcripts import Transcripts


def _transcripts(**changes):
    fields = {
        "title": "Transcripts of a & b",
        "names": ["0.wav", "1.wav", "2.wav"],
        "said": ["one two", "one two three", "four"],
        "heard": {
            "greedy": ["one two", "won three four", "four"],
            "beam": ["one two", "one two three", "for"],
        },
    }
    fields.update(changes)
    texts = {
        decoder: list(map(Text, fields["names"], fields["said"], heard))
        for decoder, heard in fields["heard"].items()
    }
    return Transcripts(fields["title"], texts, dict.fromkeys(texts, 0.4583))


class _Reader(HTMLParser):
    """Collects tags, and the text of each."""

    def __init__(self, page):
        super().__init__()
        self.open, self.found = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open.append((tag, dict(attributes).get("class")))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if data.strip() and self.open:
            self.found.append((self.open[-1][0], self.open[-2:][0][1], data.strip()))


def test_text_marks_each_error_below_what_was_said_and_heard():
    lines = _transcripts().text().splitlines()
    at = lines.index("1.wav")
    assert lines[at : at + 5] == [
        "1.wav",
        "  greedy",
        "    said:   one  two  three  ****",
        "    heard:  ***  won  three  four",
        "            D    S           I",
    ]
    totals = [line.split() for line in lines if line.startswith(("greedy ", "beam "))]
    # 3 errors of 6 words.
    assert totals[0] == ["greedy", "50.0%", "45.8%", "6", "1", "1", "1", "2", "of", "3"]
    assert totals[1][:2] == ["beam", "16.7%"]


def test_worst_come_first():
    text = _transcripts().text()
    assert text.index("1.wav") < text.index("0.wav") < text.index("2.wav")


def test_page_holds_the_same_with_classes_for_colours():
    found = _Reader(_transcripts().html()).found
    assert ("b", "deleted", "one") in found
    assert ("i", "inserted", "four") in found
    assert ("b", "substituted", "two") in found
    assert ("i", "substituted", "won") in found
    assert ("i", "right", "three") in found
    cells = [text for tag, _, text in found if tag == "td"]
    assert cells[:3] == ["greedy", "50.0%", "45.8%"]


def test_whatever_was_said_is_escaped():
    evil = "<script>alert('1')</script> & \"co\""
    page = _transcripts(
        title=evil, names=[evil] * 3, said=[evil] * 3,
        heard={evil: ["</td><b>", evil, "<img/src=x>"]},
    ).html()  # fmt: skip
    tags = {tag for tag, _, _ in _Reader(page).found}
    assert not tags & {"script", "img"}
    assert "<script" not in page.lower()
    assert "<img" not in page.lower()
    assert "&lt;script&gt;" in page


def test_of_many_the_worst_are_shown_and_some_of_the_rest():
    count = 450
    said = ["a b c d"] * count
    heard = ["a b x y" if i % 4 == 0 else "a b c d" for i in range(count)]
    many = _transcripts(
        names=[f"{i}.wav" for i in range(count)], said=said, heard={"greedy": heard}
    )
    assert len(many.shown) == len(set(many.shown)) == 200
    assert all(i % 4 == 0 for i in many.shown[:100])
    right = [i for i in many.shown[113:]]
    assert right == sorted(right)
    assert max(right) > 400
    assert "The 100 worst of 450 recordings, then 100 of the others" in many.text()
    assert "All 3 recordings" in _transcripts().text()


def test_frequent_errors_are_counted():
    lines = _transcripts(
        names=["x", "y", "z"], said=["b", "b", "b c"], heard={"greedy": ["d", "d", "b"]}
    ).text().splitlines()  # fmt: skip
    at = lines.index("Most frequent errors")
    assert [line.split() for line in lines[at + 2 : at + 4]] == [["2", "b", "d"], ["1", "c", "-"]]
