"""Whether a text is in English, as far as script and commonest words tell: for encoders that know no other.

Short texts without such words pass: a name or a caption is no proof of a language.
"""

from __future__ import annotations

import re
from collections import Counter

_FOREIGN_SHARE = 0.3  # of the letters, from which a text counts as written in another script
_LEAST = 3  # words of another language before it is named
_SAMPLE = 20_000  # characters that are looked at
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH_WORDS = "the of and to in is was for with that on are as by at from this be it an or not"
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_OTHERS = {
    "German": "der die das und ist nicht mit den von ein eine auf für im dem des zu sich auch bei kein keine",
    "French": "le la les des est et une dans pour pas sur avec du qui au ce sont par aux sans",
    "Spanish": "el los las una del y es en por con para que se su al lo como sin",
    "Italian": "il lo gli della di che è una per con nel sono del dei alla non si senza",
    "Portuguese": "o os as uma do da dos das e é em não com para que por no na sem",
    "Dutch": "de het een van en is niet met op voor zijn dat te aan er geen bij ook",
    "Polish": "i w nie na się z do jest że o jak po ale przez od bez",
    "Swedish": "och att det som en på är av för med den till inte har ett utan",
}
_WORDS = {language: frozenset(words.split()) - _ENGLISH for language, words in _OTHERS.items()}


def other_language(text: str) -> str | None:
    """What a text is in, if it is clearly not English: the name of a language, or "another script"."""
    sample = text[:_SAMPLE]
    letters = [letter for letter in sample if letter.isalpha()]
    foreign = sum(not _is_latin(letter) for letter in letters)
    if foreign > _FOREIGN_SHARE * len(letters):
        return "another script"
    words = Counter(_WORD.findall(sample.lower()))
    english = sum(words[word] for word in _ENGLISH)
    hits = {language: sum(words[word] for word in known) for language, known in _WORDS.items()}
    language = max(hits, key=lambda name: hits[name])
    unlike = sum(word in words for word in _WORDS[language])  # a song may repeat one word
    if hits[language] >= _LEAST and unlike > 1 and hits[language] > 2 * english:
        return language
    return None


def _is_latin(letter: str) -> bool:
    """Whether a letter is Latin, in the blocks that living languages use."""
    return letter < "\u0250" or "\u1e00" <= letter <= "\u1eff"
