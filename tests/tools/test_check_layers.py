# SPDX-License-Identifier: MIT
"""tools/check_layers finds what is planted, and nothing in a clean tree."""

import pathlib
import subprocess

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers"


def header(name: str, *includes: str, body: str = "") -> str:
    guard = "OPENKEYRING_" + name.upper().replace("/", "_").replace(".", "_") + "_"
    lines = "".join(f"#include {include}\n" for include in includes)
    return f"#ifndef {guard}\n#define {guard}\n{lines}{body}\n#endif\n"


CLEAN = {
    **{
        f"src/{layer}/CMakeLists.txt": f"openkeyring_library({layer} SOURCES {sources})\n"
        for layer, sources in {
            "aws": "wrapper.cc client.cc x.cc",
            "keyring": "x.cc TESTS keyring_test.cc",
            "server": "shim.cc",
            "os": "file.cc",
            "base": "x.cc",
            "cli": "x.cc",
            "util": "x.cc",
            "storage": "sealed/x.cc kmip/x.cc file.cc",
            "product": "one/x.cc",
        }.items()
    },
    "docs/architecture.md": """# Architecture
| `src/keyring` | `key_wrapper`, `keyring`, `x` |
| `src/storage` | `file` |
| `src/storage/percona` | `format` |
| `src/storage/sealed` | `x` |
| `src/storage/kmip` | `x` |
| `src/product/two` | `options` |
| `src/product/one` | `x` |
| `src/server` | `shim` |

* A trip: `server/shim.cc` -> `keyring/keyring.h` ->
  `aws/kms_client.h`
""",
    **{
        f"src/{name}.cc": ""
        for name in ("keyring/x", "storage/sealed/x", "storage/kmip/x", "product/one/x")
    },
    "src/storage/file.h": header("storage/file.h"),
    "src/base/status.h": header("base/status.h", "<string>", "<sys/mman.h>", "<tl/expected.hpp>"),
    "src/os/clock.h": header("os/clock.h", '"base/status.h"'),
    "src/net/http.h": header("net/http.h", '"os/clock.h"', "<curl/curl.h>"),
    "src/keyring/key_wrapper.h": header("keyring/key_wrapper.h", '"base/status.h"', "<map>"),
    "src/aws/wrapper.cc": '#include "keyring/key_wrapper.h"\n#include "net/http.h"\n',
    "src/storage/percona/format.h": header("storage/percona/format.h"),
    "src/product/two/options.h": header("product/two/options.h"),
    "src/aws/kms_client.h": header("aws/kms_client.h"),
    "src/kmip/client.h": header("kmip/client.h", '"net/http.h"'),
    "src/keyring/keyring.h": header("keyring/keyring.h", '"keyring/key_wrapper.h"'),
    "src/keyring/keyring_test.cc": '#include <gtest/gtest.h>\n#include "testing/fakes.h"\n',
    "src/server/shim.cc": '#include "keyring/keyring.h"\n#include <mysql/plugin.h>\n',
}


