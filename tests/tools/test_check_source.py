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
    code, text = run(
        tmp_path, {"src/os/x.cc": SPDX + 'auto a = getenv("A"); int fd = open(a, 0);\n'}
    )
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
    code, text = run(tmp_path, {"src/os/x.cc": SPDX + "int x;\n" * 450})
    assert code == 1 and "src/os/x.cc:1: 451 lines" in text


def test_a_long_test_is_no_problem(tmp_path):
    assert run(tmp_path, {"src/os/x_test.cc": SPDX + "int x;\n" * 450})[0] == 0


def function(lines: int, head: str = "void G(int a)") -> str:
    return f"{SPDX}namespace n {{\n\n{head} {{\n" + "  F();\n" * (lines - 2) + "}\n}\n"


@pytest.mark.parametrize("head", ["void G(int a)", "template <typename T>\nint C::G(T a) const"])
@pytest.mark.parametrize("directory", ["src/os", "testing", "emulators/kms"])
def test_a_long_function_is_found(tmp_path, directory, head):
    lines = 46 - head.count("\n")
    code, text = run(tmp_path, {f"{directory}/x.cc": function(lines, head)})
    assert code == 1
    assert f"{directory}/x.cc:4: G has 46 lines; 45 is the most" in text


def test_a_function_of_45_lines_is_fine(tmp_path):
    code, text = run(tmp_path, {"src/os/x.cc": function(45)})
    assert code == 0, text


@pytest.mark.parametrize("call", ["SystemClock()", "PosixFileSystem()",
                                  "ProcessEnvironment()", "SystemRandom()",
                                  "openkeyring::SystemClock()"])
def test_the_world_is_met_only_where_a_product_is_composed(tmp_path, call):
    text = f"{SPDX}void F() {{\n  Use({call});\n}}\n"
    for allowed in ("src/product/x/x.cc", "src/os/x.cc", "src/cli/x.cc"):
        assert run(tmp_path, {allowed: text})[0] == 0
    for layer in ("server/mysql/x", "storage/x", "keyring", "net"):
        code, out = run(tmp_path, {f"src/{layer}/x.cc": text})
        assert code == 1 and f"src/{layer}/x.cc:3: " in out and "[world]" in out


LANGUAGE = [
    ("the folder of the file", "folder"),
    ("SKIPPED_FOLDERS", "FOLDERS"),
    ("it is written anew", "anew"),
    ("this mends it", "mends"),
    ("MendFile(path)", "Mend"),
    ("kept for ever", "for ever"),
    ("kept for\n// ever", "for // ever"),
    ("the option is there twice", "there twice"),
    ("it can't be read", "can't"),
    ("that is a text of 10 bytes", "a text"),
    ("a line of blanks", "blanks"),
    ("the file is readable by everybody", "readable by everybody"),
    ("this is no JSON", "is no"),
    ("x; // The same.", "The same."),
    ("Those of MySQL.", "Those of MySQL."),
    ("the server goes on serving", "goes on serving"),
    ("so that the way back stays", "way back"),
]


@pytest.mark.parametrize("text, found", LANGUAGE)
@pytest.mark.parametrize("name", ["src/x/y.cc", "docs/x.md", "dev"])
def test_a_word_that_is_not_used_here_is_found(tmp_path, name, text, found):
    code, out = run(tmp_path, {name: f"# {SPDX}\n{text}\n"})
    assert code == 1
    assert f'{name}:3: "{found}": write ' in out and "[language]" in out, out


@pytest.mark.parametrize("text", [
    "there is no key of that name, and there\nis no "
    "other", "it is no longer valid", "a text file", "a TEXT column",
    "the same. Next", "compare it to those of "
                      "MySQL.", "recommend, amend", "candor's; cant", "forever",
])
def test_an_ordinary_word_is_not_found(tmp_path, text):
    code, out = run(tmp_path, {"docs/x.md": text + "\n"})
    assert code == 0, out


def test_an_exemption_that_is_not_needed_is_reported(tmp_path):
    code, text = run(tmp_path, {"src/base/secret_arena.cc": SPDX})
    assert code == 1 and "the exemption for memory" in text


def test_an_empty_tree_is_not_a_success(tmp_path):
    assert run(tmp_path, {})[0] == 1
