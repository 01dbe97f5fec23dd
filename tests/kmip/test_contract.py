# SPDX-License-Identifier: MIT
"""What our client relies on, of a real server and of the fake one alike, in every version."""

import time

import pytest

from client import (ACTIVE, COMPROMISED, DEACTIVATED, OPAQUE, OPAQUE_FORMAT, PRE_ACTIVE, RAW, SECRET_DATA,
                    SYMMETRIC_KEY, Refused)

KEY = bytes(range(32))


def test_a_key_is_stored_found_read_and_removed(client_of_version):
    client = client_of_version
    id = client.register(KEY, names=["a name"], groups=["a group"])
    assert client.locate(names=["a name"]) == [id]
    got = client.get(id)
    assert bytes.fromhex(got["value"]) == KEY
    assert got["type"] == SYMMETRIC_KEY
    assert client.attributes(id)["state"] == PRE_ACTIVE
    client.activate(id)
    attributes = client.attributes(id)
    assert attributes["state"] == ACTIVE
    assert attributes["names"] == ["a name"]
    assert attributes["groups"] == ["a group"]
    assert attributes["algorithm"] == 3 and attributes["length"] == 256
    assert attributes["usage_mask"] & 0x0C == 0x0C
    assert abs(attributes["initial_date"] - time.time()) < 3600
    with pytest.raises(Refused) as refused:
        client.destroy(id)
    assert refused.value.code in ("Denied", "InvalidArgument")
    client.revoke(id)
    assert client.attributes(id)["state"] == DEACTIVATED
    client.destroy(id)
    with pytest.raises(Refused) as refused:
        client.get(id)
    assert refused.value.code == "NotFound"


def test_a_secret_is_stored_and_read(client_of_version):
    id = client_of_version.secret(b"audit log password", names=["a secret"])
    client_of_version.activate(id)
    got = client_of_version.get(id)
    assert bytes.fromhex(got["value"]) == b"audit log password"
    assert got["type"] == SECRET_DATA
    assert got["format"] in (RAW, OPAQUE_FORMAT)
    assert client_of_version.locate(type=SECRET_DATA) == [id]
    assert client_of_version.locate(type=SYMMETRIC_KEY) == []


def test_an_opaque_object_is_stored_and_read(client_of_version):
    id = client_of_version.register(b"\x00odd", type=OPAQUE, usage_mask=None, names=["opaque"])
    got = client_of_version.get(id)
    assert bytes.fromhex(got["value"]) == b"\x00odd"
    assert got["type"] == OPAQUE


def test_a_key_is_made_by_the_server(client_of_version):
    id = client_of_version.create(192, names=["made"])
    assert len(client_of_version.value(id)) == 24
    assert client_of_version.attributes(id)["length"] == 192


def test_application_specific_information_is_kept_and_searched(client_of_version):
    mine = client_of_version.register(KEY, names=["n"], info=[["openkeyring", "owner=a"]])
    client_of_version.register(KEY, names=["n"], info=[["openkeyring", "owner=b"]])
    assert client_of_version.attributes(mine)["info"] == [["openkeyring", "owner=a"]]
    assert client_of_version.locate(info=[["openkeyring", "owner=a"]]) == [mine]


MANY = {"names": ["a", "b"], "groups": ["g", "h"], "info": [["openkeyring", "x"], ["other", "y"]]}


@pytest.mark.parametrize("make", ["register", "create", "secret"])
def test_several_values_of_an_attribute_are_kept_and_each_is_found(client_of_version, kind_and_version, make):
    client = client_of_version

    def made() -> str:
        if make == "create":
            return client.create(128, **MANY)
        return client.register(KEY, **MANY) if make == "register" else client.secret(b"odd", **MANY)
    if kind_and_version == "pykmip-2.0":
        # PyKMIP 0.10 turns attributes of 2.0 into those of 1.x, without the index that it then wants.
        with pytest.raises(Refused) as refused:
            made()
        assert refused.value.code == "InvalidArgument" and not refused.value.lost
        return
    id = made()
    attributes = client.attributes(id)
    assert {name: attributes[name] for name in MANY} == MANY
    for attribute, values in MANY.items():
        for value in values:
            assert client.locate(**{attribute: [value]}) == [id], value
    assert client.locate(groups=["g", "h"]) == [id]
    assert client.locate(groups=["g", "other"]) == []
    assert client.locate(names=["a", "other"]) == []