def run(root: pathlib.Path, files: dict[str, str], *options: str):
    for name, text in {**CLEAN, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [TOOL, "--root", root, *options], text=True, capture_output=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_clean_tree_passes(tmp_path):
    code, text = run(tmp_path, {})
    assert code == 0, text


@pytest.mark.parametrize("name, include, reason", [
    ("src/os/file.cc", '"net/http.h"', "net lies above os"),
    ("src/keyring/x.cc", '"aws/kms_client.h"', "aws lies above keyring"),
    ("src/storage/sealed/x.cc", '"storage/percona/format.h"', "storage/sealed and storage/percona "
                                                              "do not see each other"),
    ("src/storage/file.cc", '"storage/percona/format.h"', "in a room of its own"),
    ("src/product/one/x.cc", '"product/two/options.h"', "product/one and product/two do not see "
                                                        "each other"),
    ("src/aws/client.cc", '"kmip/client.h"', "do not see each other"),
    ("src/keyring/x.cc", '"testing/fakes.h"', "does not know testing/"),
    ("src/keyring/x.cc", '"emulators/kms/emulator.h"', "does not know emulators/"),
    ("src/keyring/x.cc", '"fakes.h"', "no such file"),
    ("src/base/x.cc", "<openssl/evp.h>", "base includes only"),
    ("src/base/x.cc", "<nlohmann/json.hpp>", "base includes only"),
    ("src/aws/x.cc", "<curl/curl.h>", "only src/net"),
    ("src/keyring/x.cc", "<mysql/plugin.h>", "only src/server"),
    ("src/keyring/x.cc", "<gtest/gtest.h>", "tests only"),
    ("src/keyring/x.cc", "<base/status.h>", "with quotes"),
    ("src/cli/x.cc", '"server/host.h"', "no such file"),
])
def test_a_forbidden_include_is_found(tmp_path, name, include, reason):
    code, text = run(tmp_path, {name: f"// first\n#include {include}\n"})
    assert code == 1
    assert f"{name}:2: " in text and reason in text


def test_a_room_may_include_what_all_rooms_share(tmp_path):
    code, text = run(tmp_path, {"src/storage/sealed/x.cc": '#include "storage/format.h"\n',
                                "src/storage/format.h": header("storage/format.h"),
                                **document("`file`", "`file`, `format`")})
    assert code == 0, text


def test_a_source_that_is_in_no_list_is_found(tmp_path):
    code, text = run(tmp_path, {"src/keyring/forgotten.cc": "// empty\n"})
    assert (
        code == 1
        and "src/keyring/forgotten.cc:1: is not in the list of sources of src/keyring" in text
    )


def document(old: str = "", new: str = "") -> dict[str, str]:
    assert old in CLEAN["docs/architecture.md"]
    return {"docs/architecture.md": CLEAN["docs/architecture.md"].replace(old, new)}


@pytest.mark.parametrize("old, new, found", [
    ("`key_wrapper`, "
     "", "", "src/keyring/key_wrapper.h:1: is not described in docs/architecture.md"),
    ("| `src/storage` | `file` "
     "|\n", "", "src/storage/file.h:1: is not described in docs/architecture.md"),
    ("`file`", "`file`, `gone`", "docs/architecture.md:3: src/storage/gone does not exist"),
    ("keyring/keyring.h", "keyring/gone.cc", "src/keyring/gone.cc does not exist"),
    ("-> `keyring/keyring.h`", 6 * "-> `keyring/keyring.h` ", ""),
    ("-> `keyring/keyring.h`", 7 * "-> `keyring/keyring.h` "
                                   "", "a trip through 9 files; 8 is the most"),
])
def test_the_document_names_all_files_and_short_trips(tmp_path, old, new, found):
    code, text = run(tmp_path, document(old, new))
    assert (code == 1) == bool(found) and found in text, text


def test_a_wrong_include_guard_is_found(tmp_path):
    code, text = run(tmp_path, {"src/os/x.h": "#pragma once\n"})
    assert code == 1 and "OPENKEYRING_OS_X_H_" in text


def test_an_unknown_directory_is_found(tmp_path):
    code, text = run(tmp_path, {"src/util/x.cc": "\n"})
    assert code == 1 and "src/util is not a layer" in text


def test_a_header_that_leans_on_another_is_found_by_compiling_it(tmp_path):
    alone = {
        "src/base/status.h": header("base/status.h", "<string>"),
        "src/net/http.h": header("net/http.h"),
        "src/os/leaning.h": header("os/leaning.h", body="inline std::string Name() { return {}; }"),
    }
    assert run(tmp_path, alone)[0] == 0
    code, text = run(tmp_path, alone, "--headers")
    assert code == 1 and "src/os/leaning.h:1: does not compile on its own" in text
    assert text.count("does not compile") == 1


def test_an_empty_tree_is_not_a_success(tmp_path):
    (tmp_path / "src").mkdir()
    assert (
        subprocess.run([TOOL, "--root", tmp_path], capture_output=True, check=False).returncode == 1
    )
