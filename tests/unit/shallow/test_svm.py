"""Machines against solutions that can be written down."""

import numpy as np
import pytest
import torch

from suite.config import Kernel, SVMConfig
from suite.errors import ConfigError
from suite.shallow import svm as module
from suite.shallow.svm import SVM, evenly

TWO_NF = np.array([[1.0], [-1.0]])
XOR_NF = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def fit(values, labels, C=1.0, **options):
    return SVM(SVMConfig(**options), seed=0).fit(values, np.array(labels), C)


@pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
def test_linear_machine_minimises_norm_and_squared_hinge(C):
    """w²/2 + 2 C (1 - w)² is least at w = 4 C / (1 + 4 C); the intercept is 0 by symmetry."""
    machine = fit(TWO_NF, [1, 0], C, tolerance=1e-6)
    tensors = machine.tensors()
    assert tensors["weight_KF"].tolist() == [[pytest.approx(4 * C / (1 + 4 * C), abs=1e-4)]]
    assert tensors["bias_K"].tolist() == [pytest.approx(0, abs=1e-4)]
    assert machine.parameters == 2
    assert machine.converged


def test_linear_machine_has_a_row_for_each_class():
    machine = fit(np.eye(3), [0, 1, 2], 100.0)
    tensors = machine.tensors()
    assert tensors["weight_KF"].shape == (3, 3)
    assert machine.parameters == 3 * 3 + 3
    scores = torch.eye(3) @ tensors["weight_KF"].T + tensors["bias_K"]
    assert scores.argmax(1).tolist() == machine.predict(np.eye(3)).tolist() == [0, 1, 2]


def test_rbf_tells_what_no_line_can():
    labels = [0, 1, 1, 0]
    curved = fit(XOR_NF, labels, 100.0, kernel=Kernel.rbf, gamma=1.0)
    assert curved.predict(XOR_NF).tolist() == labels
    assert fit(XOR_NF, labels, 100.0).predict(XOR_NF).tolist() != labels
    # Four support vectors of two features, a weight each, and one intercept.
    assert curved.parameters == 4 * 2 + 4 + 1
    assert curved.tensors() is None


def test_a_solver_that_does_not_arrive_says_so():
    noise = np.random.default_rng(0)
    values, labels = noise.normal(size=(60, 5)), noise.integers(0, 2, 60)
    assert not fit(values, labels, 100.0, max_iterations=1, tolerance=1e-9).converged


def test_same_seed_gives_the_same_machine():
    noise = np.random.default_rng(0)
    values, labels = noise.normal(size=(60, 5)), noise.integers(0, 3, 60)
    one, other = (fit(values, labels).tensors()["weight_KF"] for _ in range(2))
    assert torch.equal(one, other)


def test_too_many_examples_for_rbf_are_refused_and_a_part_of_them_taken_if_told(monkeypatch):
    monkeypatch.setattr(module, "MOST_FOR_RBF", 10)
    labels = np.arange(20) % 2
    rbf = {"kernel": Kernel.rbf}
    with pytest.raises(ConfigError, match=r"backbone.kernel=rbf: .* on 20 .*train_examples=10"):
        SVM(SVMConfig(**rbf), seed=0).chosen(labels)
    with pytest.raises(ConfigError, match=r"backbone.train_examples=11: .* takes hours"):
        SVM(SVMConfig(**rbf, train_examples=11), seed=0).chosen(labels)
    assert len(SVM(SVMConfig(**rbf, train_examples=10), seed=0).chosen(labels)) == 10
    assert SVM(SVMConfig(), seed=0).chosen(labels) is None
    with pytest.raises(ConfigError, match=r"backbone\.train_examples=30: there are 20"):
        SVM(SVMConfig(train_examples=30), seed=0).chosen(labels)


def test_a_part_has_the_same_share_of_each_class():
    labels = np.array([0] * 60 + [1] * 30 + [2] * 10)
    taken = evenly(labels, 20, seed=0)
    assert np.bincount(labels[taken]).tolist() == [12, 6, 2]
    assert taken.tolist() == sorted(set(taken.tolist()))
    assert evenly(labels, 20, seed=0).tolist() == taken.tolist()
    assert evenly(labels, 20, seed=1).tolist() != taken.tolist()
    assert evenly(labels, 100, seed=0).tolist() == list(range(100))


def test_values_of_C():
    assert SVMConfig(C=2.0).values_of_C() == [2.0]
    assert SVMConfig(grid=[1.0, 2.0]).values_of_C() == [1.0, 2.0]
    assert SVMConfig().values_of_C()[0] < SVMConfig(kernel=Kernel.rbf).values_of_C()[0]
