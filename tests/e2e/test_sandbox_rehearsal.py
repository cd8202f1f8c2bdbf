"""The whole sandbox in use: certbot's ACME library obtains from it, and certferry rehearses in it from outside."""

import datetime
import os
import re
import subprocess
import tomllib

import josepy
import pytest
import requests
from acme import challenges, client, errors, messages
from certificates import Authority, names_of, public_key_of, public_key_of_certificate
from clear_ending import messages as messages_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from sandbox_peer import Sandbox, eventually, txt


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    zones = "--zone example.com --zone sub.example.com --zone example.net"
    peer = Sandbox(tmp_path_factory.mktemp("sandbox"), *zones.split())
    yield peer
    peer.stop()


# certbot's library


def acme_client(sandbox, key=None, algorithm=josepy.ES256):
    key = key or josepy.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
    network = client.ClientNetwork(key, alg=algorithm, verify_ssl=sandbox.places["ca_root"], timeout=10)
    directory = client.ClientV2.get_directory(sandbox.places["ca_directory"], network)
    return client.ClientV2(directory, network)


def registered(sandbox, **words):
    acme = acme_client(sandbox, **words)
    acme.new_account(messages.NewRegistration.from_data(email="hostmaster@example.com", terms_of_service_agreed=True))
    return acme


def request_for(*names):
    """A certificate signing request and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return request.public_bytes(serialization.Encoding.PEM), private.decode()


def dns_challenge(authorization):
    return next(c for c in authorization.body.challenges if isinstance(c.chall, challenges.DNS01))


def challenge_values(acme, order):
    """challenge name -> the TXT values that its authorizations want"""
    values = {}
    for authorization in order.authorizations:
        name = challenges.DNS01().validation_domain_name(authorization.body.identifier.value)
        validation = dns_challenge(authorization).validation(acme.net.key)
        values.setdefault(name, []).append(validation)
    return values


def published(sandbox, values, action="CREATE"):
    """These values at their names, in the zones that they belong to, once the servers answer with them."""
    zones = {z["Name"].rstrip("."): z["Id"] for z in sandbox.client("route53").list_hosted_zones()["HostedZones"]}
    waiting = []
    for name, texts in values.items():
        zone = max((z for z in zones if name.endswith("." + z)), key=len)
        waiting.append(sandbox.change(zones[zone], txt(action, name, *texts))["Id"])
    for change in waiting:
        sandbox.insync(change)


def answered(acme, order):
    for authorization in order.authorizations:
        challenge = dns_challenge(authorization)
        acme.answer_challenge(challenge, challenge.response(acme.net.key))


def deadline():
    return datetime.datetime.now() + datetime.timedelta(seconds=20)


def verified(sandbox, pem, name):
    """The chain of a PEM bundle from its leaf to the sandbox's root, as cryptography builds it."""
    leaf, *rest = x509.load_pem_x509_certificates(pem.encode())
    with open(sandbox.places["ca_root"], "rb") as file:
        roots = x509.load_pem_x509_certificates(file.read())
    store = verification.Store(roots)
    verifier = verification.PolicyBuilder().store(store).build_server_verifier(x509.DNSName(name))
    return verifier.verify(leaf, rest)


def test_the_directory_names_what_a_client_needs(sandbox):
    directory = requests.get(sandbox.places["ca_directory"], verify=sandbox.places["ca_root"], timeout=10).json()
    assert {"newNonce", "newAccount", "newOrder", "revokeCert", "renewalInfo"} <= set(directory)
    assert directory["meta"]["termsOfService"].startswith("http")


@pytest.mark.parametrize("kind", ["ES256", "RS256"])
def test_the_acme_library_obtains_apex_and_wildcard_by_dns(sandbox, kind):
    key, algorithm = {
        "ES256": lambda: (None, josepy.ES256),
        "RS256": lambda: (josepy.JWKRSA(key=rsa.generate_private_key(65537, 2048)), josepy.RS256),
    }[kind]()
    acme = registered(sandbox, key=key, algorithm=algorithm)
    zone = f"{kind.lower()}.example.com"
    names = [zone, f"*.{zone}", f"www.{kind.lower()}.sub.example.com"]
    request, private = request_for(*names)
    order = acme.new_order(request)
    values = challenge_values(acme, order)
    assert sorted(len(v) for v in values.values()) == [1, 2]
    published(sandbox, values)
    answered(acme, order)
    issued = acme.poll_and_finalize(order, deadline()).fullchain_pem
    published(sandbox, values, "DELETE")
    assert names_of(issued) == sorted(names)
    assert public_key_of_certificate(issued) == public_key_of(private)
    chain = verified(sandbox, issued, f"any.{zone}")
    assert len(chain) == 3, "leaf, intermediate, root"


