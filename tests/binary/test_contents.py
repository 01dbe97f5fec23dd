# SPDX-License-Identifier: MIT
"""What is in the built libraries: symbols, needed libraries, hardening, initializers, size."""

import re
import shutil
import subprocess

import pytest

from products import BINUTILS, ROOT, libcurl_directory

# Besides these a server has nothing to load: it has loaded them itself.
ALLOWED_LIBRARIES = {"libcrypto.so.3", "libssl.so.3", "libgcc_s.so.1",
                     "libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
# What Enterprise Linux 9 has, and so the official images of MySQL and Percona.
NEWEST_VERSIONS = {"GLIBC": (2, 34), "OPENSSL": (3, 0, 0), "GCC": (11,)}
MOST_BYTES = 2_000_000  # Stripped. MariaDB's own plugin has 4.7 MB.

# Functions that may run when the library is loaded, before anybody calls it: the compiler's own,
# and those that only fill tables which are too odd for the compiler to fill (the server's variable
# declarations).
HARMLESS_INITIALIZERS = {
    "frame_dummy",
    # The C++ library's own: memory for exceptions (given back at the end), and error categories.
    "_GLOBAL__sub_I_eh_alloc.cc",
    "_GLOBAL__sub_I_system_error.cc",
    "init_have_lse_atomics",  # The compiler's own on arm64: asks the C library what the CPU can do.
    *(
        f"_GLOBAL__sub_I_{maker}_{kind}.cc"
        for maker in ("aws", "kmip")
        for kind in ("variables", "status")
    ),
}


def test_exported_symbols_equal_the_list(product):
    found = {
        line.split()[-1].split("@")[0]
        for line in product.tool("nm", "-D", "--defined-only").splitlines()
    }
    assert found == set(product.symbols())


def test_needed_libraries_are_allowed(product):
    needed = set(re.findall(r"\[(.*?)\]", "\n".join(product.dynamic("NEEDED"))))
    assert "libc.so.6" in needed
    assert needed <= (
        ALLOWED_LIBRARIES if libcurl_directory() else ALLOWED_LIBRARIES | {"libcurl.so.4"}
    )


def test_it_loads_where_the_system_libraries_are_of_enterprise_linux_9(product):
    found = re.findall(r"\b([A-Z]+)_(\d+(?:\.\d+)+)\b", product.tool("readelf", "-VW"))
    assert {name for name, _ in found} <= set(NEWEST_VERSIONS)
    for name, version in found:
        assert tuple(map(int, version.split("."))) <= NEWEST_VERSIONS[name], f"{name}_{version}"


def test_libcurl_is_inside_and_meets_no_other(product):
    """That of another plugin, or of the server, may be of any version and is none of ours."""
    if libcurl_directory() is None:
        pytest.skip("built with the system's libcurl, since no source or OPENKEYRING_CURL=shared")
    speaks_http = "kmip" not in product.name
    assert bool(re.search(r" t curl_multi_perform$", product.tool("nm"), re.M)) == speaks_http
    linked_at_load = product.tool("nm", "-D")
    assert "SSL_CTX_new" in linked_at_load
    assert "curl" not in linked_at_load.lower()


def test_relocations_are_read_only_and_bound_at_load(product):
    segments = product.tool("readelf", "-lW")
    assert "GNU_RELRO" in segments
    assert any("BIND_NOW" in value or "NOW" in value
               for value in product.dynamic("FLAGS") + product.dynamic("FLAGS_1"))
    assert not product.dynamic("TEXTREL")
    assert not any("TEXTREL" in value for value in product.dynamic("FLAGS"))


def test_indirect_calls_and_returns_can_be_checked_by_the_cpu(product):
    """Each exported function starts where an indirect call may go: at endbr64 on x86-64; on arm64
    at bti, or where the return address is signed. The mark IBT or BTI of the library depends on the
    C library's start files too, which Debian 12 builds without it."""
    x86 = "X86-64" in product.tool("readelf", "-hW")
    landing = "endbr64" if x86 else r"(?:bti\s+j?c|paciasp)"
    functions = re.findall(r"^([0-9a-f]+) T (\S+)", product.tool("nm", "--defined-only"), re.M)
    code = product.tool("objdump", "-d", "--no-show-raw-insn", "-j", ".text")
    exported = [name for _, name in functions if name in product.symbols()]
    for name in exported:
        start = rf"<{re.escape(name)}>:\n\s*[0-9a-f]+:\s+{landing}"
        assert re.search(start, code), name
    assert len(re.findall(landing, code)) > 100


# How a function of more than a page on the stack touches each of its pages.
PROBES = {True: r"or[bwlq]\s+\$0x0,\(%rsp\)", False: r"str\s+xzr, \[sp"}


def test_large_frames_touch_each_page_and_copies_are_measured(product):
    x86 = "X86-64" in product.tool("readelf", "-hW")
    assert re.search(PROBES[x86], product.tool("objdump", "-d", "--no-show-raw-insn"))
    assert re.search(r" U __\w+_chk\b", product.tool("nm", "-D"))


def test_the_libcurl_inside_is_hardened_like_our_code():
    if libcurl_directory() is None:
        pytest.skip("built with the system's libcurl")
    library, = libcurl_directory().rglob("libcurl.a")
    code = subprocess.run([f"{BINUTILS}objdump", "-d", "--no-show-raw-insn", library], text=True,
                          capture_output=True, check=True).stdout
    x86 = "x86-64" in code
    assert re.search(PROBES[x86], code)
    assert len(re.findall("endbr64" if x86 else r"bti\s+j?c|paciasp", code)) > 100


def test_bounds_of_the_cpp_library_are_checked(product):
    assert "__glibcxx_assert_fail" in product.tool("nm", "-C")


def test_the_stack_is_not_executable(product):
    line = re.search(r"GNU_STACK.*", product.tool("readelf", "-lW")).group()
    assert re.search(r"\bRW\b", line) and "E" not in line.split()[-2]


def test_no_search_path_is_built_in(product):
    assert not product.dynamic("RPATH") and not product.dynamic("RUNPATH")


def test_nothing_runs_when_it_is_loaded(product):
    assert set(initializers(product)) <= HARMLESS_INITIALIZERS


def initializers(product) -> list[str]:
    """Names of the functions in .init_array, by the relocations that fill it."""
    section = re.search(
        r"\.init_array\s+INIT_ARRAY\s+(\w+)\s+\w+\s+(\w+)", product.tool("readelf", "-SW")
    )
    if not section:
        return []
    start, size = (int(word, 16) for word in section.groups())
    names = {int(line.split()[0], 16): line.split()[2]
             for line in product.tool("nm", "-a").splitlines() if len(line.split()) == 3}
    found = []
    for offset, target in re.findall(
        r"^(\w+)\s+\w+\s+R_\w+_RELATIVE\s+(\w+)", product.tool("readelf", "-rW"), re.M
    ):
        if start <= int(offset, 16) < start + size:
            found.append(names.get(int(target, 16), f"a function at {target}"))
    assert len(found) == size // 8
    return found


def test_it_is_small_and_names_no_directory_of_the_build_machine(
    product, tmp_path, record_property
):
    stripped = tmp_path / product.path.name
    shutil.copy(product.path, stripped)
    subprocess.run([f"{BINUTILS}strip", "--strip-unneeded", stripped], check=True)
    content = stripped.read_bytes()
    record_property("stripped_bytes", len(content))
    print(f"{product.name}: {len(content)} bytes stripped")
    assert len(content) <= MOST_BYTES
    assert str(ROOT).encode() not in content
