# SPDX-License-Identifier: MIT
"""Certificates for TLS tests, made by the openssl program."""

import dataclasses
import datetime
import pathlib
import subprocess


@dataclasses.dataclass(frozen=True)
class Certificate:
    certificate: pathlib.Path  # PEM
    key: pathlib.Path  # PEM, not encrypted


class Authority:
    """A certificate authority in a directory. Elliptic keys: made in a few milliseconds."""

    def __init__(self, directory: pathlib.Path, name: str = "OpenKeyring test CA"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key = self.directory / "ca.key"
        self.certificate = self.directory / "ca.pem"
        _openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "30",
            "-subj",
            f"/CN={name}",
            "-keyout",
            self.key,
            "-out",
            self.certificate,
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign",
        )

    def server(self, name: str = "server", hosts=("DNS:localhost", "IP:127.0.0.1")) -> Certificate:
        return self._issue(name, ",".join(hosts), "serverAuth")

    def server_of_another_host(self, name: str = "other-host") -> Certificate:
        return self._issue(name, "DNS:elsewhere.invalid", "serverAuth")

    def expired_server(self, name: str = "expired") -> Certificate:
        return self._issue(name, "DNS:localhost,IP:127.0.0.1", "serverAuth", ends_in_days=-1)

    def client(self, common_name: str) -> Certificate:
        """One for each name: asked again, it is the same."""
        made = Certificate(
            self.directory / f"{common_name}.pem", self.directory / f"{common_name}.key"
        )
        return made if made.certificate.exists() else self._issue(common_name, "", "clientAuth")

    def expired_client(self, common_name: str = "expired-client") -> Certificate:
        return self._issue(common_name, "", "clientAuth", ends_in_days=-1)

    def endless_client(self, common_name: str = "endless") -> Certificate:
        """Until the last day that a certificate can name, as devices have them."""
        return self._issue(common_name, "", "clientAuth", ends_in_days=None)

    def with_password(self, made: Certificate, password: str) -> Certificate:
        """The same certificate, its key encrypted."""
        key = made.key.with_suffix(".encrypted.key")
        _openssl("pkcs8", "-topk8", "-in", made.key, "-out", key, "-passout", f"pass:{password}")
        return Certificate(made.certificate, key)

    def kmip_options(self, common_name: str) -> dict[str, str]:
        """What a KMIP client needs. Its common name is the user that owns what it stores."""
        own = self.client(common_name)
        return {
            "server_ca": str(self.certificate),
            "client_ca": str(own.certificate),
            "client_key": str(own.key),
        }

    def _issue(self, name: str, hosts: str, usage: str,
               ends_in_days: int | None = 20) -> Certificate:
        key, request, out = (self.directory / f"{name}.{end}" for end in ("key", "csr", "pem"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(
            f"extendedKeyUsage={usage}\n" + (f"subjectAltName={hosts}\n" if hosts else "")
        )
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        now = datetime.datetime.now(datetime.timezone.utc)
        # `openssl ca` is the command of OpenSSL 3.0 that takes both dates.
        configuration = self.directory / f"{name}.cnf"
        (self.directory / f"{name}.index").touch()
        configuration.write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.directory}/{name}.index\nrand_serial=yes\n"
            f"new_certs_dir={self.directory}\ndefault_md=sha256\npolicy=p\n"
            f"[p]\ncommonName=supplied\n"
        )
        _openssl("ca", "-batch", "-notext", "-config", configuration, "-cert", self.certificate,
                 "-keyfile", self.key, "-in", request, "-out", out, "-extfile", extensions,
                 "-startdate", _time(now - datetime.timedelta(days=10)),
                 "-enddate", "99991231235959Z" if ends_in_days is None
                 else _time(now + datetime.timedelta(days=ends_in_days)))
        return Certificate(out, key)


def _time(moment: datetime.datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%SZ")


def _openssl(*arguments) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed:\n{done.stdout}")
