# SPDX-License-Identifier: MIT
"""keyring_aws is installed, used and uninstalled a hundred times in one process, under
AddressSanitizer."""

import subprocess

import pytest

from lab import certificates, emulator, process
from lab.patience import seconds
from products import HERE, SANITIZING, Product

ROUNDS = 100


def test_a_hundred_installations_under_address_sanitizer(directory):
    authority = certificates.Authority(directory / "ca")
    own = authority.server()
    kms = emulator.Emulator(
        directory / "kms", options=["--tls-cert", own.certificate, "--tls-key", own.key]
    ).start()
    conf = directory / "conf"
    conf.write_text(f"{kms.ready['access_key_id']}\n{kms.ready['secret_access_key']}\n")
    conf.chmod(0o600)
    program = directory / "harness"
    subprocess.run(
        [
            *SANITIZING,
            "-g",
            HERE / "keyring_plugin_harness.c",
            "-o",
            program,
            "-ldl",
        ],
        check=True,
    )
    done = subprocess.run(
        [
            program,
            str(ROUNDS),
            Product("keyring_aws").asan_path,
            f"cmk_id={kms.alias}",
            f"conf_file={conf}",
            f"data_file={directory}/data/keys",
            f"region={kms.region}",
            f"endpoint_url={kms.url}",
        ],
        text=True,
        capture_output=True,
        check=False,
        timeout=seconds(300),
        env=process.bare_environment(
            directory,
            {"AWS_CA_BUNDLE": str(authority.certificate), "ASAN_OPTIONS": "detect_leaks=1"},
        ),
    )
    kms.stop()
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "ok\n"
    assert "Sanitizer" not in done.stderr


@pytest.mark.parametrize("version,accepted", [("8.0.21", False), ("8.0.22", True)])
def test_a_server_with_other_service_interfaces_is_refused(directory, version, accepted):
    """It stops before it calls any service; in the other server it stops at its options."""
    program = directory / "harness"
    subprocess.run(["cc", "-rdynamic", f'-DSERVER_VERSION="{version}"',
                    HERE / "keyring_plugin_harness.c", "-o", program, "-ldl"], check=True)
    done = subprocess.run(
        [program, "1", Product("keyring_aws").path, f"data_file={directory}/keys"],
        text=True, capture_output=True, check=False, timeout=seconds(60),
        env=process.bare_environment(directory, {}))
    assert done.returncode != 0
    assert ("is for 8.0.22 and later" in done.stderr) == (not accepted), done.stderr
    assert ("keyring_aws_cmk_id" in done.stderr) == accepted, done.stderr
