# SPDX-License-Identifier: MIT
"""docs/recipes/aws_identity.md: a server with the variables of each section, and the source that its
status then names. Addresses, paths and the role are those of the emulator."""

import pytest

from lab import aws_client, aws_plugin, documents

PAGE = "docs/recipes/aws_identity.md"
ROLE = "shop-db-keyring"
TOKEN = "token-of-the-pod-0815"
POD = "container-secret-0815"
EXPECTED = {
    "EC2": "imds",
    "EKS: roles for service accounts (IRSA)": "web identity",
    "EKS: Pod Identity": "container",
    "ECS": "container",
}


@pytest.fixture
def cloud(kms, directory):
    """The emulator as the cloud around the server: names of variables and their values there."""
    token, pod = directory / "token", directory / "pod-token"
    token.write_text(TOKEN)
    pod.write_text(POD)
    kms.control("POST", "/identities", {
        "roles": [{"name": ROLE}],
        "web_identities": [{"token": TOKEN, "subject": "system:serviceaccount:shop:shop-db"}]})
    yield {"AWS_ROLE_ARN": f"arn:aws:iam::111122223333:role/{ROLE}",
           "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
           "AWS_CONTAINER_CREDENTIALS_FULL_URI": kms.url + "/container/creds",
           "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(pod)}
    kms.control("POST", "/imds", {"container_authorization": ""})


def here(documented: dict[str, str], cloud) -> dict[str, str]:
    """The same names; values that only AWS could serve are replaced."""
    return {name: cloud.get(name, value) for name, value in documented.items()}


@pytest.mark.parametrize("section", EXPECTED)
def test_the_source_of_the_recipe_is_taken(section, kms, cloud, make_server):
    documented = {} if section == "EC2" else documents.variables(PAGE, section)
    environment = here(documented, cloud)
    if section == "ECS":  # Its address is fixed.
        environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": kms.url + "/container/creds"}
        assert list(documented) == ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    kms.control("POST", "/imds", {
        "container_authorization": POD if "Pod" in section else ""})
    server = make_server(kms, options=["--aws-key-management-startup-deadline=0"])
    server.environment = {"AWS_ENDPOINT_URL_STS": kms.url,
                          "AWS_EC2_METADATA_SERVICE_ENDPOINT": kms.url, **environment}
    aws_client.stock_file(kms, server.data, 1)
    server.start()
    rows = aws_plugin.status(server)
    assert rows["credential_source"] == EXPECTED[section] and rows["versions_loaded"] == "1", rows
    text = (documents.ROOT / PAGE).read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    assert f"`Credential_source` is `{EXPECTED[section]}`" in text
