"""Speak utterances with eSpeak NG: a program of its own, `python espeak.py`.

eSpeak NG is GPL-3 and comes in the optional package `espeakng-loader`, so it is loaded here and
nowhere else, in a process that imports nothing of the suite. A fresh process is needed anyway:
the voice wavers on from one utterance to the next, so the samples are the same only for the same
calls from the start.

Standard input: a JSON list of `[text, voice, words_per_minute, pitch]`, voice as in `en-us+f2`.
Standard output, for each utterance: a 32-bit count, then as many 16-bit samples at 22,050 Hz.
"""

import ctypes
import json
import struct
import sys

NATIVE_RATE = 22_050
"""Samples per second that eSpeak NG produces with the voice data of `espeakng-loader`."""

# From eSpeak NG's speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_POSITION_CHARACTER = 1
_UTF8 = 1
_RATE, _PITCH = 1, 3

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Speaker:
    """The loaded library. At most one per process: eSpeak NG keeps its state in globals."""

    def __init__(self) -> None:
        """Start the library; raises `RuntimeError` where it does not start."""
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
        if rate != NATIVE_RATE:
            raise RuntimeError(f"eSpeak NG started at {rate} samples per second, not {NATIVE_RATE}")
        # The start seeds breath noise from the clock; the samples have to be the same every time.
        self._check(self._library.espeak_ng_SetRandSeed(ctypes.c_long(1)), "seed")
        self._chunks: list[bytes] = []
        self._voice = ""
        self._callback = _Callback(self._receive)  # kept: ctypes does not hold a reference
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str, words_per_minute: int, pitch: int) -> bytes:
        """Return 16-bit samples; raises `RuntimeError` where eSpeak NG reports a failure."""
        self._chunks = []
        if voice != self._voice:
            self._check(self._library.espeak_SetVoiceByName(voice.encode()), f"voice '{voice}'")
            self._voice = voice
        self._check(self._library.espeak_SetParameter(_RATE, words_per_minute, 0), "rate")
        self._check(self._library.espeak_SetParameter(_PITCH, pitch, 0), "pitch")
        encoded = text.encode()
        size = ctypes.c_size_t(len(encoded) + 1)
        status = self._library.espeak_Synth(
            encoded, size, 0, _POSITION_CHARACTER, 0, _UTF8, None, None
        )
        self._check(status, f"text '{text}'")
        return b"".join(self._chunks)

    def _receive(self, samples: object, count: int, _events: object) -> int:
        if count > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * count))  # type: ignore[arg-type]
        return 0

    def _check(self, status: int, what: str) -> None:
        if status != 0:
            raise RuntimeError(f"eSpeak NG refuses the {what} (status {status})")


def main() -> None:
    """Speak the utterances read from standard input, in order."""
    speaker = Speaker()
    for text, voice, words_per_minute, pitch in json.load(sys.stdin):
        samples = speaker.say(text, voice, words_per_minute, pitch)
        sys.stdout.buffer.write(struct.pack("<i", len(samples) // 2) + samples)


if __name__ == "__main__":
    main()
