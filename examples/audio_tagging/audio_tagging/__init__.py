"""Audio tagging: which sounds are in a recording, of which it may hold several."""

from audio_tagging.config import SCHEMAS
from suite import Plugin

plugin = Plugin(package="audio_tagging", conf="pkg://audio_tagging.conf", schemas=SCHEMAS)
