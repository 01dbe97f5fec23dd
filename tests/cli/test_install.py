# SPDX-License-Identifier: MIT
"""cmake --install: the program, its manual page, and completions that shells find."""

import os
import shutil
import subprocess

import ctl
import pytest

from lab.patience import seconds

SHARED = {
    "man": "usr/share/man/man1/keyringctl.1",
    "bash": "usr/share/bash-completion/completions/keyringctl",
    "zsh": "usr/share/zsh/site-functions/_keyringctl",
    "fish": "usr/share/fish/vendor_completions.d/keyringctl.fish",
}


@pytest.fixture
def installed(directory):
    """A root directory that the tool was installed into."""
    build = ctl.writer().parents[1]
    subprocess.run(["cmake", "--install", build, "--prefix", "/usr", "--component", "keyringctl"],
                   env={**os.environ, "DESTDIR": str(directory)}, check=True, timeout=seconds(60),
                   capture_output=True)
    return directory


def test_everything_is_where_it_is_looked_for(installed):
    found = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert found == {"usr/bin/keyringctl", *SHARED.values()}
    program = installed / "usr/bin/keyringctl"
    for name, path in SHARED.items():
        words = [name] if name == "man" else ["completion", name]
        printed = subprocess.run([program, *words], text=True, capture_output=True, check=True)
        assert (installed / path).read_text() == printed.stdout, "as the program prints it"


def test_bash_loads_the_completion_and_completes(installed):
    line = ["keyringctl", "check", "--login-f"]
    script = f""". '{installed / SHARED["bash"]}'
complete -p keyringctl
COMP_WORDS=({' '.join(line)}); COMP_CWORD={len(line) - 1}; COMP_LINE='{' '.join(line)}'
function=$(complete -p keyringctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
"$function" keyringctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "--norc", "-eu", "-c", script], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0 and done.stdout.splitlines()[1:] == ["--login-file"], done


def test_the_manual_page_is_of_its_section_and_without_a_complaint(installed):
    page = installed / SHARED["man"]
    assert page.read_text().startswith(".TH KEYRINGCTL 1 ")
    if not shutil.which("groff"):
        pytest.skip("there is no groff")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", page], text=True,
                          capture_output=True, check=True)
    assert done.stderr == "" and "keyringctl check" in done.stdout


def test_the_other_completions_are_for_the_program(installed):
    assert (installed / SHARED["zsh"]).read_text().startswith("#compdef keyringctl\n")
    assert "complete -c keyringctl" in (installed / SHARED["fish"]).read_text()
