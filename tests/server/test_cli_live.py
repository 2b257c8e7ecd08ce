"""A real server, started as its users start it, through a real socket."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync_server.services import accounts
from tests.live_server import live_server
from tests.server.phones import found_company

pytestmark = pytest.mark.processes


def test_a_server_that_is_killed_comes_back_with_everything(tmp_path: Path) -> None:
    with live_server(tmp_path, prepare=found_company) as live:
        assert httpx.get(f"{live.url}/readyz").json()["status"] == "ok"
        first = live.url
        live.kill()
        live.start()
        assert live.url == first
        answer = httpx.get(f"{live.url}/readyz")
        assert answer.status_code == 200
        assert "date" in answer.headers and "server" not in answer.headers
        assert (live.settings.data_dir / "huifang.sqlite3-wal").stat().st_mode & 0o077 == 0
        with live.opened() as server, server.database.read() as connection:
            assert len(accounts.all_accounts(connection)) == 4


def test_a_server_with_a_certificate_speaks_https_and_says_to_stay_there(tmp_path: Path) -> None:
    certificate, key = certified(tmp_path)
    with live_server(tmp_path, tls_cert=certificate, tls_key=key) as live:
        assert live.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(certificate))
        answer = httpx.get(f"{live.url}/healthz", verify=trusted)
    assert answer.json()["status"] == "ok"
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "server.pem", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
