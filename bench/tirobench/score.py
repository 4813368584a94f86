"""Errors of a text against its reference.

Speech: words, after Whisper's own normalisation (numbers, spelling, punctuation); characters for Chinese and Japanese.
Pages: characters, after the samples' rule (samples/ocr/SOURCES.md): dashes, quotes and white space made equal.
"""
import functools
import re
import unicodedata
from dataclasses import dataclass

import jiwer
from rapidfuzz.distance import Levenshtein
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

PERSIAN = str.maketrans({"\u200c": " ", "ي": "ی", "ك": "ک"})


@dataclass
class Score:
    errors: int
    total: int

    @property
    def percent(self):
        return 100 * self.errors / max(self.total, 1)

    def __add__(self, other):
        return Score(self.errors + other.errors, self.total + other.total)


@functools.cache
def normaliser(language):
    if language == "en":
        return EnglishTextNormalizer()
    return BasicTextNormalizer(split_letters=language in ("zh", "ja"))


def words(reference, text, language):
    if language == "fa":
        reference, text = reference.translate(PERSIAN), text.translate(PERSIAN)
    reference, text = (normaliser(language)(t).strip() for t in (reference, text))
    measured = jiwer.process_words(reference, text)
    total = measured.hits + measured.substitutions + measured.deletions
    return Score(measured.substitutions + measured.deletions + measured.insertions, total)


SAME = str.maketrans({
    **dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’‚", "'"), **dict.fromkeys("—–‐‑−", "-"), "…": "...",
    "\u00a0": " ", "，": ",", "：": ":", "；": ";", "（": "(", "）": ")", "！": "!", "？": "?", "［": "[", "］": "]",
    "﹒": ".", "．": "."})
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\u00ad\u0640]")
HYPHENATED = re.compile(r"(\w)-\s*\n\s*(?=\w)")
ARABIC = str.maketrans({"ي": "ی", "ك": "ک", "ى": "ی"})


def page_text(text, language, fold_case):
    text = unicodedata.normalize("NFKC" if language in ("fa", "ar", "zh") else "NFC", text)
    text = HYPHENATED.sub(r"\1", INVISIBLE.sub("", text).translate(SAME))
    text = re.sub(r"\s+", "" if language == "zh" else " ", text).strip()
    if language in ("fa", "ar"):
        text = text.translate(ARABIC)
    return text.lower() if fold_case else text


def characters(reference, text, language, fold_case=False):
    """At most every character of the reference is wrong."""
    reference, text = (page_text(t, language, fold_case) for t in (reference, text))
    return Score(min(Levenshtein.distance(reference, text), len(reference)), len(reference))
