# SPDX-License-Identifier: MIT
"""Our credentials, roles, regions and host names are those of botocore, from the same files and
variables. What differs on purpose is a table of its own; docs/aws.md has the reasons."""

import json
import os
import random
import subprocess
import unittest.mock

import botocore.endpoint_provider
import botocore.loaders
import botocore.session
import botocore.utils
import pytest

from signing import ROOT

TOOL = ROOT / "build" / "release" / "tests" / "credentials_tool"
LATER = "2036-01-01T00:00:00Z"
# A file that exists, for botocore; what is in it does not matter.
TOKEN = {"/etc/hostname": "token"}


@pytest.fixture(scope="module", name="ask")
def _ask():
    assert TOOL.exists(), f"{TOOL} is missing: run ./dev build"
    with subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tool:
        def ask(case):
            tool.stdin.write(json.dumps(case) + "\n")
            tool.stdin.flush()
            return json.loads(tool.stdout.readline())

        yield ask


class FakeSts:
    """The key that it gives is the role's name."""

    def __init__(self, calls, caller):
        self.calls, self.caller = calls, caller

    def assume_role(self, **request):
        role = request["RoleArn"].split("/")[-1]
        self.calls.append([self.caller or "", role])
        return {"Credentials": {"AccessKeyId": role, "SecretAccessKey": "s", "SessionToken": "t",
                                "Expiration": LATER}}

    assume_role_with_web_identity = assume_role


def keys_of(name):
    return {"role_name": "role", "access_key": name, "secret_key": "s", "token": "t",
            "expiry_time": LATER}


def find_with_botocore(case, directory) -> dict:
    """The same as our tool says, or "error"."""
    names = {"config": "AWS_CONFIG_FILE", "credentials": "AWS_SHARED_CREDENTIALS_FILE"}
    variables = {"PATH": os.environ["PATH"], **case.get("environment", {})}
    for name, variable in names.items():
        variables[variable] = str(directory / name)
        if name in case:
            (directory / name).write_text(case[name], newline="")
    calls = []
    container = {"AccessKeyId": "CONTAINER", "SecretAccessKey": "s", "Token": "t",
                 "Expiration": LATER}
    with (
        unittest.mock.patch.dict(os.environ, variables, clear=True),
        unittest.mock.patch.object(botocore.utils.InstanceMetadataFetcher,
                                   "retrieve_iam_role_credentials", lambda _: keys_of("IMDS")),
        unittest.mock.patch.object(botocore.utils.ContainerMetadataFetcher, "_get_response",
                                   lambda *_: container),
    ):
        try:
            session = botocore.session.Session(profile=case.get("profile"))
            session.create_client = lambda _, **options: FakeSts(
                calls, options.get("aws_access_key_id"))
            region = session.get_config_variable("region") or ""
            keys = session.get_credentials().get_frozen_credentials()
        except Exception as error:  # Whatever it is, it is a refusal.
            return {"error": f"{type(error).__name__}: {error}"}
    return {"region": region, "calls": calls,
            "keys": [keys.access_key, keys.secret_key, keys.token or ""]}


def keys(name):
    return f"aws_access_key_id = {name}\naws_secret_access_key = s{name}\n"


def role(name):
    return f"role_arn = arn:aws:iam::1:role/{name}\n"


def process(answer):
    return f"credential_process = echo '{answer}'\n"


def config(text, **more):
    return {"config": text, **more}


def credentials(text, **more):
    return {"credentials": text, **more}


def environment(**variables):
    return {"environment": variables}


A = "[default]\n" + keys("A")
ENVIRONMENT_KEYS = {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "s"}
P = '{"Version":1,"AccessKeyId":"P","SecretAccessKey":"s"'
WEB = "web_identity_token_file = /etc/hostname\n"
SOURCE_B = "[default]\n" + role("R") + "source_profile = b\n"
CHAIN = SOURCE_B + "[profile b]\n" + role("Q") + "source_profile = c\n"
C = "[profile c]\n" + keys("C")

