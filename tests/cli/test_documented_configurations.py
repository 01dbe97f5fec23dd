# SPDX-License-Identifier: MIT
"""Each configuration in README, docs and the packaged examples is one that its product accepts."""

import json
import re

import ctl
import pytest
import recovery_keys
from check_reports import results

PAGES = [ctl.ROOT / "README.md", *sorted((ctl.ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted(ctl.ROOT.glob("packaging/**/*.cnf"))
BLOCK = re.compile(r"^( *)```(?:json|ini|sh)\n(.*?)^ *```$", re.S | re.M)
PLUGINS = ("aws_key_management", "kmip_key_management", "keyring_aws")
OTHERS = ["--skip", "dns", "--skip", "tcp", "--skip", "tls", "--skip", "clock"]


def component_of(text: str) -> str:
    """Whose configuration this is: a JSON object with its options."""
    try:
        options = json.loads(text)
    except ValueError:
        return ""
    return next((product for option, product in (("kms_key", "component_keyring_kms"),
                                                 ("server_addr", "component_keyring_kmip"))
                 if option in options), "")


def plugin_of(text: str) -> str:
    """Of an option file with options of a plugin that are more than its name."""
    return next((name for name in PLUGINS
                 if re.search(rf"^{name}_\w+ *=", text, re.M) and "…" not in text), "")


def configurations() -> list[tuple[str, str, str]]:
    """(where, product, text)"""
    found = []
    for page in PAGES:
        for indent, block in BLOCK.findall(page.read_text()):
            block = re.sub(rf"^{indent}", "", block, flags=re.M)
            # Of commands, what they write.
            texts = [block, *re.findall(r"^echo '(.*)' \|$", block, re.M),
                     *re.findall(r"<<'CNF'\n(.*?)^CNF$", block, re.S | re.M)]
            found += [(page.name, component_of(text) or plugin_of(text), text) for text in texts
                      if component_of(text) or plugin_of(text) and text.lstrip()[0] == "["]
    for path in EXAMPLES:
        text = re.sub(r"^#(?=\[?[a-z])", "", path.read_text(), flags=re.M)
        found.append((path.name, component_of(text) or plugin_of(text), text))
    return [one for one in found if one[1]]


def judged(product: str, text: str, directory) -> dict:
    """What `keyringctl check` says of it before the installation."""
    if product in PLUGINS:
        config = directory / "my.cnf"
        words = ["--product", product, "--defaults-file", config]
    else:
        config = directory / f"{product}.cnf"
        words = ["--config", config]
    # The public key is read with the configuration; what else it names, by those who need it.
    config.write_text(text.replace("/etc/mysql/recovery.pem", str(recovery_keys.pair()[1])))
    config.chmod(0o640)
    done = ctl.run(directory, "check", "--pre", "--json", *OTHERS, *words)
    return results(done)["config"]


@pytest.mark.parametrize("where,product,text", configurations(),
                         ids=[f"{where}-{product}" for where, product, _ in configurations()])
def test_every_documented_configuration_is_accepted(where, product, text, directory):
    found = judged(product, text, directory)
    assert found["state"] == "ok", (where, found["findings"])


def test_the_configurations_are_found_and_judged(directory):
    found = configurations()
    assert {product for _, product, _ in found} >= {
        "component_keyring_kms", "component_keyring_kmip", "aws_key_management",
        "kmip_key_management"}
    assert {where for where, *_ in found} >= {"README.md", "another_region.md"}
    text = next(text for _, product, text in found if product == "component_keyring_kmip")
    assert '"5696"' in text
    wrong = judged("component_keyring_kmip", text.replace('"5696"', '"broken"'), directory)
    assert wrong["state"] == "failed"
    text = next(text for _, product, text in found if product == "kmip_key_management")
    wrong = judged("kmip_key_management", re.sub(":5696", ":569600", text), directory)
    assert wrong["state"] == "failed"
