"""docs/scheduling.md: its cron line and its units, read from the page, start as they are written."""

import configparser
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest
from conftest import certificate

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "scheduling.md").read_text()
INSTALLED, CONFIGURATION = "/usr/local/bin/certferry", "/etc/certferry/certferry.toml"


def unit(name):
    """The unit file of this name, as it stands on the page."""
    return re.search(rf"`/etc/systemd/system/{re.escape(name)}`:\n\n```ini\n(.*?)```", PAGE, re.DOTALL)[1]


def cron_line():
    """When, as whom and what: the one line of the crontab that is no comment."""
    [line] = [line for line in re.search(r"## cron\n\n```\n(.*?)```", PAGE, re.DOTALL)[1].splitlines() if line[0] != "#"]
    fields = line.split(maxsplit=6)
    return fields[:5], fields[5], fields[6]


@pytest.fixture
def here(certferry, aws, request):
    """A command of the page, with this binary and this configuration in the places that it names."""
    name = request.node.name.replace("_", "-")[5:25] + ".example.org"
    aws.zone(name)
    certferry.configure(certificate("www", [f"www.{name}"], {"files": str(certferry.folder / "tls")}))

    def moved(command):
        assert INSTALLED in command and CONFIGURATION in command
        return command.replace(INSTALLED, os.environ["CERTFERRY_BINARY"]).replace(CONFIGURATION, str(certferry.config))

    return moved


def started(certferry, *words):
    ended = subprocess.run(
        words, env=certferry.environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_the_cron_line_starts_and_mails_only_what_was_done(certferry, here):
    when, user, command = cron_line()
    minute, hour, *days = when
    assert re.fullmatch(r"[0-9]|[1-5][0-9]", minute) and days == ["*"] * 3
    assert all(0 <= int(one) < 24 for one in hour.split(",")) and len(hour.split(",")) == 6, "six times a day"
    assert "%" not in command, "cron makes a line's end of it"
    assert f"--shell /usr/sbin/nologin {user}\n" in PAGE
    assert "issued    www: " in started(certferry, "/bin/sh", "-c", here(command))
    assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()
    assert started(certferry, "/bin/sh", "-c", here(command)) == ""


def test_the_service_starts(certferry, here):
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.optionxform = str
    service.read_string(unit("certferry.service"))
    assert f"--shell /usr/sbin/nologin {service['Service']['User']}\n" in PAGE
    assert f'store = "/var/lib/{service["Service"]["StateDirectory"]}"' in PAGE
    assert "issued    www: " in started(certferry, *shlex.split(here(service["Service"]["ExecStart"])))
    assert (certferry.folder / "tls" / "live" / "fullchain.pem").exists()


def test_the_service_is_given_the_time_to_reload_and_to_go_back():
    """A reload, and FilesTarget::restore_deadline(): then systemd kills all of it."""
    limits = pathlib.Path(__file__).parents[2] / "src" / "base" / "limits"

    def seconds(file, name):
        count, unit = re.search(rf" {name} = (\w+)\((\d+)\)", (limits / file).read_text()).group(2, 1)
        return int(count) * {"seconds": 1, "minutes": 60}[unit]

    given = 60 * int(re.search(r"^TimeoutStopSec=(\d+)min$", unit("certferry.service"), re.MULTILINE)[1])
    reload = seconds("reload.h", "timeout")
    assert given > reload + seconds("reload.h", "patience") + 2 * (seconds("renewal.h", "clean_up_deadline") + reload)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here to ask")
def test_systemd_has_nothing_to_say_against_the_units(tmp_path):
    for name in ("certferry.service", "certferry.timer"):
        (tmp_path / name).write_text(unit(name).replace(INSTALLED, os.environ["CERTFERRY_BINARY"]))
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, capture_output=True, text=True, timeout=60,
    )
    about_ours = [line for line in ended.stderr.splitlines() if "certferry" in line]
    assert about_ours == [] and ended.returncode == 0, ended.stderr
    (tmp_path / "certferry.timer").write_text(unit("certferry.timer").replace("OnCalendar=", "OnCalendar=never "))
    ended = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "certferry.timer")],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}, capture_output=True, text=True, timeout=60,
    )
    assert "calendar specification" in ended.stderr, "it does look"
