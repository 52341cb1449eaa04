import pytest

from tasks.speech_recognition.symbols import Characters, Pieces

TEXTS = ["one two", "two two one", "b one", "t w o"]


def test_characters_are_numbered_from_one_behind_the_blank():
    symbols = Characters(TEXTS)
    assert symbols.names == (" ", "b", "e", "n", "o", "t", "w")
    assert symbols.encode("to n") == [6, 5, 1, 4]
    assert symbols.decode([6, 5, 1, 4]) == "to n"
    assert (symbols.classes, symbols.space) == (8, 1)
    assert Characters(["a", "b"]).space is None


@pytest.mark.parametrize("make", [Characters, lambda texts: Pieces(texts, 30)])
def test_what_training_never_saw_is_left_out(make):
    symbols = make(TEXTS)
    assert symbols.decode(symbols.encode("two! éé one")).split() == ["two", "one"]
    assert symbols.decode(symbols.encode("xyz")) == ""


@pytest.mark.parametrize("size", [1, 8, 10, 100])
def test_pieces_write_every_text_of_training(size):
    symbols = Pieces(TEXTS, size)
    alphabet = {"▁", *"benotw"}
    assert alphabet <= set(symbols.names)
    assert len(symbols.names) <= max(size, len(alphabet))
    for text in TEXTS:
        encoded = symbols.encode(text)
        assert symbols.decode(encoded) == text
        assert all(1 <= k < symbols.classes for k in encoded)
        assert len(encoded) <= len(text) + 1
    assert symbols.decode(symbols.encode("tone  web ")) == "tone web"


def test_frequent_words_become_one_piece():
    symbols = Pieces(TEXTS, 100)
    assert [symbols.names[k - 1] for k in symbols.encode("two one")] == ["▁two", "▁one"]
    assert symbols.space is None


def test_the_same_texts_give_the_same_pieces():
    assert len({Pieces(TEXTS * 3, 12).names for _ in range(5)}) == 1
