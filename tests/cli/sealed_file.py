# SPDX-License-Identifier: MIT
"""A sealed file with keys that keyringctl changes."""

from changing import SOME, Keys, kms_config, read_plain, write_plain
from lab import aws_client


class SealedFile:
    """A sealed file with keys, and its configuration."""

    def __init__(self, tool, directory, kms):
        self.tool, self.directory, self.kms = tool, directory, kms
        self.path = directory / "keys"
        self.first, self.second = (
            aws_client.call(kms, "CreateKey")["KeyMetadata"]["Arn"] for _ in range(2)
        )
        self.configure()
        write_plain(directory / "plain", SOME)
        tool.run("migrate", f"component_keyring_file:{directory}/plain", self.config, "--yes")

    def configure(self, *kms_keys, **more) -> None:
        names = list(kms_keys) or [self.first]
        if names[1:]:
            more["kms_key"] = [{"key": name, "endpoint_url": self.kms.url} for name in names]
            more["region"] = more["endpoint_url"] = None
        else:
            more["kms_key"] = names[0]
        self.config = kms_config(self.directory / "k", self.kms, self.path, **more)

    def slots(self, *words) -> list[tuple]:
        reply = self.tool.json("slot", "list", "--config", self.config, *words)
        return [(one["number"], one["kind"], one["state"]) for one in reply["slots"]]

    def run(self, *words, code=0):
        return self.tool.json(*words, "--config", self.config, code=code)

    def keys(self) -> Keys:
        back = self.directory / "back"
        back.unlink(missing_ok=True)
        self.tool.run(
            "migrate", self.config, f"component_keyring_file:{back}", "--allow-plaintext", "--yes"
        )
        return read_plain(back)
