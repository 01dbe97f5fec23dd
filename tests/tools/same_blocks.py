# SPDX-License-Identifier: MIT
"""What a block of the documents names (options, members, functions, programs), and whether the test
that runs the same names it as well: an option that was renamed in one place only is found."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
# Not what is tested: the machine around it.
AROUND = {"apt", "apt-get", "cat", "cd", "cp", "curl", "install", "mkdir", "systemctl", "tee",
          "umask"}
SETTINGS = {"json": r'"(\w+)"\s*:', "ini": r"^\s*([a-z][\w-]*)", "sql": r"\b(\w+_\w+)\b",
            "yaml": r"^[\s-]*(\w+_\w+):"}


def of_shell(text: str) -> set[str]:
    found = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", text))
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        words = re.sub(r"^\s*sudo (-u \w+ )?", "", line).split()
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        if not words or words[0] in AROUND:
            continue
        if words[0] == "keyringctl":
            found |= set(words[1:3] if words[1] == "slot" else words[1:2])
        elif re.fullmatch(r"[\w./-]+", words[0]):
            found.add(pathlib.Path(words[0]).stem)
    return found - AROUND


def names_of(language: str, text: str) -> set[str]:
    text = re.sub(r"(^|\s)#.*", "", text)
    if language in SETTINGS:
        return set(re.findall(SETTINGS[language], text, re.M))
    return of_shell(text)


def imported(path: pathlib.Path, text: str) -> set[pathlib.Path]:
    """The modules of ours that a module imports, and what pytest adds."""
    found = {above / "conftest.py" for above in path.parents if TESTS in (above, *above.parents)}
    for package, names in re.findall(r"^(?:from ([\w.]+) )?import (\([^)]*\)|[^\n(]+)", text,
                                     re.M):
        for name in re.findall(r"\w+", names):
            for base in (path.parent, TESTS):
                place = base / package.replace(".", "/")
                found |= {place / f"{name}.py", pathlib.Path(f"{place}.py")}
    return {module for module in found if module.is_file()}


def source_of(path: pathlib.Path, seen: set[pathlib.Path] | None = None) -> str:
    """The text of a test, and of what it imports from the tests."""
    seen = set() if seen is None else seen
    if path in seen:
        return ""
    seen.add(path)
    text = path.read_text()
    if path.suffix != ".py":
        return text
    return text + "".join(source_of(module, seen) for module in sorted(imported(path, text)))


def missing_names(language: str, text: str, source: str) -> set[str]:
    source = source.replace("\\n", " ").replace("-", "_")  # "\\n" in a string, too.

    def is_there(name: str) -> bool:
        word = re.escape(name.lstrip("-").replace("-", "_"))
        return re.search(rf"(?<![A-Za-z0-9]){word}(?![A-Za-z0-9])", source) is not None
    return {name for name in names_of(language, text) if not is_there(name)}
