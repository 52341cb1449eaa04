"""Where texts come from: each source is constructed with its options and loads a `TextSet`."""

from tasks.text_classification.data.ag_news import AGNews
from tasks.text_classification.data.banking77 import Banking77
from tasks.text_classification.data.embedded import LanguageNames
from tasks.text_classification.data.files import TextFiles
from tasks.text_classification.data.hub_texts import HubTexts
from tasks.text_classification.data.imdb import IMDb
from tasks.text_classification.data.sst2 import SST2, SST2GLUE
from tasks.text_classification.data.texts import Texts, TextSet
from tasks.text_classification.data.trec import TREC

__all__ = [
    "SST2",
    "SST2GLUE",
    "TREC",
    "AGNews",
    "Banking77",
    "HubTexts",
    "IMDb",
    "LanguageNames",
    "TextFiles",
    "TextSet",
    "Texts",
]
