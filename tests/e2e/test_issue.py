"""Issuing and installing, the shipped binary against Pebble and moto."""

import json
import os
import re
import shutil
import xml.etree.ElementTree

from certificates import names_of, public_key_of, public_key_of_certificate
from conftest import certificate


def live(folder):
    return (folder / "live" / "fullchain.pem").read_text(), (folder / "live" / "privkey.pem").read_text()


def changes_in(door):
    """zone id -> the batches that were sent to it, each a list of (action, name, number of values)."""
    space = "{https://route53.amazonaws.com/doc/2013-04-01/}"
    batches = {}
    for method, path, body, _ in door.requests:
        zone = re.match(r"/2013-04-01/hostedzone/([A-Z0-9]+)/rrset", path)
        if method != "POST" or not zone:
            continue
        batches.setdefault(zone[1], []).append([
            (
                change.findtext(space + "Action"),
                change.findtext(f"{space}ResourceRecordSet/{space}Name"),
                len(change.findall(f"{space}ResourceRecordSet/{space}ResourceRecords/{space}ResourceRecord")),
            )
            for change in xml.etree.ElementTree.fromstring(body).iter(space + "Change")
        ])
    return batches


def test_one_name_ends_as_files_whose_key_fits(certferry, aws):
    zone = aws.zone("one.example.org")
    certferry.configure(certificate("www", ["www.one.example.org"], {"files": str(certferry.folder / "tls")}))
    certferry.apply()
    chain, key = live(certferry.folder / "tls")
    assert names_of(chain) == ["www.one.example.org"]
    assert public_key_of(key) == public_key_of_certificate(chain)
    assert oct(os.stat(certferry.folder / "tls" / "live" / "privkey.pem").st_mode & 0o777) == "0o600"
    assert aws.txt_sets(zone) == []


def test_a_second_apply_asks_the_ca_when_to_renew_and_a_third_for_nothing(certferry, aws, ca):
    aws.zone("again.example.org")
    certferry.configure(certificate("again", ["again.example.org"], {"files": str(certferry.folder / "tls")}))
    certferry.apply()
    before = len(ca.requests())
    certferry.apply()
    directory, renewal_info = ca.requests()[before:]
    assert directory == "/dir" and renewal_info.startswith("/draft-ietf-acme-ari")
    certferry.apply()
    assert len(ca.requests()) == before + 2


def test_a_window_in_the_past_renews_at_once_and_names_the_predecessor(certferry, aws, ca):
    aws.zone("incident.example.org")
    certferry.configure(certificate("incident", ["incident.example.org"], {"files": str(certferry.folder / "tls")}))
    certferry.apply()
    former, _ = live(certferry.folder / "tls")
    ca.suggest_window(former, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "https://ca.example/incident")
    before_renewal = certferry.folder / "state-before"
    shutil.copytree(certferry.state, before_renewal)

    since = len(ca.requests())
    report = certferry.apply_report()
    renewed, _ = live(certferry.folder / "tls")
    assert renewed != former
    assert "https://ca.example/incident" in json.dumps(report)
    assert ca.requests()[since:].count("/order-plz") == 1

    # With the state of before, the same predecessor is named again: Pebble says alreadyReplaced, and is asked without.
    shutil.rmtree(certferry.state)
    shutil.copytree(before_renewal, certferry.state)
    since = len(ca.requests())
    certferry.apply()
    assert ca.requests()[since:].count("/order-plz") == 2
    assert live(certferry.folder / "tls")[0] not in (former, renewed)


def test_the_ca_is_asked_no_more_than_the_protocol_needs(certferry, aws, ca):
    aws.zone("floor.example.org")
    certferry.configure(certificate("first", ["first.floor.example.org"], {"files": str(certferry.folder / "first")}))
    certferry.apply()
    certferry.configure(
        certificate("first", ["first.floor.example.org"], {"files": str(certferry.folder / "first")}),
        certificate("second", ["second.floor.example.org"], {"files": str(certferry.folder / "second")}),
    )
    before = len(ca.requests())
    report = certferry.apply_report("--only", "second")
    asked = ca.requests()[before:]
    polls = report["requests"]["ca_polls"]
    # One read of the order after each wait, and nothing else twice.
    kinds = ["/dir", "/nonce-plz", "/order-plz", "/authZ/", "/chalZ/", "/finalize-order/", "/certZ/"]
    assert [sum(path.startswith(kind) for path in asked) for kind in kinds] == [1] * 7, asked
    assert sum(path.startswith("/my-order/") for path in asked) == polls, asked
    assert report["requests"]["ca"] == len(asked) == 7 + polls


def test_twenty_names_in_three_zones_cost_one_change_in_and_one_out_each(certferry, aws, aws_door):
    zones = [aws.zone(f"{z}.twenty.example.org") for z in "abc"]
    names = [f"n{i}.{'abc'[i % 3]}.twenty.example.org" for i in range(20)]
    certferry.configure(certificate("twenty", names, {"files": str(certferry.folder / "tls")}))
    certferry.apply()
    chain, _ = live(certferry.folder / "tls")
    assert names_of(chain) == sorted(names)
    changes = changes_in(aws_door)
    assert sorted(changes) == sorted(zones)
    for letter, zone in zip("abc", zones):
        assert aws.txt_sets(zone) == []
        challenges = sorted(f"_acme-challenge.{name}" for name in names if f".{letter}." in name)
        batch_in, batch_out = changes[zone]
        assert sorted(batch_in) == [("CREATE", name, 1) for name in challenges]
        assert sorted(batch_out) == [("DELETE", name, 1) for name in challenges]


def test_apex_and_wildcard_share_one_record_set(certferry, aws, aws_door):
    zone = aws.zone("wild.example.org")
    certferry.configure(
        certificate("wild", ["wild.example.org", "*.wild.example.org"], {"files": str(certferry.folder / "tls")})
    )
    certferry.apply()
    chain, _ = live(certferry.folder / "tls")
    assert names_of(chain) == ["*.wild.example.org", "wild.example.org"]
    both = [(action, "_acme-challenge.wild.example.org", 2) for action in ("CREATE", "DELETE")]
    assert changes_in(aws_door) == {zone: [[change] for change in both]}
    assert aws.txt_sets(zone) == []


def test_listeners_of_both_kinds_get_one_server_certificate(certferry, aws):
    aws.zone("both.example.org")
    from certificates import Authority

    chain, key = Authority("Placeholder").issue(["other.example.net"])
    old = aws.upload("both-old", chain, key)
    aws.classic("both-classic", old)
    listener = aws.application("both-alb", old)
    certferry.configure(certificate("both", ["both.example.org"], {"elb": "both-classic"}, {"listener": listener}))
    certferry.apply()
    bound = aws.classic_certificate("both-classic")
    assert bound == aws.listener_certificate(listener)
    assert ":server-certificate/certferry/" in bound
    name = bound.rsplit("/", 1)[1]
    stored = aws.client("iam").get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    assert names_of(stored["CertificateBody"]) == ["both.example.org"]
    assert any(c["ServerCertificateName"] == "both-old" for c in aws.server_certificates())


def test_an_internationalised_name_is_issued_as_its_a_label(certferry, aws):
    aws.zone("xn--bcher-kva.example")
    certferry.configure(certificate("books", ["www.bücher.example"], {"files": str(certferry.folder / "tls")}))
    certferry.apply()
    assert names_of(live(certferry.folder / "tls")[0]) == ["www.xn--bcher-kva.example"]
