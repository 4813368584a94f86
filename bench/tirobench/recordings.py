"""Recordings made of the samples: always the same bytes from the same samples (fixed order, fixed seeds)."""
import csv
import subprocess
import wave
from dataclasses import dataclass

import numpy as np

from . import paths

RATE = 16000
LONG_S = 345  # about six minutes of clips before the pauses
PINK_DB, BABBLE_DB = 15, 20  # speech above noise
LEVEL_DB = -23  # of the clips, as broadcasters level what they join (EBU R 128)
BABBLE_VOICES = 6
PAUSE_S = (0.3, 1.2)  # between clips, as people pause between paragraphs


@dataclass
class Clip:
    name: str
    language: str
    path: object
    text: str


@dataclass
class Recording:
    name: str
    language: str
    path: object
    text: str
    seconds: float


def clips():
    """Clean clips with a reference, in the manifest's order; without the samples, the one that the project has."""
    folder = paths.SAMPLES / "speech"
    if not (folder / "manifest.tsv").exists():
        return [Clip("jfk", "en", paths.OWN_RECORDING, paths.OWN_TEXT)]
    found = []
    with open(folder / "manifest.tsv", encoding="utf-8") as f:
        for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            if "/" in row["file"] or row["reference"] in ("", "-") or len(row["language"]) != 2:
                continue
            if row["kind"] in ("read", "conversation", "stereo-dialogue"):
                text = (folder / row["reference"]).read_text(encoding="utf-8").strip()
                found.append(Clip(row["file"].rsplit(".", 1)[0], row["language"], folder / row["file"], text))
    return found


def without_speech():
    """Silence, noise, tones and music of the samples; without them, half a minute of silence."""
    folder = paths.SAMPLES / "speech"
    found = sorted(folder.glob("nospeech-*.*"))
    named = [(path.stem, decode(path)) for path in found if path.suffix != ".txt"]
    named = named or [("nospeech-silence", np.zeros(30 * RATE, np.float32))]
    return [recording(name, "en", samples, "") for name, samples in named]


def decode(path):
    """Mono samples at RATE, -1..1."""
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:a:0", "-ac", "1", "-ar", str(RATE),
                           "-f", "s16le", "-"], stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, "<i2").astype(np.float32) / 32768


def write(name, samples):
    path = paths.WORK / "audio" / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def recording(name, language, samples, text):
    return Recording(name, language, write(name, samples), text, len(samples) / RATE)


def hush(seconds, random):
    """A quiet room, 66 dB below full scale: digital silence is rare in the field."""
    return random.normal(0, 10 ** (-66 / 20), int(seconds * RATE)).astype(np.float32)


def power(samples):
    """Mean power of the frames that carry the signal."""
    frames = samples[:len(samples) // 400 * 400].reshape(-1, 400)
    powers = (frames ** 2).mean(axis=1)
    return powers[powers > powers.max() / 1000].mean()


def levelled(samples):
    """A clip at the common level, so that the noise of the noisy copy is as far below a quiet voice as below a loud one."""
    return samples * np.float32(np.sqrt(10 ** (LEVEL_DB / 10) / power(samples)))


def at_level(noise, speech, below_db):
    return noise * np.sqrt(power(speech) / power(noise) / 10 ** (below_db / 10))


def english_order(seconds):
    """English clips until `seconds` are full: each once in order, then again in a shuffled one."""
    english = [(clip, levelled(decode(clip.path))) for clip in clips() if clip.language == "en"]
    random = np.random.default_rng(1)
    chosen, total = [], 0.0
    order = list(range(len(english)))
    while total < seconds:
        for i in order:
            if total >= seconds:
                break
            chosen.append(english[i])
            total += len(english[i][1]) / RATE
        random.shuffle(order)
    return chosen


def joined(chosen, seed, pauses):
    """`pauses` gives the seconds before each clip."""
    random = np.random.default_rng(seed)
    pieces = []
    for (_, samples), pause in zip(chosen, pauses):
        pieces += [hush(pause, random), samples]
    return np.concatenate(pieces + [hush(0.5, random)]), " ".join(clip.text for clip, _ in chosen)


def long_set(seconds=LONG_S):
    """long: clean; longn: with pink noise and babble; longs: about half of it silence."""
    chosen = english_order(seconds)
    short = np.random.default_rng(2).uniform(*PAUSE_S, len(chosen))
    speech, text = joined(chosen, 3, short)
    shares = np.random.default_rng(4).exponential(1, len(chosen))
    spoken_s = sum(len(samples) for _, samples in chosen) / RATE
    gaps, _ = joined(chosen, 5, shares / shares.sum() * spoken_s)
    return [recording("long", "en", speech, text), recording("longn", "en", add_noise(speech), text),
            recording("longs", "en", gaps, text)]


def pink(count, random):
    spectrum = np.fft.rfft(random.normal(size=count))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    return np.fft.irfft(spectrum, count).astype(np.float32)


def add_noise(speech):
    random = np.random.default_rng(6)
    others = [decode(clip.path) for clip in clips() if clip.language != "en"] or [speech[::-1]]
    babble = np.zeros_like(speech)
    for _ in range(BABBLE_VOICES):
        order = random.permutation(len(others))
        voice = np.resize(np.concatenate([others[i] for i in order]), len(speech))
        babble += np.roll(voice, int(random.integers(len(speech))))
    noisy = speech + at_level(pink(len(speech), random), speech, PINK_DB) + at_level(babble, speech, BABBLE_DB)
    return noisy * 0.9 / np.abs(noisy).max()


def short_clip():
    """The first clip alone."""
    clip = clips()[0]
    return recording("short", clip.language, decode(clip.path), clip.text)


def by_language(most):
    """language -> its clips that one person reads, at most `most` of each, as recordings."""
    found = {}
    for clip in clips():
        same = found.setdefault(clip.language, [])
        samples = decode(clip.path) if len(same) < most else None
        if samples is not None and len(samples) < 30 * RATE:
            same.append(recording(f"clip-{clip.name}", clip.language, samples, clip.text))
    return found


def of_length(name, seconds):
    """The clean recording over and over, for figures that depend on length only."""
    speech, text = joined(english_order(min(seconds, LONG_S)), 3, [0.6] * 1000)
    return recording(name, "en", np.resize(speech, int(seconds * RATE)), text)