def test_all_conditions_of_a_search_must_hold(client_of_version):
    client = client_of_version
    key = client.register(KEY, names=["n"], groups=["g"], info=[["openkeyring", "x"]])
    secret = client.secret(b"odd", names=["n"], groups=["g"], info=[["openkeyring", "y"]])
    assert sorted(client.locate(names=["n"])) == sorted([key, secret])
    assert client.locate(names=["n"], type=SECRET_DATA) == [secret]
    assert client.locate(groups=["g"], type=SYMMETRIC_KEY) == [key]
    assert client.locate(groups=["g"], info=[["openkeyring", "y"]]) == [secret]
    assert client.locate(names=["n"], info=[["openkeyring", "z"]]) == []
    assert client.locate(info=[["other", "x"]]) == []
    client.activate(key)
    assert client.locate(groups=["g"], state=ACTIVE) == [key]
    assert client.locate(groups=["g"], state=PRE_ACTIVE) == [secret]


@pytest.mark.parametrize("size", [0, 1, 16, 33, 1024])
def test_a_secret_may_have_any_length(client_of_version, size):
    value = bytes(index % 251 for index in range(size))
    id = client_of_version.secret(value, names=["s"], info=[["openkeyring", "s"]])
    assert client_of_version.value(id) == value
    assert client_of_version.attributes(id)["info"] == [["openkeyring", "s"]]


@pytest.mark.parametrize("size", [16, 24, 32])
def test_an_aes_key_has_its_length(client_of_version, size):
    id = client_of_version.register(bytes(size), names=["k"])
    assert len(client_of_version.value(id)) == size
    assert client_of_version.attributes(id)["length"] == 8 * size


def test_a_key_of_another_length_than_it_says_is_refused(client_of_version):
    with pytest.raises(Refused) as refused:
        client_of_version.register(bytes(16), bits=256, names=["k"])
    assert refused.value.code in ("InvalidArgument", "Unavailable") and not refused.value.lost
    assert client_of_version.locate(names=["k"]) == []


def test_names_may_repeat_be_long_and_be_missing(client_of_version):
    client = client_of_version
    odd = "MySQLKey_a:b@c%d 'e'" + "n" * 300
    ids = [client.register(KEY, names=[odd]) for _ in range(2)]
    assert client.locate(names=[odd]) == ids or client.locate(names=[odd]) == ids[::-1]
    assert client.attributes(ids[0])["names"] == [odd]
    assert client.attributes(client.register(KEY))["names"] == []


def test_what_was_never_active_is_destroyed_but_not_revoked(client_of_version):
    id = client_of_version.register(KEY, names=["n"])
    with pytest.raises(Refused) as refused:
        client_of_version.revoke(id)
    assert refused.value.code in ("Denied", "InvalidArgument")
    client_of_version.destroy(id)
    assert client_of_version.locate(names=["n"]) == []


def test_an_attribute_is_added_later_or_refused(client_of_version, kind_and_version):
    id = client_of_version.register(KEY, names=["n"])
    if kind_and_version.startswith("emulator"):
        client_of_version.add_attribute(id, groups=["later"])
        assert client_of_version.attributes(id)["groups"] == ["later"]
        return
    # PyKMIP 0.10 has no AddAttribute: an object gets all its attributes when it is made.
    with pytest.raises(Refused) as refused:
        client_of_version.add_attribute(id, groups=["later"])
    assert refused.value.code == "InvalidArgument" and not refused.value.lost


def test_some_attributes_can_be_asked_for(client_of_version):
    id = client_of_version.register(KEY, names=["n"], groups=["g"])
    some = client_of_version.attributes(id, "State", "Name")
    assert some["state"] == PRE_ACTIVE
    assert some["names"] == ["n"]
    assert some["groups"] == []


