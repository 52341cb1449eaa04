"""The standard sets, in the form that they are published in."""

from tasks.speech_recognition.sets.an4 import AN4
from tasks.speech_recognition.sets.fsdd import FSDD
from tasks.speech_recognition.sets.librispeech import LibriSpeech, MiniLibriSpeech
from tasks.speech_recognition.sets.manifest import Manifest
from tasks.speech_recognition.sets.speech_commands import SpeechCommands
from tasks.speech_recognition.sets.speech_commands_12 import SpeechCommands12

__all__ = [
    "AN4",
    "FSDD",
    "LibriSpeech",
    "Manifest",
    "MiniLibriSpeech",
    "SpeechCommands",
    "SpeechCommands12",
]
