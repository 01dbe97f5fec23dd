# SPDX-License-Identifier: MIT
"""Who may talk to whom: certificates of both sides, on a real server and on the fake one."""

import pytest
from lab.certificates import Authority
from lab.kmip_emulator import KmipEmulator
from lab.pykmip import PyKmip

from client import Refused

MAKERS = {"pykmip": PyKmip, "emulator": KmipEmulator}


def refusal(tool, port, files, **options) -> Refused:
    with pytest.raises(Refused) as refused:
        tool.open([port], files, **options).query()
    return refused.value


def test_a_server_of_another_authority_is_refused(server, tool, directory):
    files = server.client_files() | {"server_ca": str(Authority(directory / "other").certificate)}
    refused = refusal(tool, server.port, files)
    assert refused.code == "Misconfigured"
    assert "server_ca" in refused.message and "tls_peer_verification" not in refused.message


@pytest.mark.parametrize("which", ["server_of_another_host", "expired_server"])
def test_a_server_with_a_wrong_certificate_is_refused(kind, which, servers, tool, directory):
    authority = servers[kind].authority
    certificate = getattr(authority, which)(f"{kind}-{which}")
    with MAKERS[kind](directory / "server", authority, certificate=certificate).start() as bad:
        refused = refusal(tool, bad.port, servers[kind].client_files())
        assert refused.code == "Misconfigured"
        if which == "expired_server":
            assert "expired" in refused.message
        else:
            assert "tls_hostname_verification" in refused.message
            tool.open([bad.port], servers[kind].client_files(), verify_host=False).query()


def test_a_client_of_another_authority_is_refused(server, tool, directory):
    own = Authority(directory / "other").client("intruder")
    files = server.client_files() | {"client_ca": str(own.certificate), "client_key": str(own.key)}
    refused = refusal(tool, server.port, files)
    assert refused.code == "Misconfigured"
    assert str(own.certificate) in refused.message


def test_no_client_certificate_is_refused(server, tool):
    files = {"server_ca": server.client_files()["server_ca"]}
    refused = refusal(tool, server.port, files)
    assert refused.code == "Misconfigured"
    assert "client_ca" in refused.message


def test_a_version_of_tls_that_is_too_old_is_refused(servers, tool):
    real = servers["pykmip"]  # It speaks 1.2 only.
    assert tool.open([real.port], real.client_files()).query()
    refused = refusal(tool, real.port, real.client_files(), tls_min_version="1.3")
    assert refused.code == "Misconfigured"
    assert "tls_min_version" in refused.message


def test_the_host_may_be_a_name(server, tool):
    tool.open([server.port], server.client_files(), host="localhost").query()
