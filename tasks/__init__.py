"""The suite's own task plugins: images, texts, speech, and control by reinforcement."""

from suite import Plugin
from tasks.control.config import SCHEMAS as CONTROL
from tasks.image_recognition.config import SCHEMAS as IMAGE
from tasks.speech_recognition.config import SCHEMAS as SPEECH
from tasks.text_classification.config import SCHEMAS as TEXT

plugin = Plugin(package="tasks", schemas={**IMAGE, **TEXT, **SPEECH, **CONTROL})
