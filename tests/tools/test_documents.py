# SPDX-License-Identifier: MIT
"""Every link in the documents leads to a file, and to a heading or an anchor that it has. The
guides have the same chapters, and something runs, or at least parses, each block of commands."""

import configparser
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from document_blocks import BLOCKS, LAYOUT, OTHER_NAMES, OUTPUT, PARSED, RUN, SAME
from same_blocks import missing_names, names_of, source_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "emulators/*/*.md", "tests/*.md", "testvectors/**/*.md")
    for page in ROOT.glob(pattern)
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
GUIDES = ["aws_key_management", "kmip_key_management", "component_keyring_kms",
          "component_keyring_kmip", "keyring_aws"]
CHAPTERS = ["Install", "Configure", "Operate", "Rotate", "Back up and restore", "Monitor",
            "Troubleshoot", "Migrate in and back", "Limits"]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.S | re.M)


def prose(page: pathlib.Path) -> str:
    """Without code blocks."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.S | re.M)


def anchors(page: pathlib.Path) -> set[str]:
    text = prose(page)
    found = set(re.findall(r'<a id="([^"]+)"', text))
    for title in re.findall(r"^#+ (.*)$", text, re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()
        found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def links(page: pathlib.Path) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page))
            if not re.match(r"[a-z]+:", link)]


def wrong_links(page: pathlib.Path) -> list[str]:
    wrong = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            wrong.append(link)
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            wrong.append(link)
    return wrong


def chapters(text: str) -> list[str]:
    return re.findall(r"^## (.*)$", re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M), re.M)


def blocks(text: str) -> list[tuple[str, str]]:
    """(language, content without the indentation of a list) of each fenced block."""
    return [(language, re.sub(rf"^{indent}", "", content, flags=re.M))
            for indent, language, content in BLOCK.findall(text)]


def wrong_blocks(found: list[tuple[str, str]], described) -> list[str]:
    wrong = []
    for number, (_, content) in enumerate(found):
        first = content.strip().splitlines()[0].strip()
        if number >= len(described) or not first.startswith(described[number][0]):
            wrong.append(f"block {number + 1} is not described: {first}")
    return wrong + [f"there is no block: {entry[0]}" for entry in described[len(found):]]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page):
    assert wrong_links(page) == []


def test_a_wrong_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# The *first* `part`\n[a](page.md#the-first-part) [b](#second) [c](none.md)\n"
        "[d](http://x)\n```\n[e](code.md)\n```\n"
    )
    assert wrong_links(page) == ["#second", "none.md"]


@pytest.mark.parametrize("guide", GUIDES)
def test_each_guide_has_the_same_chapters(guide):
    text = (ROOT / f"docs/{guide}.md").read_text()
    assert chapters(text) == CHAPTERS
    for chapter in CHAPTERS:
        body = re.search(rf"^## {chapter}\n(.*?)(?=^## |\Z)", text, re.S | re.M)[1]
        assert len(body.split()) > 15, f"{chapter} says nothing"


def test_the_index_has_every_document():
    index = ROOT / "docs/README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {index}
    assert pages - linked == set()
    assert "docs/README.md" in links(ROOT / "README.md")


def test_each_guide_is_one_place_for_each_fact():
    """No paragraph of some length stands in two guides."""
    seen = {}
    for guide in GUIDES:
        text = re.sub(r"^ *```.*?^ *```", "", (ROOT / f"docs/{guide}.md").read_text(),
                      flags=re.S | re.M)
        for paragraph in re.split(r"\n\n|\n(?=[*|-] )", text):
            words = " ".join(paragraph.split())
            if len(words) > 260:
                assert seen.setdefault(words, guide) == guide, words
    assert len(seen) > 50


@pytest.mark.parametrize("name", [
    "README.md", "docs/component_keyring_kms.md", "docs/keyring_aws.md",
    "packaging/examples/mysql/keyring_aws.cnf"])
def test_the_directory_of_the_keyring_is_made_before_it_is_named(name):
    """The server's user cannot make it in /var/lib."""
    before, made, _ = (ROOT / name).read_text().partition(
        "install -d -o mysql -g mysql -m 750 /var/lib/mysql-keyring\n")
    assert made and "[mysqld]" not in before


@pytest.mark.parametrize("name", [*NAMES, *sorted(set(BLOCKS) - set(NAMES))])
def test_every_block_says_what_runs_it(name):
    described = BLOCKS.get(name, [])
    assert wrong_blocks(blocks((ROOT / name).read_text()), described) == []
    for start, how, where in described:
        if how == SAME:
            assert all((ROOT / one).is_file() for one in where.split()) and where
        elif how in (RUN, OUTPUT):
            test = (ROOT / where).read_text()
            assert pathlib.Path(name).name in test, f"{where} does not read {name}"
        else:
            assert how in (PARSED, LAYOUT) and bool(where) == (how == PARSED), start


