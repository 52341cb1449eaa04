"""Masked language modelling: which characters have been hidden in a line of text."""

from masked_language_modelling.config import SCHEMAS
from suite import Plugin

plugin = Plugin(
    package="masked_language_modelling",
    conf="pkg://masked_language_modelling.conf",
    schemas=SCHEMAS,
)
