import gc
import weakref

from suite.data.memo import remembered


class Value:
    pass


def test_the_same_key_is_made_once():
    made = [remembered("a", ("x", 1), Value) for _ in range(2)]
    assert made[0] is made[1]


def test_another_key_is_made_anew_when_the_old_value_is_gone():
    old = weakref.ref(remembered("b", 1, Value))

    def make():
        gc.collect()
        return old() is None

    assert remembered("b", 2, make)


def test_kinds_do_not_mix():
    assert remembered("c", 1, lambda: "c") == "c"
    assert remembered("d", 1, lambda: "d") == "d"
    assert remembered("c", 1, lambda: "another") == "c"


def test_what_fails_is_not_remembered():
    for _ in range(2):
        try:
            remembered("e", 1, lambda: 1 / 0)
        except ZeroDivisionError:
            continue
    assert remembered("e", 1, lambda: 5) == 5