def same_blocks() -> list[tuple[str, str, str, str, str]]:
    return [(name, start, language, text, where) for name, described in BLOCKS.items()
            for (language, text), (start, how, where) in zip(
                blocks((ROOT / name).read_text()), described) if how == SAME]


@pytest.mark.parametrize("name,start,language,text,where", same_blocks())
def test_what_runs_the_same_names_what_the_block_names(name, start, language, text, where):
    source = "".join(source_of(ROOT / one) for one in where.split())
    assert missing_names(language, text, source) == set(OTHER_NAMES.get((name, start), ()))


def test_a_name_that_only_the_block_has_is_found():
    shell = ("sudo -u mysql keyringctl slot list --check  # --nothing\n"
             "A=1 /bin/mysqld --x-y=1 \\\n  --z\n")
    assert names_of("sh", shell) == {"slot", "list", "--check", "mysqld", "--x-y", "--z"}
    source = 'tool.run("slot", "list", "--check"); "mysqld --loose-x_y" "--zz"'
    assert missing_names("sh", shell, source) == {"--z"}
    assert missing_names("json", '{ "a": {"b_c": 1} }', "a=1, b_c_d=2, b-c=3") == set()
    assert missing_names("ini", "[x]\na-b=1\nc=2 # d=3", "a_b") == {"c"}
    assert {where for *_, where in same_blocks()} and all(
        any((name, start) == (page, first) for page, first, *_ in same_blocks())
        for name, start in OTHER_NAMES)


def test_a_block_that_is_not_described_is_found():
    text = "```sh\nls\n```\n1. a list\n\n   ```json\n   {}\n   ```\n"
    assert blocks(text) == [("sh", "ls\n"), ("json", "{}\n")]
    assert wrong_blocks(blocks(text), [("ls", RUN, "")]) == ["block 2 is not described: {}"]
    assert wrong_blocks([], [("ls", RUN, "")]) == ["there is no block: ls"]


def parse(language: str, text: str) -> None:
    """An exception when the text is not of this language."""
    if language == "sh":
        done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
    elif language == "json":
        json.loads(text if text.lstrip()[0] in "{[" else f"{{{text}}}")
    elif language == "yaml":
        assert yaml.safe_load(text)
    elif language == "ini":
        reader = configparser.RawConfigParser(strict=False, interpolation=None)
        reader.read_string(text)
        assert reader.sections()
    elif language == "sql":
        assert text.rstrip().endswith(";") and text.count("(") == text.count(")")
    elif language == "dockerfile":
        for line in re.sub(r"\\\n", " ", text).splitlines():
            assert re.match(r"(FROM|COPY|ADD|RUN|USER|VOLUME) \S", line), line
    else:
        assert language in ("", "text"), f"no parser of {language}"


@pytest.mark.parametrize("name", [name for name in NAMES if name in BLOCKS])
def test_every_block_can_be_parsed(name):
    for language, content in blocks((ROOT / name).read_text()):
        parse(language, content)


@pytest.mark.parametrize("language, text", [
    ("sh", "if true; then"), ("json", '{"a": 1,}'), ("yaml", "a: b: c"), ("ini", "no section"),
    ("sql", "SELECT (1;"), ("dockerfile", "INSTALL x"), ("perl", "1"),
])
def test_a_block_that_cannot_be_parsed_is_found(language, text):
    with pytest.raises(Exception):
        parse(language, text + "\n")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_accepts_the_drop_in_of_the_guide(tmp_path):
    text, = (content for language, content in blocks((ROOT / "docs/packages.md").read_text())
             if language == "ini")
    (tmp_path / "mysql.service").write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / "mysql.service.d").mkdir()
    drop_in = tmp_path / "mysql.service.d/openkeyring.conf"

    def verify():
        return subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
             tmp_path / "mysql.service"], text=True, capture_output=True,
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
    drop_in.write_text(text)
    assert verify().stderr == ""
    drop_in.write_text(text + "TimeoutStartSec=long\n")
    assert "Failed to parse" in verify().stderr
    example = (ROOT / "packaging/examples/systemd/mysql.service.d/openkeyring.conf").read_text()
    for line in text.split():
        assert line in example.replace("#", "").split(), f"{line} is not in the packaged example"
