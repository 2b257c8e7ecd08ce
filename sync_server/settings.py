"""What an installation may set, by environment (``HUIFANG_…``) or a file ``.env``.

Rules of the business are not here: they are policy (`shared.policy`)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SQLITE_FILE = "huifang.sqlite3"


class Settings(BaseSettings):
    """Read once by `bootstrap`. Sizes are bytes; times stand in the names."""

    model_config = SettingsConfigDict(
        env_prefix="HUIFANG_", env_file=".env", extra="ignore", frozen=True
    )

    connections: int = Field(
        default=20, ge=4, le=500, description="Database connections of one process, at most."
    )
    data_dir: Path = Field(default=Path("var"), description="Where database, keys and files live.")
    database: str | None = Field(
        default=None, description="SQLAlchemy URL; an SQLite file in data_dir if unset."
    )
    key_file: Path | None = Field(
        default=None, description="The server's keys; in data_dir if unset."
    )
    files_dir: Path | None = Field(
        default=None, description="Photos and documents; in data_dir if unset."
    )
    web_dir: Path | None = Field(
        default=None, description="The built web app; in data_dir if unset."
    )

    backup_dir: Path | None = Field(
        default=None, description="Where the server backs itself up; it does not if unset."
    )
    backup_minutes: int = Field(
        default=60, ge=1, description="How often, if something was written since."
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8750, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    tls_cert: Path | None = Field(
        default=None, description="PEM certificate chain; with tls_key, serves HTTPS."
    )
    tls_key: Path | None = Field(default=None, description="PEM private key of tls_cert.")
    public_url: str | None = Field(
        default=None,
        description="The address that devices use, where a proxy hides it from the server.",
    )
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")

    access_minutes: int = Field(default=15, ge=1, le=60, description="Life of an access token.")
    refresh_days: int = Field(
        default=90, ge=1, le=365, description="Life of an unused refresh token."
    )
    proof_window_seconds: int = Field(
        default=120, ge=10, le=600, description="How far a proof's time may be off."
    )
    password_memory_kib: int = Field(default=64 * 1024, ge=64, description="Argon2id memory.")
    password_iterations: int = Field(default=3, ge=1, description="Argon2id passes.")
    sign_in_tries: int = Field(
        default=10, ge=3, description="Wrong passwords per user in sign_in_minutes."
    )
    sign_in_tries_per_address: int = Field(
        default=60, ge=3, description="The same, from one address."
    )
    sign_in_minutes: int = Field(
        default=15, ge=1, description="The time in which tries are counted."
    )

    ticket_hours: int = Field(
        default=24,
        ge=1,
        le=168,
        description="How long a device that waits for approval needs no password again.",
    )
    requests_per_device: int = Field(
        default=3000, ge=60, description="Requests of one device: at once, and each minute."
    )
    requests_per_address: int = Field(
        default=30_000, ge=60, description="The same from one address, behind which a store may be."
    )
    trusted_proxies: str = Field(
        default="127.0.0.1", description="Whose X-Forwarded-For is believed: addresses, by commas."
    )

    oidc_issuer: str | None = Field(
        default=None,
        pattern=r"^(https://|http://(localhost|127\.0\.0\.1)(:\d+)?(/|$))",
        description="The company's own sign-in (OpenID Connect); with oidc_client_id.",
    )
    oidc_client_id: str | None = Field(default=None, description="What it calls this server.")
    oidc_client_secret: str | None = Field(
        default=None, repr=False, description="Unset for a public client."
    )
    oidc_claim: str = Field(
        default="email",
        pattern=r"^[A-Za-z_]{1,40}$",
        description="The claim by which administrators link people; it has to be verified.",
    )
    oidc_name: str = Field(default="公司账号", description="What the button for it says.")

    max_body_bytes: int = Field(
        default=16_000_000, ge=1_000_000, description="Largest body of a push."
    )
    max_head_bytes: int = Field(
        default=32_768, ge=8192, description="Request line and header fields together."
    )
    head_seconds: float = Field(
        default=20, gt=0, description="Within which a request's head has to be there."
    )
    silence_seconds: float = Field(
        default=60, gt=0, description="The longest pause within a request's body."
    )
    connections_per_address: int = Field(
        default=2000, ge=1, description="Open connections from one address."
    )
    upload_days: int = Field(default=7, ge=1, description="How long an unfinished upload is kept.")

    @property
    def database_url(self) -> str:
        """The database's URL."""
        return self.database or f"sqlite:///{self.data_dir / SQLITE_FILE}"

    @property
    def keys_path(self) -> Path:
        return self.key_file or self.data_dir / "huifang.keys"

    @property
    def files_path(self) -> Path:
        return self.files_dir or self.data_dir / "files"

    @property
    def web_path(self) -> Path:
        return self.web_dir or self.data_dir / "web"

    @property
    def proof_window(self) -> timedelta:
        return timedelta(seconds=self.proof_window_seconds)

    @property
    def access_life(self) -> timedelta:
        return timedelta(minutes=self.access_minutes)
