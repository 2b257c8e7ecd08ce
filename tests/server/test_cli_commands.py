"""The command line does what it says, and says what went wrong with a code."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from shared.errors import Refusal
from sync_server import cli
from sync_server.bootstrap import Server
from sync_server.cli import running, terminal
from sync_server.db.sealing import KeyRing
from sync_server.services import accounts, devices
from sync_server.services.epochs import org_state
from sync_server.services.file_store import FileStore
from sync_server.services.server_keys import keys_at, read_keys
from sync_server.services.writing import Unit, write
from sync_server.settings import Settings
from tests.server.phones import CHEAP_PASSWORDS, ORG, PASSWORD, HandClock, staff_id

pytestmark = pytest.mark.thorough

KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """`serve` sets up the process's log, and this process has other tests to run."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def home(founded_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a founded company, which the environment names."""
    for name, value in {"DATA_DIR": str(tmp_path), **CHEAP_PASSWORDS}.items():
        monkeypatch.setenv(f"HUIFANG_{name.upper()}", str(value))
    monkeypatch.setattr(terminal.out, "_width", 200)
    shutil.copytree(founded_home, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    with terminal.opened(Settings(data_dir=home)) as opened:
        yield opened


def run(*words: str, keys: str = "") -> Result:
    return CliRunner().invoke(cli.app, list(words), input=keys)


def refused(*words: str) -> str:
    """Code with which a command was refused."""
    result = run(*words)
    assert result.exit_code == 1
    assert isinstance(result.exception, Refusal), result.output
    return result.exception.code.key


def test_a_user_is_added_and_can_sign_in(server: Server) -> None:
    secret = "a long password"
    result = run(
        *("user", "add", "Zhang", "--role", "technician", "--name", "张伟", "--store", "一号店"),
        keys=f"{secret}\n{secret}\n",
    )
    assert result.exit_code == 0, result.output
    assert secret not in result.output
    with server.database.read() as connection:
        account = accounts.known(connection, "zhang")
    assert (account.name, account.role) == ("张伟", "technician")
    assert server.hashes.matches(secret, account.password)


def test_a_user_name_is_given_once(server: Server) -> None:
    words = ("user", "add", "LIN", "--role", "technician", "--name", "林", "--password", "x" * 9)
    assert refused(*words) == "record_exists"
    with server.database.read() as connection:
        assert len(accounts.all_accounts(connection)) == 4


def test_a_short_password_is_refused_before_anything_is_written(server: Server) -> None:
    words = ("user", "add", "new", "--role", "technician", "--name", "新", "--password", "short")
    assert refused(*words) == "field_invalid"
    with server.database.read() as connection:
        assert accounts.by_username(connection, "new") is None


@pytest.mark.usefixtures("home")
def test_a_password_with_its_users_name_is_refused_wherever_one_is_set() -> None:
    words = ("user", "add", "zhang", "--role", "technician", "--name", "张伟")
    assert refused(*words, "--password", "zhang-2026") == "field_invalid"
    assert refused("user", "password", "chen", "--password", "chen-2026") == "field_invalid"
    assert refused("user", "rescue", "chen", "--password", "password1") == "field_invalid"
    found = ("found", "远东商贸", "--admin", "boss", "--password", "远东商贸2026")
    assert refused(*found) == "field_invalid"


@pytest.mark.usefixtures("home")
def test_users_are_listed_without_their_passwords() -> None:
    output = run("user", "list").output
    for name in ("lin", "wu", "chen", "gao"):
        assert name in output
    assert "argon2" not in output


def test_a_user_is_deactivated_and_comes_back(server: Server) -> None:
    assert run("user", "deactivate", "lin").exit_code == 0
    with server.database.read() as connection:
        assert not accounts.known(connection, "lin").active
    assert run("user", "reactivate", "lin").exit_code == 0
    with server.database.read() as connection:
        assert accounts.known(connection, "lin").active


def test_a_password_is_replaced(server: Server) -> None:
    secret = "another password"
    assert run("user", "password", "lin", keys=f"{secret}\n{secret}\n").exit_code == 0
    with server.database.read() as connection:
        stored = accounts.known(connection, "lin").password
    assert server.hashes.matches(secret, stored)
    assert not server.hashes.matches(PASSWORD, stored)


@pytest.mark.usefixtures("home")
def test_an_unknown_user_is_refused_by_its_code() -> None:
    assert refused("user", "deactivate", "nobody") == "record_missing"


def test_a_device_is_approved_by_the_end_of_its_id_or_its_only_owner(server: Server) -> None:
    with server.database.write() as connection:
        device = devices.enrol(
            connection,
            org_id=ORG,
            staff_id=staff_id("lin"),
            device_key=KEY,
            name="手机",
            platform="native",
            app_version="1.0",
            approved=False,
            now=server.clock.now(),
        )
    assert "pending" in run("device", "list").output
    assert run("device", "approve", device.id[-6:]).exit_code == 0
    assert "approved" in run("device", "list", "--state", "approved").output
    assert run("device", "block", "lin").exit_code == 0
    assert "blocked" in run("device", "list").output
    assert refused("device", "approve", "zzzz") == "device_unknown"


def test_a_device_is_ordered_to_be_emptied_and_shows_how_it_stands(server: Server) -> None:
    assert run("device", "enrol", "lin", KEY).exit_code == 0
    assert run("device", "wipe", "lin").exit_code == 0
    with server.database.read() as connection:
        (device,) = devices.all_devices(connection)
    assert device.state == "blocked" and device.wipe_ordered_at and not device.wiped_at
    told = run("device", "show", device.id[-6:]).output
    assert "wipe ordered" in told and device.id in told and "lin" in told
    assert refused("device", "wipe", "zzzz") == refused("device", "show", "zzzz")
    assert run("device", "approve", "lin").exit_code == 0
    with server.database.read() as connection:
        assert devices.all_devices(connection)[0].wipe_ordered_at is None


def test_a_device_is_enrolled_by_its_key(server: Server) -> None:
    assert run("device", "enrol", "lin", KEY).exit_code == 0
    with server.database.read() as connection:
        assert [d.state for d in devices.all_devices(connection)] == ["approved"]
    assert refused("device", "enrol", "lin", "not a key") == "field_invalid"


@pytest.mark.usefixtures("server")
def test_the_doctor_says_what_to_do_and_what_there_is() -> None:
    result = run("doctor")
    assert result.exit_code == 1
    assert "huifang build-web" in result.output
    assert "4 accounts" in result.output


def test_the_doctor_notices_keys_that_others_can_read(home: Path) -> None:
    (home / "huifang.keys").chmod(0o644)
    result = run("doctor")
    assert result.exit_code == 2
    assert "chmod 600" in result.output


def test_the_doctor_notices_keys_of_another_database_and_changes_nothing(home: Path) -> None:
    keys = home / "huifang.keys"
    keys.unlink()
    assert run("doctor").exit_code == 2
    assert not keys.exists()
    keys_at(keys)
    assert "belongs to this database" in run("doctor").output


def test_no_server_starts_with_new_keys_beside_old_data(home: Path) -> None:
    keys = home / "huifang.keys"
    keys.unlink()
    assert refused("user", "list") == "file_unreadable"
    assert not keys.exists()
    keys_at(keys)
    assert refused("user", "list") == "file_unreadable"


def test_an_organisation_is_founded_with_its_first_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIFANG_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HUIFANG_PASSWORD_MEMORY_KIB", "64")
    words = ("found", "新公司", "--admin", "boss", "--password", PASSWORD)
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert PASSWORD not in result.output
    with terminal.opened(Settings()) as server, server.database.read() as connection:
        account = accounts.known(connection, "boss")
        card = accounts.staff_card(connection, account)
    assert (card.role, card.organisation) == ("administrator", "新公司")
    assert refused(*words) == "record_exists"
    added = run(
        "user", "add", "lin", "--role", "technician", "--name", "林", "--password", PASSWORD
    )
    assert added.exit_code == 0, added.output


def test_a_user_whose_account_is_refused_leaves_no_staff_record(server: Server) -> None:
    def staff(unit: Unit) -> int:
        return len(unit.find("staff", role="technician"))

    before = write(server.database, ORG, server.clock.now(), staff)
    words = ("user", "add", "lin", "--role", "technician", "--name", "林", "--password", PASSWORD)
    assert refused(*words) == "record_exists"
    assert write(server.database, ORG, server.clock.now(), staff) == before


def test_keys_rotate_in_two_steps_and_what_is_stored_stays_readable(home: Path) -> None:
    with terminal.opened(Settings(data_dir=home)) as server:
        server.files.store.keep(ORG, "a" * 64, b"a photo")
        old = server.database.ring.current
    added = run("rotate-keys", "--add")
    assert added.exit_code == 0 and f"data key {old + 1}" in added.output
    assert (home / "huifang.keys").stat().st_mode & 0o077 == 0
    resealed = run("rotate-keys")
    assert resealed.exit_code == 0 and "1 files" in resealed.output
    keys = read_keys(home / "huifang.keys")
    only_new = replace(keys, data={old + 1: keys.data[old + 1]})
    with terminal.opened(Settings(data_dir=home)) as server:
        store = FileStore(server.settings.files_path, KeyRing(only_new.data, only_new.lookup))
    assert store.read(ORG, "a" * 64) == b"a photo"
    assert "0 values, 0 files" in run("rotate-keys").output


def test_a_backup_lets_phones_forget_and_is_brought_back_as_a_new_epoch(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("backup")
    with terminal.opened(Settings(data_dir=home)) as server:
        server.files.store.keep(ORG, "a" * 64, b"a photo")
        with server.database.read() as connection:
            before = org_state(connection, ORG)
    assert before.backed_up_to < before.last_seq
    assert run("backup", str(folder)).exit_code == 0
    (copy,) = folder.glob("*.sqlite3")
    assert copy.stat().st_mode & 0o077 == 0
    with terminal.opened(Settings(data_dir=home)) as server, server.database.read() as connection:
        assert org_state(connection, ORG).backed_up_to == before.last_seq
    assert refused("restore", str(copy)) == "record_exists"
    for path in home.glob("huifang.sqlite3*"):
        path.unlink()
    shutil.rmtree(home / "files")
    assert run("restore", str(copy)).exit_code == 0
    with terminal.opened(Settings(data_dir=home)) as server, server.database.read() as connection:
        after = org_state(connection, ORG)
        assert accounts.known(connection, "lin").active
        assert server.files.store.read(ORG, "a" * 64) == b"a photo"
    assert after.epoch != before.epoch and after.last_seq > before.last_seq


def test_a_damaged_backup_is_not_brought_back(home: Path, tmp_path: Path) -> None:
    for path in home.glob("huifang.sqlite3*"):
        path.unlink()
    broken = tmp_path / "huifang-broken.sqlite3"
    broken.write_bytes(b"SQLite format 3" + b"x" * 5000)
    assert refused("restore", str(broken)) == "file_unreadable"
    assert not (home / "huifang.sqlite3").exists()


def test_a_server_backs_itself_up_when_there_is_more_to_hold(home: Path) -> None:
    folder = home / "backup"
    with terminal.opened(Settings(data_dir=home, backup_dir=folder)) as server:
        server.back_up_if_due()
        server.back_up_if_due()
        assert len(list(folder.glob("*.sqlite3"))) == 1
        write(
            server.database,
            ORG,
            server.clock.now(),
            lambda u: u.update("staff", staff_id("lin"), {"team": "x"}) and None,
        )
        server.back_up_if_due()
        assert len(list(folder.glob("*.sqlite3"))) == 1, "the last one is not old enough"
        later = HandClock(server.clock.now() + timedelta(hours=1))
        replace(server, clock=later).back_up_if_due()
        assert len(list(folder.glob("*.sqlite3"))) == 2


def test_an_import_that_can_not_be_read_leaves_nothing(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "retail.csv"
    file.write_text("this,is,no,retail\n1,2,3,4\n")
    assert refused("import", str(file)) == "file_unreadable"
    assert refused("import", str(tmp_path / "missing.csv")) == "file_unreadable"
    with server.database.read() as connection:
        assert len(accounts.all_accounts(connection)) == 4


def test_half_a_tls_pair_is_refused(home: Path) -> None:
    assert refused("serve", "--port", "0", "--tls-cert", str(home / "x.pem")) == "file_unreadable"


@pytest.mark.usefixtures("home")
def test_a_port_that_is_taken_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert refused("serve", "--port", str(taken.getsockname()[1])) == "server_busy"


@pytest.mark.usefixtures("home")
def test_a_refusal_is_shown_with_its_code_and_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["huifang", "user", "deactivate", "nobody"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "record_missing" in told and "Synchronise and look again." in told
    assert "Traceback" not in told


def test_a_web_app_older_than_its_sources_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "REPOSITORY", tmp_path)
    source = tmp_path / "mobile" / "main.py"
    source.parent.mkdir()
    source.write_text("")
    web = tmp_path / "web"
    assert running.stale(web)
    web.mkdir()
    (web / "index.html").write_text("")
    os.utime(source, (1_000_000, 1_000_000))
    assert not running.stale(web)
    os.utime(web / "index.html", (900_000, 900_000))
    assert running.stale(web)


def test_a_builder_that_fails_is_reported_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "mobile" / "pwa"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text("import sys; sys.exit('no font was found')")
    monkeypatch.setattr(running, "REPOSITORY", tmp_path)
    with pytest.raises(Refusal) as failed:
        running.build_into(tmp_path / "web")
    assert failed.value.code.key == "file_unreadable"
    assert "no font was found" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_the_policy_is_shown_changed_and_taken_back_at_the_command_line() -> None:
    assert "lease_hours" in run("policy", "show").output
    words = ("policy", "set", "lease_hours=24", "totp_strict=yes", "--from", "2099-01-01")
    looked = run(*words, "--dry-run")
    assert "lease_hours: 72 -> 24" in looked.output and "Nothing was stored" in looked.output
    assert run(*words).exit_code == 0
    assert "coming" in run("policy", "show").output
    assert run("policy", "withdraw", "2").exit_code == 0
    assert "withdrawn" in run("policy", "show").output
    assert refused("policy", "set", "lease_hours=many") == "field_invalid"
    assert refused("policy", "set", "lease_hours") == "field_invalid"
    assert refused("policy", "set", "no_such=1") == "unknown_field"


@pytest.mark.usefixtures("home")
def test_tiers_are_proposed_planned_by_and_shown_at_the_command_line() -> None:
    assert "0 levels proposed" in run("tiers", "propose", "--all").output
    assert "0 visits planned" in run("tiers", "plan").output
    assert "0 buyers" in run("tiers", "show").output
