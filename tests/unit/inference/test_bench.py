from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.config import Number, PrecisionConfig
from suite.inference import bench as module
from suite.inference.bench import Result, bench
from suite.inference.forms import make
from suite.inference.plan import ModelForm, Plan
from suite.task import Batch
from suite.training.precision import Precision

EAGER, COMPILED, EXPORTED = ModelForm.eager, ModelForm.compiled, ModelForm.exported


@pytest.fixture
def measured(
    model: nn.Module, batches: dict[int, Batch], precision: Precision
) -> Callable[..., list[Result]]:
    """Measure the small model for as short as can be."""

    def measure(forms: Sequence[ModelForm], threads: Sequence[int] = (1,)) -> list[Result]:
        plan = Plan(forms=forms, seconds=1e-6)
        return list(bench(model, batches, plan, threads=threads, precision=precision))

    return measure


def test_all_combinations_are_measured(measured: Callable[..., list[Result]]) -> None:
    results = measured([EAGER, EXPORTED], threads=[1, 2])
    assert [(r.threads, r.batch_size, r.form) for r in results] == [
        (threads, size, form)
        for threads in (1, 2) for size in (1, 2) for form in (EAGER, EXPORTED)
    ]  # fmt: skip
    for result in results:
        speed = result.speed
        assert speed is not None
        assert speed.calls == 20
        assert 0 < speed.p50_seconds <= speed.p95_seconds <= speed.p99_seconds
        assert speed.units_per_second == pytest.approx(4 * speed.examples_per_second)
        assert speed.peak_share is not None
        assert not speed.wrong
    assert torch.get_num_threads() == 1


def test_the_model_is_measured_in_evaluation(
    model: nn.Module, measured: Callable[..., list[Result]]
) -> None:
    model.train()
    measured([EAGER])
    assert not model.training


def test_a_form_that_fails_stops_no_other(
    measured: Callable[..., list[Result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(form: ModelForm, *arguments: Any, **options: Any) -> Any:
        if form is EXPORTED:
            raise ValueError("cannot be traced:\n  line 3\n" + 500 * "x")
        return make(form, *arguments, **options)

    monkeypatch.setattr(module, "make", failing)
    failed, eager = measured([EXPORTED, EAGER])[:2]
    assert eager.speed is not None
    assert failed.speed is None
    assert failed.failure.startswith("ValueError: cannot be traced:; line 3; xxx")
    assert len(failed.failure) == 160


def test_another_output_is_called_wrong(
    measured: Callable[..., list[Result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slanted(form: ModelForm, model: Any, inputs: Any, **options: Any) -> Any:
        call = make(form, model, inputs, **options)
        factor = 1.01 if form is EXPORTED else 1.0

        def called() -> list[Tensor]:
            values, mask = call()
            return [values * factor, mask]

        return called

    monkeypatch.setattr(module, "make", slanted)
    eager, exported = measured([EAGER, EXPORTED])[:2]
    assert eager.speed is not None
    assert exported.speed is not None
    assert (eager.speed.difference, eager.speed.wrong) == (0, False)
    assert exported.speed.difference == pytest.approx(0.01, rel=1e-3)
    assert exported.speed.wrong


def test_half_precision_rounds_more(model: nn.Module, batches: dict[int, Batch]) -> None:
    bf16 = Precision(PrecisionConfig(number=Number.bf16), torch.device("cpu"))
    plan = Plan(forms=[EAGER], seconds=1e-6)
    result = next(bench(model, batches, plan, threads=[1], precision=bf16))
    assert result.speed is not None
    assert result.speed.tolerance == 0.05


def test_what_cannot_be_counted_has_no_share(
    measured: Callable[..., list[Result]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def uncountable(*_: Any) -> int:
        raise NotImplementedError

    monkeypatch.setattr(module, "count_flops", uncountable)
    speed = measured([EAGER])[0].speed
    assert speed is not None
    assert speed.peak_share is None
