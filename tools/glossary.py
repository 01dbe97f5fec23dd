# SPDX-License-Identifier: MIT
"""Words that this project does not use, and what it says instead. tools/check_source looks for them
everywhere."""

import re

# word, pattern, what to write instead. Looked for in sources, documents, tests and tools, comments
# and messages included.
_WORDS: list[tuple[str, str, str]] = [
    ("folder", r"folders?(?![a-z])", "directory"),
    ("anew", r"\banew\b", "again, rewritten"),
    ("mend", r"\bmend(?:s|ed|ing)?\b|\bMend(?=[A-Z])", "fix, repair"),
    ("for ever", r"\bfor~ever\b", "permanently"),
    ("is there twice", r"\bthere~twice\b", "duplicate"),
    (
        "can't",
        r"\b(?:can|don|doesn|didn|isn|aren|wasn|won|haven|hasn|shouldn|couldn|wouldn)'t\b",
        "the long form: cannot, do not",
    ),
    ("a text", r"\b[Aa]~text\b(?! file| editor)", "a string"),
    ("blank", r"\bblanks?\b", "whitespace, a space, an empty line"),
    ("readable by everybody", r"\b(?:readable~by|open~to)~everybody\b", "world-readable"),
    (
        "is no",
        r"(?<!there\s)\b(?:is|are|was)~no~"
        r"(?!longer\b|more\b|such\b|other\b|less\b|better\b)(?=[a-z])",
        "is not a, unknown, invalid",
    ),
    ("the same.", r"(?<=[.:/] )The same\.", "a sentence with a subject"),
    ("those of", r"\bThose of [^.]{1,40}\.", "a sentence with a subject"),
    ("goes on", r"\b(?:goes|go|went)~on~[a-z]+ing\b", "continues to"),
    ("way back", r"\bway~back\b", "return, downgrade"),
    ("somewhere else", r"\bsomewhere~else~than\b", "apart from, outside"),
    ("wants", r"\bis~what [a-z ]{1,30} wants\b", "what it needs"),
]
# At the start of a sentence only; and TEXT is a type of SQL.
_EXACT_CASE = {"those of", "the same.", "a text"}
_GAP = r"(?: |\s*\n\s*(?:// |# )?)"  # What ~ stands for: lines are wrapped, in comments too.
WORDS = [(name, re.compile(pattern.replace("~", _GAP), 0 if name in _EXACT_CASE else re.I), instead)
         for name, pattern, instead in _WORDS]

# Where a word may stand: files that are about the words themselves.
ABOUT_WORDS = {"tools/glossary.py", "tests/tools/test_check_source.py"}

# Path prefix -> words that it is not clean of yet. A word that is not needed any more is reported:
# take it out.
_NOT_YET: dict[str, list[str]] = {
    "docs/errors.md": ["can't"],  # A message of MySQL's own.
}
NOT_YET = {(word, prefix) for prefix, words in _NOT_YET.items() for word in words}


def uses(name: str, text: str):
    """(word, position, what was found, what to write instead) for each use in the file `name`."""
    if name in ABOUT_WORDS:
        return
    for word, pattern, instead in WORDS:
        for found in pattern.finditer(text):
            yield word, found.start(), " ".join(found.group().split()), instead
