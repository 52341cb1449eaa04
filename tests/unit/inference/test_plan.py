import pytest

from suite.errors import ConfigError
from suite.inference.plan import ModelForm, Plan

NOTHING = {"forms": None, "batch_sizes": None, "threads": None, "seconds": None}


def test_options_are_read() -> None:
    plan = Plan.parse(forms="onnx, eager,onnx", batch_sizes="8,1,8", threads="2,1", seconds="0.5")
    assert plan.forms == [ModelForm.onnx, ModelForm.eager]
    assert plan.batch_sizes == [1, 8]
    assert plan.threads == [1, 2]
    assert plan.seconds == 0.5


def test_what_is_not_given_keeps_its_default() -> None:
    assert Plan.parse(**NOTHING) == Plan()


@pytest.mark.parametrize(
    ("option", "given", "told"),
    [
        ("batch_sizes", "0", "--batch-sizes 0: must be whole numbers"),
        ("batch_sizes", "1,,2", "--batch-sizes 1,,2: must be whole numbers"),
        ("threads", "two", "--threads two: must be whole numbers"),
        ("seconds", "-1", "--seconds -1: must be a number above 0"),
        ("seconds", "nan", "--seconds nan: must be a number above 0"),
        ("seconds", "inf", "--seconds inf: must be a number above 0"),
        ("forms", "eagre", "--forms eagre: no such form; did you mean 'eager'?; there are eager,"),
    ],
)
def test_what_cannot_be_measured_is_refused(option: str, given: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Plan.parse(**{**NOTHING, option: given})
    assert str(refused.value).startswith(told)


def test_threads_are_those_of_the_machine() -> None:
    assert Plan().threads_on(8, fixed=None, accelerator=False) == [1, 8]
    assert Plan().threads_on(1, fixed=None, accelerator=False) == [1]
    assert Plan().threads_on(8, fixed=3, accelerator=False) == [3]
    assert Plan().threads_on(8, fixed=None, accelerator=True) == [1]
    assert Plan(threads=[1, 4]).threads_on(4, fixed=2, accelerator=True) == [1, 4]


def test_more_threads_than_cores_are_refused() -> None:
    with pytest.raises(ConfigError, match="--threads 1,4: this process may use 2 cores"):
        Plan(threads=[1, 4]).threads_on(2, fixed=None, accelerator=False)