def test_many_objects_in_few_messages(client_of_version):
    ids = [client_of_version.register(bytes([i]) * 16, names=[f"n{i}"]) for i in range(12)]
    objects = client_of_version.get_many(ids)
    assert [one["id"] for one in objects] == ids
    assert [bytes.fromhex(one["value"])[0] for one in objects] == list(range(12))
    assert [one["names"] for one in objects] == [[f"n{i}"] for i in range(12)]
    assert sorted(client_of_version.locate(type=SYMMETRIC_KEY)) == sorted(ids)


def test_one_that_is_missing_does_not_spoil_the_batch(client_of_version):
    id = client_of_version.register(KEY, names=["n"])
    objects = client_of_version.get_many([id, "999999", id])
    assert objects[0]["id"] == objects[2]["id"] == id
    assert objects[1]["code"] == "NotFound"


def test_the_group_limits_what_is_found(client):
    mine = client.register(KEY, names=["n"], groups=["mine"])
    client.register(KEY, names=["n"], groups=["other"])
    assert client.locate(groups=["mine"]) == [mine]
    assert len(client.locate(names=["n"])) == 2


def test_another_user_sees_nothing(client, server, tool):
    id = client.register(KEY, names=["private"])
    other = tool.open([server.port], server.client_files("somebody else"))
    assert other.locate(names=["private"]) == []
    with pytest.raises(Refused) as refused:
        other.get(id)
    assert refused.value.code == "Denied"


def test_what_is_not_there_is_not_found(client):
    for do in (client.get, client.attributes, client.activate, client.revoke, client.destroy):
        with pytest.raises(Refused) as refused:
            do("123456")
        assert refused.value.code == "NotFound", do
    assert client.locate(names=["nothing"]) == []


def test_a_compromised_key_says_so(client):
    id = client.register(KEY, names=["n"])
    client.revoke(id, reason=2)
    assert client.attributes(id)["state"] == COMPROMISED


def test_activating_twice_is_refused(client):
    id = client.register(KEY, names=["n"])
    client.activate(id)
    with pytest.raises(Refused) as refused:
        client.activate(id)
    assert refused.value.code in ("Denied", "InvalidArgument")


def test_the_best_version_is_found_out(client):
    assert "Get" in client.query()["operations"]
    status = client.status()
    assert status["version"] == "1.4"
    assert status["connections"] == 1


def test_the_connection_is_kept(client):
    ids = [client.register(KEY, names=[f"n{i}"]) for i in range(5)]
    for id in ids:
        client.get(id)
    assert client.status()["connections"] == 1


def test_names_in_utf_8_come_back_or_are_refused(client, kind):
    name = "Schlüssel 鍵"
    if kind == "emulator":
        id = client.register(KEY, names=[name])
        assert client.attributes(id)["names"] == [name]
        return
    # PyKMIP 0.10 reads text byte by byte.
    with pytest.raises(Refused) as refused:
        client.register(KEY, names=[name])
    assert refused.value.code == "InvalidArgument" and not refused.value.lost


def test_custom_attributes_come_back_or_are_refused(client, kind):
    if kind == "emulator":
        id = client.register(KEY, names=["n"], custom=[["owner", "me"]])
        assert client.attributes(id)["custom"] == [["owner", "me"]]
        return
    # PyKMIP 0.10 has none: identity goes into Application Specific Information.
    with pytest.raises(Refused) as refused:
        client.register(KEY, names=["n"], custom=[["owner", "me"]])
    assert not refused.value.lost
    assert client.locate(names=["n"]) == []


def test_an_activation_date_in_the_past_activates_or_is_refused(client, kind):
    if kind == "emulator":
        assert client.attributes(client.register(KEY, names=["n"], activation_date=1))["state"] == ACTIVE
        return
    # PyKMIP 0.10 has no such attribute in templates: Activate is needed.
    with pytest.raises(Refused) as refused:
        client.register(KEY, names=["n"], activation_date=1)
    assert not refused.value.lost


def test_a_large_secret_is_kept(client):
    value = bytes(range(256)) * 64  # 16 KiB, the most that a component holds.
    assert client.value(client.secret(value, names=["large"])) == value
