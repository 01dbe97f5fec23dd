# SPDX-License-Identifier: MIT
"""tools/check_source finds what is planted, and is not fooled by comments, literals or methods."""

import pathlib
import subprocess

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_source"
SPDX = "// SPDX-License-Identifier: MIT\n"


def run(root: pathlib.Path, files: dict[str, str]):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([TOOL, "--root", root], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


FORBIDDEN = [
    ("environment", 'auto x = getenv("A");'),
    ("environment", 'std::getenv("A");'),
    ("environment", 'setenv("A", "b", 1);'),
    ("exit", "std::abort();"),
    ("exit", "::_exit(1);"),
    ("file", "int fd = open(path, 0);"),
    ("file", "std::ofstream out(path);"),
    ("file", "rename(a, b);"),
    ("file", "::unlink(a);"),
    ("random", "RAND_bytes(p, 16);"),
    ("random", "std::random_device device;"),
    ("sleep", "usleep(10);"),
    ("sleep", "std::this_thread::sleep_for(x);"),
    ("clock", "auto t = std::chrono::steady_clock::now();"),
    ("clock", "auto t = time(nullptr);"),
    ("signal", "signal(SIGPIPE, SIG_IGN);"),
    ("signal", "sigaction(1, &a, nullptr);"),
    ("process", "if (fork() == 0) return;"),
    ("process", "posix_spawn(&p, a, b, c, d, e);"),
    ("detach", "thread.detach();"),
    ("print", 'std::cerr << "x";'),
    ("print", 'fprintf(stderr, "x");'),
    ("throw", "throw 1;"),
    ("catch", "try { F(); } catch (...) {}"),
    ("memcmp", "memcmp(a, b, 3);"),
    ("memory", "mlock(p, 4096);"),
    ("regex", "std::regex r;"),
    ("namespace", "using namespace std;"),
    ("threads", "gmtime(&t);"),
]


@pytest.mark.parametrize("rule, line", FORBIDDEN)
def test_a_forbidden_call_is_found(tmp_path, rule, line):
    code, text = run(tmp_path, {"src/keyring/x.cc": f"{SPDX}void F() {{\n  {line}\n}}\n"})
    assert code == 1
    assert "src/keyring/x.cc:3: " in text and f"[{rule}]" in text, text


@pytest.mark.parametrize("line", [
    "// getenv(\"A\") would be wrong\n",
    "/* std::abort();\n throw */\n",
    'auto text = "open(file) throw std::cout";\n',
    'auto text = R"(fork() "quoted" throw)";\n',
    "files.open(path); clock->time(1); Other::exit(2);\n",
    "reopen(1); my_printf_error(1); snprintf(b, 1, x); my_time(3);\n",
    "const int million = 1'000'000; const char q = '\"'; const int k = 2'0;\n",
])
def test_what_only_looks_like_it_is_not_found(tmp_path, line):
    code, text = run(tmp_path, {"src/keyring/x.cc": SPDX + line})
    assert code == 0, text


def test_a_call_after_an_odd_literal_is_still_found(tmp_path):
    text = SPDX + "char q = '\"'; int n = 1'000; char s = '\\'';\nvoid F() { throw 1; }\n"
    code, out = run(tmp_path, {"src/keyring/x.cc": text})
    assert code == 1 and "src/keyring/x.cc:3: throw" in out


def test_the_os_layer_may_touch_the_world(tmp_path):
    code, text = run(tmp_path, {"src/os/x.cc": SPDX + 'auto a = getenv("A"); int fd = open(a, 0);\n'})
    assert code == 0, text


def test_tests_may_open_files_but_not_sleep(tmp_path):
    fine = {"src/os/x_test.cc": SPDX + "int fd = open(a, 0);\n"}
    assert run(tmp_path, fine)[0] == 0
    code, text = run(tmp_path, {"testing/x.cc": SPDX + "void F() { usleep(1); }\n"})
    assert code == 1 and "[sleep]" in text


def test_a_missing_license_line_is_found(tmp_path):
    code, text = run(tmp_path, {"src/os/x.cc": "int x;\n", "dev": "#!/bin/sh\n", "a.py": "\n"})
    assert code == 1
    assert all(f"{name}:1: no line" in text for name in ("src/os/x.cc", "dev", "a.py"))


@pytest.mark.parametrize("text, reason", [
    ("see /wo" + "rk/main/x", "a path of one machine"),
    ("see /ro" + "ot/x", "a path of one machine"),
    ("TO" + "DO: later", "unfinished work"),
    ("FIX" + "ME", "unfinished work"),
])
def test_text_that_must_not_be_there_is_found(tmp_path, text, reason):
    code, out = run(tmp_path, {"docs/x.md": f"fine\n{text}\n"})
    assert code == 1 and "docs/x.md:2: " in out and reason in out


def test_a_long_file_is_found(tmp_path):
    code, text = run(tmp_path, {"src/os/x.cc": SPDX + "int x;\n" * 301})
    assert code == 1 and "302 lines" in text


def test_a_long_function_is_a_warning_only(tmp_path):
    body = "  F();\n" * 70
    code, text = run(tmp_path, {"src/os/x.cc": f"{SPDX}namespace n {{\n\nvoid G(int a) {{\n{body}}}\n}}\n"})
    assert code == 0
    assert "src/os/x.cc:4: warning: a function of 72 lines" in text


def test_an_exemption_that_is_not_needed_is_reported(tmp_path):
    code, text = run(tmp_path, {"src/base/secret_arena.cc": SPDX})
    assert code == 1 and "the exemption for memory" in text


def test_an_empty_tree_is_not_a_success(tmp_path):
    assert run(tmp_path, {})[0] == 1
