# SPDX-License-Identifier: MIT
"""PyKMIP's client, an independent one, on both servers: it checks what ours is used to, the emulator first of all."""

import itertools

import pytest
from kmip.core import enums
from kmip.pie import exceptions, objects
from kmip.pie.client import ProxyKmipClient

KEY = bytes(range(32))
MASKS = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]
VERSIONS = [enums.KMIPVersion.KMIP_1_0, enums.KMIPVersion.KMIP_1_2, enums.KMIPVersion.KMIP_1_4, enums.KMIPVersion.KMIP_2_0]
_users = itertools.count()


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def pykmip_client(request, server):
    files = server.client_files(f"pykmip-user{next(_users)}")
    with ProxyKmipClient(hostname="127.0.0.1", port=server.port, cert=files["client_ca"], key=files["client_key"],
                         ca=files["server_ca"], ssl_version="PROTOCOL_TLSv1_2", kmip_version=request.param) as client:
        yield client


def refused(call, *arguments) -> bool:
    try:
        call(*arguments)
    except exceptions.KmipOperationFailure:
        return True
    return False


def test_a_key_lives_and_ends(pykmip_client):
    id = pykmip_client.register(objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 256, KEY, masks=MASKS, name="k"))
    got = pykmip_client.get(id)
    assert got.value == KEY and got.cryptographic_length == 256
    pykmip_client.activate(id)
    assert refused(pykmip_client.destroy, id)
    pykmip_client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, id)
    pykmip_client.destroy(id)
    assert refused(pykmip_client.get, id)


def test_a_secret_comes_back(pykmip_client):
    id = pykmip_client.register(objects.SecretData(b"hush", enums.SecretDataType.PASSWORD, name="s"))
    assert pykmip_client.get(id).value == b"hush"


def test_the_server_makes_keys(pykmip_client):
    id = pykmip_client.create(enums.CryptographicAlgorithm.AES, 256, name="made there", cryptographic_usage_mask=MASKS)
    assert len(pykmip_client.get(id).value) == 32


def test_attributes_are_told(pykmip_client):
    id = pykmip_client.register(objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 256, KEY, masks=MASKS, name="k"))
    _, attributes = pykmip_client.get_attributes(id, ["State", "Name", "Cryptographic Length"])
    values = {one.attribute_name.value: one.attribute_value for one in attributes}
    assert values["State"].value == enums.State.PRE_ACTIVE
    assert values["Name"].name_value.value == "k"
    assert values["Cryptographic Length"].value == 256
    assert {"State", "Name", "Initial Date"} <= set(pykmip_client.get_attribute_list(id))


def test_locate_pages_where_the_version_can(pykmip_client):
    ids = [pykmip_client.register(objects.SymmetricKey(enums.CryptographicAlgorithm.AES, 256, KEY, masks=MASKS, name=f"k{i}"))
           for i in range(5)]
    assert sorted(pykmip_client.locate()) == sorted(ids)
    assert len(pykmip_client.locate(maximum_items=2)) == 2
    if pykmip_client.kmip_version in (enums.KMIPVersion.KMIP_1_4, enums.KMIPVersion.KMIP_2_0):
        assert len(pykmip_client.locate(offset_items=2)) == 3