def test_a_challenge_with_another_value_fails_the_order(sandbox):
    acme = registered(sandbox)
    order = acme.new_order(request_for("wrong.example.net")[0])
    published(sandbox, {"_acme-challenge.wrong.example.net": ["not-the-value"]})
    answered(acme, order)
    with pytest.raises(errors.ValidationError) as caught:
        acme.poll_and_finalize(order, deadline())
    error = dns_challenge(caught.value.failed_authzrs[0]).error
    assert error.code == "unauthorized"


def test_a_value_that_is_still_pending_is_not_seen(sandbox):
    acme = registered(sandbox)
    order = acme.new_order(request_for("early.example.net")[0])
    values = challenge_values(acme, order)
    zone = sandbox.zone_id("example.net")
    change = sandbox.change(zone, *(txt("CREATE", name, *texts) for name, texts in values.items()))
    assert change["Status"] == "PENDING"
    answered(acme, order)
    with pytest.raises(errors.ValidationError):
        acme.poll_and_finalize(order, deadline())


def test_a_foreign_key_finds_no_account_and_terms_must_be_agreed_to(sandbox):
    acme = acme_client(sandbox)
    with pytest.raises(messages.Error) as caught:
        acme.new_account(messages.NewRegistration(only_return_existing=True))
    assert caught.value.code == "accountDoesNotExist"
    with pytest.raises(messages.Error):
        acme.new_account(messages.NewRegistration.from_data(email="a@example.com"))


def test_what_was_issued_can_be_revoked_once(sandbox):
    acme = registered(sandbox)
    order = acme.new_order(request_for("revoked.example.net")[0])
    published(sandbox, challenge_values(acme, order))
    answered(acme, order)
    issued = x509.load_pem_x509_certificate(acme.poll_and_finalize(order, deadline()).fullchain_pem.encode())
    acme.revoke(issued, 0)
    with pytest.raises(messages.Error) as caught:
        acme.revoke(issued, 0)
    assert caught.value.code == "alreadyRevoked"


# certferry from outside


