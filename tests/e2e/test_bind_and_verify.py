"""Between bind and verify: a verification that fails puts back what was there, and one that was never made is made by
the next run."""

import pytest
from certificates import Authority
from clear_ending import ended_clearly
from conftest import certificate
from test_listeners import https_root, trusting
from test_refusals import denying, operation_of

LOOK, BIND = "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:SetLoadBalancerListenerSSLCertificate"


@pytest.fixture(scope="module")
def elsewhere():
    return Authority("Some other CA")


class OnVerification:
    """Lets everything pass until a certificate was bound and bind has looked at it; then `then` answers the next look,
    once."""

    def __init__(self, then):
        self.looks_since_bind, self.struck, self._then = None, False, then

    def __call__(self, *request):
        operation = operation_of(*request)
        if operation == BIND and self.looks_since_bind is None:
            self.looks_since_bind = 0
        if operation != LOOK or self.looks_since_bind is None or self.struck:
            return None
        self.looks_since_bind += 1
        if self.looks_since_bind < 2:
            return None
        self.struck = True
        return self._then(*request)


def test_a_foreign_trusted_certificate_is_put_back_when_verification_fails(certferry, aws, ca, aws_door, elsewhere):
    aws.zone("unverified.example.org")
    chain, key = elsewhere.issue(["www.unverified.example.org"], days=300)
    old = aws.upload("unverified-old", chain, key)
    aws.classic("unverified", old)
    certferry.configure(
        certificate("www", ["www.unverified.example.org"], {"elb": "unverified"}),
        trust=trusting(certferry, ca, https_root(ca), ca.root, elsewhere.pem),
    )
    aws_door.answers = strike = OnVerification(denying(LOOK))
    ended_clearly(certferry, "classic ELB unverified:443", "DescribeLoadBalancers", advice=f"^Allow {LOOK}")
    assert strike.struck
    assert aws.classic_certificate("unverified") == old
    out, _ = certferry.run("plan", "--config", str(certferry.config))
    assert "rolled back" in out, "it waits before it tries again, and says why"
    certferry.apply("--retry")
    assert "/certferry/" in aws.classic_certificate("unverified")


def test_killed_between_bind_and_verify_the_rerun_verifies_and_retires_the_old_one(certferry, aws, ca, aws_door, elsewhere):
    aws.zone("between.example.org")
    chain, key = elsewhere.issue(["placeholder.example.net"])
    aws.classic("between", aws.upload("between-placeholder", chain, key))
    certferry.configure(certificate("between", ["between.example.org"], {"elb": "between", "retire_after": "0s"}))
    certferry.apply()
    first = aws.classic_certificate("between")
    renewal = certferry.start("apply", "--config", str(certferry.config), "--renew", "between")

    def kill(*_):
        renewal.kill()
        return "nothing"

    aws_door.answers = strike = OnVerification(kill)
    renewal.communicate(timeout=45)
    assert strike.struck and renewal.returncode < 0
    second = aws.classic_certificate("between")
    assert second != first, "it was bound before it died"

    orders = sum("order-plz" in path for path in ca.requests())
    report = certferry.apply_report()
    assert "installed" in [o["outcome"] for o in report["outcomes"]], report
    # The upload was offered again: IAM says EntityAlreadyExists, moto lists it twice.
    ours = {c["Arn"] for c in aws.server_certificates() if "between.example.org" in c["ServerCertificateName"]}
    assert ours == {second} == {aws.classic_certificate("between")}
    assert sum("order-plz" in path for path in ca.requests()) == orders
