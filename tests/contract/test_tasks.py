"""Every registered task keeps the contract on its embedded data, whatever the backbone takes."""

import pytest

from suite.compose import compose
from suite.plugins import find
from suite.testing import COSTLY, check_task


def test_embedded_task_keeps_the_contract(embedded, small, embedded_name):
    # That every backbone runs on it is in test_training and test_library.
    run = [*embedded[embedded_name], *small["mlp"], "backbone.width=64"]
    check_task(run, skip=["imports", "backbones"])


def test_embedded_task_keeps_the_contract_as_a_grid(embedded, small, embedded_name):
    check_task([*embedded[embedded_name], *small["resnet"]], skip=COSTLY)


def test_what_finds_the_tasks_is_light(embedded, small):
    check_task([*embedded["digits"], *small["mlp"]], only=["imports"])


@pytest.mark.parametrize(
    ("name", "features"),
    [
        (name, features)
        for name, kinds in {
            "digits": ("pixels", "hog"),
            "language_names": ("tfidf",),
            "spoken_words": ("log_mel", "mfcc"),
        }.items()
        for features in kinds
    ],
)
def test_hand_made_features_keep_the_contract(embedded, name, features):
    check_task([*embedded[name], "backbone=svm", f"backbone.features={features}"])


@pytest.mark.parametrize(
    "options",
    [
        ["loss=ppo", "loss.rollout=8", "loss.passes=2", "backbone=mlp"],
        ["loss=dqn", "loss.learning_starts=64", "loss.act_every=32", "loss.updates=8",
         "backbone=resnet"],
    ],
    ids=["ppo", "dqn"],
)  # fmt: skip
def test_task_that_acts_keeps_the_contract(acting, small, options):
    *_, backbone = options
    check_task([*acting["cartpole"], *options, *small[backbone.partition("=")[2]]])


def test_every_registered_task_is_among_these(embedded, acting):
    each = (*embedded.values(), *acting.values())
    checked = {f"task/{compose(overrides).choices['task']}" for overrides in each}
    registered = {
        schema
        for plugin in find().plugins.values()
        for schema in plugin.schemas
        if schema.startswith("task/")
    }
    assert checked == registered