class Rehearsal:
    """A sandbox and what a user has: the lines that it printed, a shell, the binary."""

    def __init__(self, folder, *options):
        self.sandbox = Sandbox(folder / "sandbox", *options)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NO_COLOR": "1",
            **self.sandbox.aws_environment,
        }
        self.config = self.sandbox.places["configuration"]

    def run(self, *arguments, expect=0):
        return self.told(*arguments, expect=expect)[0]

    def told(self, *arguments, expect=0):
        ran = subprocess.run(
            [os.environ["CERTFERRY_BINARY"], *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert ran.returncode == expect, f"exit {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout, ran.stderr

    def apply(self, *arguments, expect=0):
        return self.run("apply", "--config", self.config, *arguments, expect=expect)

    def bound(self):
        """The ARN at each load balancer."""
        classic = self.sandbox.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
        arns = {b["LoadBalancerName"]: b["ListenerDescriptions"][0]["Listener"]["SSLCertificateId"] for b in classic}
        elbv2 = self.sandbox.client("elbv2")
        for balancer in elbv2.describe_load_balancers()["LoadBalancers"]:
            listener = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"][0]
            arns[balancer["LoadBalancerName"]] = listener["Certificates"][0]["CertificateArn"]
        return arns

    def certificate(self, arn):
        name = arn.rsplit("/", 1)[1]
        return self.sandbox.client("iam").get_server_certificate(ServerCertificateName=name)["ServerCertificate"]


@pytest.fixture
def rehearsal(tmp_path, request):
    made = Rehearsal(tmp_path, *getattr(request, "param", "").split())
    yield made
    made.sandbox.stop()


def test_a_rehearsal_ends_with_one_certificate_on_every_load_balancer(rehearsal):
    before = rehearsal.bound()
    assert all(arn.endswith("-placeholder") for arn in before.values()) and len(before) == 2
    rehearsal.apply()
    after = set(rehearsal.bound().values())
    assert len(after) == 1 and not after & set(before.values())
    stored = rehearsal.certificate(after.pop())
    assert names_of(stored["CertificateBody"]) == ["*.example.com", "example.com"]
    bundle = stored["CertificateBody"] + "\n" + stored["CertificateChain"]
    assert verified(rehearsal.sandbox, bundle, "www.example.com")
    assert rehearsal.sandbox.txt_sets(rehearsal.sandbox.zone_id("example.com")) == {}


def test_a_second_rehearsal_changes_nothing(rehearsal):
    rehearsal.apply()
    before = rehearsal.bound()
    rehearsal.run("plan", "--config", rehearsal.config, "--detailed-exitcode", expect=0)
    rehearsal.apply()
    assert rehearsal.bound() == before


def test_a_zone_among_more_than_a_hundred_is_found_on_the_second_page(tmp_path):
    """moto gives all zones in one page, so this is seen here."""
    rehearsal = Rehearsal(tmp_path, "--speed", "50", *(word for n in range(130) for word in ("--zone", f"zone{n}.example")))
    sandbox = rehearsal.sandbox
    try:
        first = sandbox.client("route53").list_hosted_zones()
        rest = sandbox.client("route53").list_hosted_zones(Marker=first["NextMarker"])
        assert (len(first["HostedZones"]), len(rest["HostedZones"])) == (100, 30) and not rest["IsTruncated"]
        name = rest["HostedZones"][-1]["Name"].rstrip(".")
        text = open(rehearsal.config).read()
        text, times = re.subn(r"domains = .*", f'domains = ["{name}", "www.{name}"]', text)
        assert times == 1
        rehearsal.config = str(tmp_path / "far.toml")
        open(rehearsal.config, "w").write(text)
        before = sandbox.requests()
        rehearsal.apply()
        asked = {what: n - before.get(what, 0) for what, n in sandbox.requests().items()}
        assert asked["route53 ListHostedZones"] == 2, asked
        assert asked["route53 ChangeResourceRecordSets"] == 2, "one change in and one out"
        assert all(":server-certificate/certferry/" in arn for arn in rehearsal.bound().values())
        assert sandbox.txt_sets(sandbox.zone_id(name)) == {}
    finally:
        sandbox.stop()


@pytest.mark.parametrize(
    "values, ttl",
    [(["somebody-elses"], 300), (["one", "two", "three"], 60), (['"in two" "strings"'], 5), (['"octal \\344"'], 60)],
    ids=["one, of another TTL", "three", "in two strings", "escaped"],
)
def test_foreign_values_at_the_challenges_name_stay_as_they_were(rehearsal, values, ttl):
    sandbox = rehearsal.sandbox
    zone = sandbox.zone_id("example.com")
    sandbox.insync(sandbox.change(zone, txt("CREATE", "_acme-challenge.example.com", *values, ttl=ttl))["Id"])
    before = sandbox.txt_sets(zone)
    rehearsal.apply()
    assert sandbox.txt_sets(zone) == before
    assert ":server-certificate/certferry/" in rehearsal.bound()["classic"]


def test_a_foreign_value_that_comes_meanwhile_stays_too(rehearsal):
    """Written as soon as certferry's own values stand: its withdrawal then meets another set than it made."""
    sandbox = rehearsal.sandbox
    zone, name = sandbox.zone_id("example.com"), "_acme-challenge.example.com"
    run = subprocess.Popen(
        [os.environ["CERTFERRY_BINARY"], "apply", "--config", rehearsal.config],
        env=rehearsal.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        mine = None
        while mine is None and run.poll() is None:
            mine = sandbox.txt_sets(zone).get(name)
        assert mine, run.communicate(timeout=10)[0]
        ttl, ours = mine
        assert len(ours) == 2
        sandbox.change(zone, txt("DELETE", name, *ours, ttl=ttl), txt("CREATE", name, "foreign", *ours, ttl=ttl))
        out, _ = run.communicate(timeout=90)
        assert run.returncode == 0, out
    finally:
        if run.poll() is None:
            run.kill()
            run.communicate()
    assert sandbox.txt_sets(zone) == {name: (ttl, ['"foreign"'])}


def test_a_cname_at_the_challenges_name_is_said_and_nothing_is_changed(rehearsal):
    sandbox = rehearsal.sandbox
    zone = sandbox.zone_id("example.com")
    alias = txt("CREATE", "_acme-challenge.example.com", "elsewhere.example.org", kind="CNAME")
    sandbox.insync(sandbox.change(zone, alias)["Id"])
    before = rehearsal.bound()
    told = messages_of(*rehearsal.told("apply", "--config", rehearsal.config, expect=1))
    assert len(told) == 1, told
    what, next_step = told[0]
    assert "_acme-challenge.example.com is a CNAME to elsewhere.example.org, which is neither" in what
    assert "[challenge] delegated" in next_step
    assert rehearsal.bound() == before
    assert sandbox.txt_sets(zone) == {}


def test_a_foreign_certificate_is_kept_from_a_test_ca(rehearsal, tmp_path):
    """Where the roots of the sandbox's CA are not trusted, what somebody else bought stays where it is."""
    sandbox = rehearsal.sandbox
    (tmp_path / "server.pem").write_text(sandbox.places["ca_pem"])
    text = open(rehearsal.config).read().replace(sandbox.places["ca_root"], str(tmp_path / "server.pem"))
    rehearsal.config = str(tmp_path / "untrusting.toml")
    open(rehearsal.config, "w").write(text)
    authority = Authority("Some CA")
    body, key = authority.issue(["example.com", "*.example.com"])
    arn = sandbox.client("iam").upload_server_certificate(
        ServerCertificateName="bought", CertificateBody=body, PrivateKey=key, CertificateChain=authority.pem
    )["ServerCertificateMetadata"]["Arn"]
    bind = dict(LoadBalancerName="classic", LoadBalancerPort=443, SSLCertificateId=arn)
    elb = sandbox.client("elb")
    eventually(lambda: elb.set_load_balancer_listener_ssl_certificate(**bind), "CertificateNotFound")
    rehearsal.apply()
    assert rehearsal.bound()["classic"] == arn
    rehearsal.apply("--install-untrusted")
    assert rehearsal.bound()["classic"] != arn
    assert any(
        c["Arn"] == arn for c in sandbox.client("iam").list_server_certificates()["ServerCertificateMetadataList"]
    ), "foreign certificates are never deleted"


@pytest.mark.parametrize("rehearsal", ["--bucket state --kms-key alias/certferry"], indirect=True)
def test_state_in_a_bucket_is_sealed_by_the_sandboxs_kms(rehearsal):
    rehearsal.apply()
    s3 = rehearsal.sandbox.client("s3")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="state", Prefix="certferry/")["Contents"]]
    assert any("/secret/" in key for key in keys) and any("/account/" in key for key in keys)
    for key in keys:
        assert b"PRIVATE KEY" not in s3.get_object(Bucket="state", Key=key)["Body"].read(), key
    before = rehearsal.bound()
    rehearsal.apply()
    assert rehearsal.bound() == before


ROLES = [f"arn:aws:iam::{account}:role/team/dns" for account in ("210987654321", "310987654321")]
ALL = (
    "--zone example.com --zone sub.example.com --zone example.net --elb old:8443 --elb old --elb plain --alb web --bucket state "
    f"--kms-key alias/certferry --role {ROLES[0]} --role {ROLES[1]}"
)


@pytest.mark.parametrize("rehearsal", [ALL], indirect=True)
def test_what_it_writes_fits_all_that_it_was_started_with(rehearsal):
    """As it suggests: nobody edits anything between."""
    rehearsal.run("doctor", "--config", rehearsal.config)
    rehearsal.apply()
    assert all(":server-certificate/certferry/" in arn for arn in rehearsal.bound().values()) and len(rehearsal.bound()) == 3
    classic = rehearsal.sandbox.client("elb").describe_load_balancers(LoadBalancerNames=["old"])["LoadBalancerDescriptions"]
    listeners = [one["Listener"] for one in classic[0]["ListenerDescriptions"]]
    assert sorted(one["LoadBalancerPort"] for one in listeners) == [443, 8443]
    arn = rehearsal.bound()["web"]
    assert {one["SSLCertificateId"] for one in listeners} == {arn}
    names = ["example.com", "*.example.com", "*.sub.example.com", "example.net", "*.example.net"]
    assert names_of(rehearsal.certificate(arn)["CertificateBody"]) == sorted(names)
    config = tomllib.loads(open(rehearsal.config).read())
    assert config["state"] == {"store": "s3://state/certferry/", "kms_key": "alias/certferry"}
    assert config["zone"] == [
        {"name": "example.com", "role": ROLES[0]}, {"name": "sub.example.com", "role": ROLES[1]},
    ]  # fmt: skip
    assert rehearsal.sandbox.requests()["sts AssumeRole"] >= 2


@pytest.mark.parametrize("rehearsal", ["--bucket state"], indirect=True)
def test_a_bucket_without_a_key_holds_no_state_and_it_says_why(rehearsal):
    text = open(rehearsal.config).read()
    assert "# Not in the bucket state: a state in S3 needs a KMS key (--kms-key)." in text
    rehearsal.apply()


def test_it_writes_over_its_own_files_and_over_no_others(rehearsal, tmp_path):
    rehearsal.sandbox.stop()
    before = rehearsal.sandbox.places["aws_endpoint"]
    rehearsal.sandbox = Sandbox(tmp_path / "sandbox")
    assert rehearsal.sandbox.places["aws_endpoint"] != before
    rehearsal.environment |= rehearsal.sandbox.aws_environment
    rehearsal.apply()
    rehearsal.sandbox.stop()
    first, kept = open(rehearsal.config).read().split("\n", 1)
    assert first.startswith("# Written by `certferry sandbox`")
    open(rehearsal.config, "w").write(kept)
    _, err = rehearsal.told("sandbox", "--directory", str(tmp_path / "sandbox"), expect=2)
    assert f"{rehearsal.config} is there, and was not written by a sandbox" in err
    assert open(rehearsal.config).read() == kept
