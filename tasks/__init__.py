"""The suite's own task plugins: image recognition, text classification, speech recognition."""

from suite import Plugin
from tasks.image_recognition.config import SCHEMAS as IMAGE
from tasks.speech_recognition.config import SCHEMAS as SPEECH
from tasks.text_classification.config import SCHEMAS as TEXT

plugin = Plugin(package="tasks", schemas={**IMAGE, **TEXT, **SPEECH})
