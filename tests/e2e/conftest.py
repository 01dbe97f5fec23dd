# SPDX-License-Identifier: MIT
"""Real servers with our plugin, against the emulator (or moto)."""

import itertools

import pytest

from lab import (
    aws_keyring_plugin,
    aws_plugin,
    certificates,
    emulator,
    kmip_component,
    kmip_emulator,
    kmip_plugin,
    kms_component,
    kms_regions,
    mariadb,
    moto,
    mysql,
    process,
    pykmip,
)

ALIAS = "alias/openkeyring"


@pytest.fixture(scope="session")
def shared_kms():
    """The emulator that all tests share which do not disturb it."""
    directory = process.new_directory("kms")
    with emulator.Emulator(directory, alias=ALIAS) as running:
        running.start()
        yield running
    process.remove_directory(directory)


@pytest.fixture
def kms(shared_kms):
    """The shared emulator, without leftovers of other tests."""
    yield shared_kms
    if shared_kms.process is None or not shared_kms.process.running():
        shared_kms.start()
    shared_kms.clear_faults()
    shared_kms.latency(0)
    shared_kms.availability(quota={}, errors={}, outage={"for_s": 0})


@pytest.fixture(scope="session")
def shared_moto():
    directory = process.new_directory("moto")
    with moto.Moto(directory) as running:
        running.start()
        running.create_key(ALIAS)
        yield running
    process.remove_directory(directory)


@pytest.fixture
def regions(directory):
    """Two regions of one account."""
    made = kms_regions.start(directory)
    yield made
    for one in made:
        one.kill()


@pytest.fixture(params=[
    "10.11",
    pytest.param("11.8", marks=pytest.mark.sid),
    pytest.param("10.5", marks=[pytest.mark.sid, pytest.mark.long]),
])
def installation(request):
    """Of MariaDB, in each version that is run."""
    return mariadb.version(request.param)


@pytest.fixture
def make_server(directory):
    """A function that makes servers with the plugin; they end with the test."""
    made = []

    def make(
        kms_server,
        *,
        name: str = "m",
        installation=None,
        options=(),
        environment=None,
        plugin=None,
        master_key_id: str = ALIAS,
        store: str = "FILES",
        **more
    ) -> mariadb.MariaDB:
        server = mariadb.MariaDB(
            directory / name, installation, plugins=[plugin or aws_plugin.PLUGIN],
            options=[
                *aws_plugin.options(kms_server, master_key_id=master_key_id, store=store), *options],
            environment={**kms_server.environment(), **(environment or {})}, **more)
        made.append(server)
        return server

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def make_mysql(directory):
    """A function that makes MySQL servers; they end with the test."""
    made = []

    def make(*, name: str = "m", **more) -> mysql.MySQL:
        made.append(mysql.MySQL(directory / name, **more))
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def make_kms_mysql(directory, kms):
    """A function that makes MySQL servers with component_keyring_kms; they end with the test."""
    made = []

    def make(*, name: str = "m", **more) -> kms_component.MySQLWithKms:
        made.append(kms_component.MySQLWithKms(directory / name, more.pop("kms", kms), **more))
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def make_aws_mysql(directory, kms):
    """A function that makes MySQL servers with the plugin keyring_aws; they end with the test."""
    made = []

    def make(*, name: str = "m", **more) -> aws_keyring_plugin.MySQLWithKeyringAws:
        made.append(
            aws_keyring_plugin.MySQLWithKeyringAws(directory / name, more.pop("kms", kms), **more)
        )
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture(params=[
    "10.11",
    pytest.param("11.8", marks=pytest.mark.sid),
    pytest.param("10.5", marks=pytest.mark.sid),
    pytest.param("10.11 with moto", marks=pytest.mark.sid),
])
def world(request):
    """(KMS, installation) of each combination that the main path must work on."""
    name = request.param
    kms_server = request.getfixturevalue("shared_moto" if "moto" in name else "kms")
    return kms_server, mariadb.version(name.split()[0])


_kmip_users = itertools.count()


@pytest.fixture(scope="session")
def kmip_servers():
    """A real KMIP server and ours, for all tests that do not disturb them: each test is a user of
    its own."""
    directory = process.new_directory("kmip")
    authority = certificates.Authority(directory / "tls")
    with pykmip.PyKmip(directory / "pykmip", authority).start() as real, \
            kmip_emulator.KmipEmulator(directory / "emulator", authority).start() as fake:
        yield {"pykmip": real, "emulator": fake}
    process.remove_directory(directory)


@pytest.fixture
def kmip_user():
    return f"user{next(_kmip_users)}"


@pytest.fixture
def make_kmip_mysql(directory, kmip_user):
    """A function that makes MySQL servers with component_keyring_kmip; they end with the test."""
    made = []

    def make(kmip, *, name: str = "m", **more) -> kmip_component.MySQLWithKmip:
        made.append(
            kmip_component.MySQLWithKmip(
                directory / name, kmip, kmip_user=more.pop("kmip_user", kmip_user), **more
            )
        )
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def make_kmip_mariadb(directory, kmip_user):
    """A function that makes MariaDB servers with kmip_key_management; they end with the test."""
    made = []

    def make(kmip, *, name: str = "m", options=(), more=None, **others) -> mariadb.MariaDB:
        settings = kmip_plugin.options(kmip, kmip_user, **(more or {}))
        made.append(
            mariadb.MariaDB(
                directory / name,
                plugins=[kmip_plugin.PLUGIN],
                options=[*settings, *options],
                **others
            )
        )
        return made[-1]

    yield make
    for server in made:
        server.kill()
