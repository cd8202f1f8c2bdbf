"""What listeners are given, kept and given back (invariant I7), against moto's load balancers."""

import re

import pytest

from certificates import Authority, names_of
from clear_ending import ended_clearly
from conftest import certificate


@pytest.fixture(scope="module")
def elsewhere():
    return Authority("Some other CA")


def trusting(certferry, ca, *authorities):
    """A file that trusts the CA's HTTPS and these authorities; with or without the CA's own root."""
    bundle = certferry.folder / "trust.pem"
    bundle.write_text("".join(authorities))
    return str(bundle)


def https_root(ca):
    with open(ca.https_trust) as file:
        return file.read()


def test_a_test_certificate_is_not_bound_over_a_trusted_one(certferry, aws, ca, elsewhere):
    aws.zone("held.example.org")
    chain, key = elsewhere.issue(["www.held.example.org"])
    old = aws.upload("held-old", chain, key)
    aws.classic("held", old)
    certferry.configure(
        certificate("www", ["www.held.example.org"], {"elb": "held"}),
        trust=trusting(certferry, ca, https_root(ca), elsewhere.pem),
    )
    out, err = certferry.apply()
    assert aws.classic_certificate("held") == old
    assert re.search(r'^held +classic ELB held:443: .*\n +-> .*directory = "letsencrypt"', out, re.M), out
    certferry.apply("--install-untrusted")
    assert aws.classic_certificate("held") != old


def test_a_foreign_trusted_certificate_is_taken_over_by_the_first_apply(certferry, aws, ca, elsewhere):
    aws.zone("taken.example.org")
    chain, key = elsewhere.issue(["www.taken.example.org"], days=300)
    old = aws.upload("taken-old", chain, key)
    aws.classic("taken", old)
    certferry.configure(
        certificate("www", ["www.taken.example.org"], {"elb": "taken"}),
        trust=trusting(certferry, ca, https_root(ca), ca.root, elsewhere.pem),
    )
    certferry.apply()
    assert "/certferry/" in aws.classic_certificate("taken")
    assert any(c["ServerCertificateName"] == "taken-old" for c in aws.server_certificates()), "foreign ones are never retired"


def test_a_certificate_that_covers_a_further_name_is_kept(certferry, aws, ca, elsewhere):
    aws.zone("further.example.org")
    chain, key = elsewhere.issue(["www.further.example.org", "api.further.example.org"])
    old = aws.upload("further-old", chain, key)
    aws.classic("further", old)
    certferry.configure(
        certificate("www", ["www.further.example.org"], {"elb": "further"}),
        trust=trusting(certferry, ca, https_root(ca), ca.root, elsewhere.pem),
    )
    since = len(ca.requests())
    out, err = certferry.apply()
    assert aws.classic_certificate("further") == old
    assert re.search(r"^held .*api\.further\.example\.org.*\n +-> .*--drop-names", out, re.M), out
    assert not [path for path in ca.requests()[since:] if "order-plz" in path], "no order is spent"
    certferry.apply("--drop-names")
    assert "/certferry/" in aws.classic_certificate("further")


def test_a_directory_that_is_none_costs_no_order(certferry, aws, ca):
    aws.zone("unwritable.example.org")
    place = certferry.folder / "notdir"
    place.write_text("a plain file")
    certferry.configure(certificate("www", ["www.unwritable.example.org"], {"files": str(place)}))
    since = len(ca.requests())
    out, err = certferry.run("plan", "--config", str(certferry.config), expect=1)
    assert f"x trouble  files {place}: " in out and "Not a directory" in out, out
    assert "Nothing is done: 0 to issue" in out, out
    out, err = certferry.apply(expect=1)
    assert "Not a directory" in out, out + err
    assert not [path for path in ca.requests()[since:] if "order-plz" in path], "no order is spent"
    assert place.read_text() == "a plain file"
    place.unlink()
    certferry.apply()
    assert (place / "live" / "fullchain.pem").is_file()


def test_state_lost_while_ours_is_served_makes_no_order(certferry, aws, ca, elsewhere):
    import shutil

    aws.zone("lost.example.org")
    chain, key = elsewhere.issue(["placeholder.example.net"])
    aws.classic("lost", aws.upload("lost-old", chain, key))
    certferry.configure(certificate("www", ["www.lost.example.org"], {"elb": "lost"}))
    certferry.apply()
    served = aws.classic_certificate("lost")
    shutil.rmtree(certferry.state)
    since = len(ca.requests())
    out, err = certferry.run("plan", "--config", str(certferry.config))
    assert re.search(r"^  keep +www: the state is missing, but .*\n +-> point \[state\] store", out, re.M), out
    certferry.apply()
    assert aws.classic_certificate("lost") == served
    assert not [path for path in ca.requests()[since:] if "order-plz" in path]


def test_a_renewal_swaps_the_certificate_and_retires_the_old_one_after_its_grace(certferry, aws, elsewhere):
    aws.zone("renewed.example.org")
    chain, key = elsewhere.issue(["placeholder.example.net"])
    aws.classic("renewed", aws.upload("renewed-old", chain, key))
    certferry.configure(certificate("renewed", ["renewed.example.org"], {"elb": "renewed", "retire_after": "0s"}))
    certferry.apply()
    first = aws.classic_certificate("renewed")
    certferry.apply("--renew", "renewed")
    second = aws.classic_certificate("renewed")
    assert second != first
    certferry.apply()
    names = [c["ServerCertificateName"] for c in aws.server_certificates() if "renewed.example.org" in c["ServerCertificateName"]]
    assert names == [second.rsplit("/", 1)[1]]
    stored = aws.client("iam").get_server_certificate(ServerCertificateName=names[0])["ServerCertificate"]
    assert names_of(stored["CertificateBody"]) == ["renewed.example.org"]


def test_a_listener_that_does_not_exist_is_said_plainly_and_costs_no_order(certferry, aws, ca):
    aws.zone("listenerless.example.org")
    before = len(ca.requests())
    balancer = f"arn:aws:elasticloadbalancing:{aws.region}:123456789012:listener/app/gone/0123456789abcdef/"
    certferry.configure(certificate("www", ["www.listenerless.example.org"], {"listener": balancer + "fedcba9876543210"}))
    ended_clearly(certferry, "fedcba9876543210", f"there is no such listener in {aws.region}", advice="`listener`")
    assert not any("order-plz" in path for path in ca.requests()[before:])


def test_a_load_balancer_that_does_not_exist_is_said_plainly_and_costs_no_order(certferry, aws, ca):
    aws.zone("nowhere.example.org")
    before = len(ca.requests())
    certferry.configure(certificate("www", ["www.nowhere.example.org"], {"elb": "no-such-lb"}))
    ended_clearly(
        certferry, "classic ELB no-such-lb:443", "there is no such load balancer", advice="Correct `elb` or `region`"
    )
    assert not any("order-plz" in path for path in ca.requests()[before:])