SAME = {
    # The files.
    "plain": credentials(A),
    "signs inside values": credentials(
        "[default]\naws_access_key_id=A\naws_secret_access_key = s#x;y=z:w\n"),
    "quotes stay": credentials(A.replace(" = A", ' = "A"')),
    "tabs": credentials("[default]\n\taws_access_key_id\t=\tA\n\taws_secret_access_key\t=\ts\n"),
    "CRLF": credentials(A.replace("\n", "\r\n")),
    "a name with a space": config(f'[profile "a b"]\n{keys("A")}', profile="a b"),
    "a name with a space, credentials": credentials(f"[a b]\n{keys('A')}", profile="a b"),
    "no prefix": config(f"[x]\n{keys('A')}", profile="x"),
    "a prefix in credentials": credentials(f"[profile x]\n{keys('A')}", profile="x"),
    "names have case": config(f"[profile X]\n{keys('A')}", profile="x"),
    "nested": config("[default]\ns3 =\n  region = x\n\n  # c\n  a = b\nregion = eu-west-1\n"
                     + keys("A")),
    "nested by a tab": config("[default]\ns3=\n\ta=b\nregion=eu-west-1\n" + keys("A")),
    "indented as a whole": config("  " + A.replace("\n", "\n  ") + "\n"),
    "other sections": config("[sso-session s]\nsso_region = x\n[plugins]\na = b\n" + A),
    "a line without a sign": config("[default]\nword\n" + keys("A")),
    "a line before all sections": config("word = 1\n" + A),
    "half a key": credentials("[default]\naws_access_key_id = A\n"),
    "half a key in each file": {"credentials": "[default]\naws_access_key_id = A\n",
                                "config": "[default]\naws_secret_access_key = s\n"},
    "a token in the other file": {"credentials": A, "config": "[default]\naws_session_token=t\n"},
    "the token's old name": credentials(A + "aws_security_token = t\n"),
    "credentials beat config": {"credentials": A + "region = eu-a-1\n",
                                "config": "[default]\nregion = eu-b-1\n" + keys("B")},
    # Roles.
    "role": config(SOURCE_B + "[profile b]\n" + keys("B")),
    "role, source in credentials": {"config": SOURCE_B, "credentials": "[b]\n" + keys("B")},
    "role in credentials": credentials(SOURCE_B + "[b]\n" + keys("B")),
    "role over both files": {"config": "[default]\n" + role("R"),
                             "credentials": "[default]\nsource_profile=b\n[b]\n" + keys("B")},
    "role of itself": config(SOURCE_B.replace("= b", "= default") + keys("A")),
    "role of itself without keys": config(SOURCE_B.replace("= b", "= default")),
    "role of a profile that has one of itself": config(
        SOURCE_B + "[profile b]\n" + role("Q") + "source_profile = b\n" + keys("B")),
    "chain": config(CHAIN + C),
    "chain with keys in between": config(CHAIN + keys("B") + C),
    "chain with keys in between, credentials": {"config": CHAIN + C,
                                                "credentials": "[b]\n" + keys("B")},
    "circle": config(CHAIN.replace("= c", "= default")),
    "circle with keys": config(SOURCE_B + keys("A") + "[profile b]\n" + role("Q")
                               + "source_profile = default\n"),
    "no source": config("[default]\n" + role("R") + keys("A")),
    "two sources": config(SOURCE_B + "credential_source = Environment\n[profile b]\n" + keys("B")),
    "a source that is missing": config(SOURCE_B),
    "a source without keys": config(SOURCE_B + "[profile b]\nregion = x\n"),
    "Environment": config("[profile p]\n" + role("R") + "credential_source = Environment\n",
                          profile="p", environment=ENVIRONMENT_KEYS),
    "Ec2InstanceMetadata": config("[default]\n" + role("R")
                                  + "credential_source = Ec2InstanceMetadata\n"),
    "EcsContainer": config("[default]\n" + role("R") + "credential_source = EcsContainer\n",
                           environment={"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}),
    "a source with a process": config(SOURCE_B + "[profile b]\n" + process(P + "}")),
    "a source with half a key and a process": config(
        SOURCE_B + "[profile b]\naws_access_key_id = X\n" + process(P + "}")),
    "MFA without a role": config(A + "mfa_serial = m\n"),
    "MFA in a source": config(SOURCE_B + "[profile b]\nmfa_serial = m\n" + keys("B")),
    "web identity": config("[default]\n" + role("W") + WEB, files=TOKEN),
    "web identity and keys": config(A + role("W") + WEB, files=TOKEN),
    "web identity as source": config(SOURCE_B + "[profile b]\n" + role("W") + WEB, files=TOKEN),
    "web identity with keys as source": config(SOURCE_B + "[profile b]\n" + keys("B") + role("W")
                                               + WEB, files=TOKEN),
    "web identity beside a source": config(SOURCE_B + WEB + "[profile b]\n" + keys("B"),
                                           files=TOKEN),
    "web identity of the environment": {
        "files": TOKEN, "credentials": A,
        **environment(AWS_WEB_IDENTITY_TOKEN_FILE="/etc/hostname",
                      AWS_ROLE_ARN="arn:aws:iam::1:role/V")},
    "a profile's role before it": {
        "files": TOKEN, "config": SOURCE_B + "[profile b]\n" + keys("B"),
        **environment(AWS_WEB_IDENTITY_TOKEN_FILE="/etc/hostname",
                      AWS_ROLE_ARN="arn:aws:iam::1:role/V")},
    "web identity without a role": {
        "files": TOKEN, **environment(AWS_WEB_IDENTITY_TOKEN_FILE="/etc/hostname")},
    "SSO": config("[default]\nsso_start_url=x\nsso_region=r\nsso_account_id=1\nsso_role_name=q\n"),
    # Processes.
    "process": config("[default]\n" + process(
        P + f',"SessionToken":"t","Expiration":"{LATER}"' + "}")),
    "process in credentials": credentials("[default]\n" + process(P + "}")),
    "process over two lines": config("[default]\ncredential_process = echo\n  '" + P + "}'\n"),
    "process before keys in config": config(A + process(P + "}")),
    "process of version 2": config("[default]\n" + process(P.replace("1", "2") + "}")),
    "process of version \"1\"": config("[default]\n" + process(P.replace("1", '"1"') + "}")),
    "process with nulls": config("[default]\n" + process(
        P + ',"SessionToken":null,"Expiration":null}')),
    "process with an offset": config("[default]\n" + process(
        P + ',"Expiration":"2036-01-01T00:00:00.123456+05:30"}')),
    "process of the past": config("[default]\n" + process(
        P + ',"Expiration":"2016-01-01T00:00:00Z"}')),
    "process that fails": config("[default]\ncredential_process = false\n"),
    "process that is missing": config("[default]\ncredential_process = /missing/tool\n"),
    # Variables.
    "environment": environment(**ENVIRONMENT_KEYS, AWS_SESSION_TOKEN="t"),
    "half of the environment": {**environment(AWS_ACCESS_KEY_ID="E"), "credentials": A},
    "empty variables": {"credentials": A, **environment(
        AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_DEFAULT_REGION="")},
    "expiration": environment(**ENVIRONMENT_KEYS, AWS_CREDENTIAL_EXPIRATION=LATER),
    "a profile by variable leaves the environment": {
        "credentials": "[a]\n" + keys("A"), **environment(**ENVIRONMENT_KEYS, AWS_PROFILE="a")},
    "a profile by option does not": {
        "credentials": "[a]\n" + keys("A"), "profile": "a", **environment(**ENVIRONMENT_KEYS)},
    "AWS_DEFAULT_PROFILE": {"credentials": A + "[b]\n" + keys("B"),
                            **environment(AWS_DEFAULT_PROFILE="b")},
    "a profile that is missing": {"credentials": A, **environment(AWS_PROFILE="b")},
    "container": environment(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/x?y=z"),
    "container by its whole URI": environment(
        AWS_CONTAINER_CREDENTIALS_FULL_URI="http://localhost:8080/x"),
    "container elsewhere": environment(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://10.0.0.1/x"),
    "instance": {},
}


@pytest.mark.parametrize("case", SAME.values(), ids=SAME.keys())
def test_botocore_finds_the_same(case, ask, tmp_path):
    ours, theirs = ask(case), find_with_botocore(case, tmp_path)
    if "error" in theirs:
        assert "error" in ours, (ours, theirs)
    else:
        assert {name: ours.get(name) for name in theirs} == theirs, ours.get("error")


# What we find (an error by a part of its text), and what botocore finds.
OTHERWISE = {
    "a comment behind a value": (
        config("[default]\nregion = eu-west-1 # c\n" + keys("A")), "eu-west-1", "eu-west-1 # c"),
    "a section that appears twice": (
        credentials(A + "[default]\nregion = eu-west-1\n"), "eu-west-1", "Unable to parse"),
    "[profile default] beats [default]": (
        config("[profile default]\n" + keys("B") + A), "B", "A"),
    "empty keys are none": (
        credentials("[default]\naws_access_key_id =\naws_secret_access_key =\n"), "IMDS", ""),
    "half a key": (
        credentials("[default]\naws_secret_access_key = s\n"), "no aws_access_key_id", "IMDS"),
    "half of the environment": (
        environment(AWS_SECRET_ACCESS_KEY="s"), "AWS_ACCESS_KEY_ID is not", "IMDS"),
    "AWS_PROFILE beats AWS_DEFAULT_PROFILE": (
        {"credentials": "[a]\n" + keys("A") + "[b]\n" + keys("B"),
         **environment(AWS_PROFILE="a", AWS_DEFAULT_PROFILE="b")}, "A", "B"),
    "a duration that is not one": (
        config(SOURCE_B + "duration_seconds = 1h\n[profile b]\n" + keys("B")),
        "duration_seconds", "R"),
    "words after a title": (config(A.replace("]", "] x")), "text after the ]", "A"),
    "a host with a user": (
        environment(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://x@169.254.170.2/"),
        "user names and passwords", "CONTAINER"),
    "a boolean that is not one": (
        environment(AWS_EC2_METADATA_DISABLED="1"), "must be true or false", "IMDS"),
}


@pytest.mark.parametrize("case, ours, theirs", OTHERWISE.values(), ids=OTHERWISE.keys())
def test_what_differs_on_purpose(case, ours, theirs, ask, tmp_path):
    def matches(found, expected):
        if "error" in found:
            return expected != "" and expected in found["error"]
        return expected in (found["keys"][0], found["region"])

    for found, expected in ((ask(case), ours), (find_with_botocore(case, tmp_path), theirs)):
        assert matches(found, expected), found


LINES = [
    "[profile x]\n", "[profile y]\n", "[default]\n", "region = a-1\n", " region = b-1\n",
    "\tregion = c-1\n", "region = d-1\r\n", "region : e-1\n", "REGION=f-1\n", "region =\n",
    "s3 =\n", " s3 =\n", "  inner = 1\n", "    deep = 1\n", "output = json\n", "\n", "   \n",
    "# c\n", "  ; c\n", "word\n", "  word\n",
]


@pytest.mark.parametrize("seed", range(10))
def test_indented_lines_belong_to_the_same_property(seed, ask, tmp_path):
    source = random.Random(seed)
    compared = 0
    for _ in range(40):
        text = keys("X").join(["[profile x]\n", ""]) + "".join(
            source.choice(LINES) for _ in range(source.randint(2, 9)))
        theirs = find_with_botocore(config(text, profile="x"), tmp_path)
        if "error" in theirs:
            continue  # Of sections and keys that appear twice, too.
        compared += 1
        ours = ask(config(text, profile="x"))
        if isinstance(theirs["region"], dict):  # Nested lines.
            assert ours["region"] == "", text
        elif "\n" in theirs["region"]:  # A value of several lines.
            assert "is not the name of a region" in ours["error"], text
        else:
            assert ours.get("region") == theirs["region"], text
    assert compared > 5


def test_host_names_of_all_regions(ask):
    loader = botocore.loaders.Loader()
    partitions = loader.load_data("partitions")
    regions = [region for partition in partitions["partitions"]
               # Older versions of botocore know no names with dual stack of the isolated ones.
               if not partition["id"].startswith("aws-iso")
               for region in partition["regions"] if not region.endswith("-global")]
    assert len(regions) > 25
    for service in ("kms", "sts"):
        provider = botocore.endpoint_provider.EndpointProvider(
            loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for region in regions:
            for fips, dual_stack in ((0, 0), (0, 1), (1, 0), (1, 1)):
                theirs = provider.resolve_endpoint(
                    Region=region, UseFIPS=bool(fips), UseDualStack=bool(dual_stack),
                    **({"UseGlobalEndpoint": False} if service == "sts" else {})).url
                assert ask({"service": service, "region": region, "fips": bool(fips),
                            "dual_stack": bool(dual_stack)}) == theirs
