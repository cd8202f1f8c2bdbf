"""What docs/permissions.md allows, read from the page, suffices for the configuration that stands there; and each
permission that is missing is named, with what it is for, and costs nothing. In a sandbox that enforces policies."""

import json
import pathlib
import re

import pytest
from botocore.exceptions import ClientError
from certificates import Authority
from clear_ending import ended_clearly
from sandbox_peer import Sandbox, eventually, txt

ROLE = "arn:aws:iam::123456789012:role/certferry"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "permissions.md").read_text()
CHALLENGE = "_acme-challenge.example.com"


def sample(language):
    """The first block of this language below "A sample"."""
    return re.search(rf"## A sample\n.*?```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def page_policy():
    """Ids that a sandbox gives are its own: whatever they are stands for those of the page."""
    policy = sample("json").replace("hostedzone/Z0123456789", "hostedzone/*")
    return json.loads(re.sub(r":key/[0-9-]{36}", ":key/*", policy))


def without(policy, action):
    for statement in policy["Statement"]:
        allowed = statement["Action"]
        if action in (allowed if isinstance(allowed, list) else [allowed]):
            statement["Action"] = [one for one in allowed if one != action] if isinstance(allowed, list) else "none:Such"
            return policy
    pytest.fail(f"{action} is nowhere allowed")


def sandbox_as_typed(certferry, line, folder):
    """A sandbox by the words of this line, in the folder that stands among them."""
    words = line.split()
    assert words[:4] == ["certferry", "sandbox", "--directory", str(folder)]
    return Sandbox(folder, *(re.sub(r"[\w-]+\.json$", lambda file: str(certferry.folder / file[0]), word) for word in words[4:]))


class Place:
    """A sandbox with what the page's configuration names, and certferry in it: as the role, which may do what its policy
    says, or as the account's own keys, which may do everything."""

    def __init__(self, certferry, policy, *more):
        self.certferry, folder = certferry, certferry.folder
        (folder / "role.json").write_text(json.dumps(policy))
        self.sandbox = Sandbox(
            folder / "sandbox", "--zone", "example.com", "--elb", "my-classic-lb", "--listener", LISTENER, "--bucket", "my-bucket",
            "--kms-key", "alias/certferry", "--role", ROLE, "--policy", f"{ROLE}={folder}/role.json", "--speed", "20", *more,
        )  # fmt: skip
        self.everything = {name: certferry.environment[name] for name in ("PATH", "HOME", "NO_COLOR")}
        self.everything |= self.sandbox.aws_environment
        # Keys in the environment come before any profile.
        names = {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
        keys = "".join(f"{key} = {self.everything[name]}\n" for key, name in names.items())
        (folder / ".aws").mkdir()
        (folder / ".aws" / "config").write_text(
            f"[profile account]\n{keys}[profile role]\nrole_arn = {ROLE}\nsource_profile = account\n"
        )
        certferry.environment = {name: value for name, value in self.everything.items() if name not in names.values()}
        certferry.environment["AWS_PROFILE"] = "role"

    def configure(self, text):
        places = self.sandbox.places
        ca = f'directory = "{places["ca_directory"]}"\ntrust = "{places["ca_root"]}"\n'
        text = text.replace('directory = "letsencrypt"\n', ca)
        text += f'[challenge]\nresolvers = ["127.0.0.1:{places["resolver_port"]}"]\n'
        self.certferry.config.write_text(text)

    def zones(self):
        listed = self.sandbox.client("route53").list_hosted_zones()["HostedZones"]
        return [zone["Id"].split("/")[-1] for zone in listed]

    def txt_sets(self):
        return [self.sandbox.txt_sets(zone) for zone in self.zones()]

    def bound(self):
        classic = self.sandbox.client("elb").describe_load_balancers()["LoadBalancerDescriptions"][0]
        return classic["ListenerDescriptions"][0]["Listener"]["SSLCertificateId"]

    def goes_on(self):
        """As somebody who may do everything: it ends what was begun."""
        self.certferry.environment = self.everything
        self.certferry.apply("--retry")
        assert ":server-certificate/certferry/" in self.bound()
        self.certferry.run("plan", "--config", str(self.certferry.config), "--detailed-exitcode", expect=0)


@pytest.fixture
def place(certferry):
    places = []

    def made(*words):
        places.append(Place(certferry, *words))
        return places[0]

    yield made
    for one in places:
        one.sandbox.stop()


def test_the_policy_on_the_page_suffices_for_its_configuration(place):
    here = place(page_policy())
    key = here.sandbox.client("kms").describe_key(KeyId="alias/certferry")["KeyMetadata"]["Arn"]
    text = sample("toml").replace("Z0123456789", here.zones()[0])
    text = re.sub(r'kms_key = ".*"', f'kms_key = "{key}"', text)
    for install in ('elb = "my-classic-lb"\n', f'listener = "{LISTENER}"\n'):
        assert install in text
        text = text.replace(install, install + 'retire_after = "0s"\n')
    here.configure(text)
    here.certferry.apply()
    first = here.bound()
    here.certferry.apply("--renew", "example.com")
    here.certferry.apply()
    second = here.bound()
    assert ":server-certificate/certferry/" in first and first != second
    left = here.sandbox.client("iam").list_server_certificates(PathPrefix="/certferry/")["ServerCertificateMetadataList"]
    assert [one["Arn"] for one in left] == [second], "the former one was deleted"
    assert here.txt_sets() == [{}]


def test_the_page_shows_what_the_policy_command_prints(certferry):
    certferry.config.write_text(sample("toml"))
    printed = re.search(r"`certferry (policy [^`]*)` prints", PAGE)[1].split()
    out, _ = certferry.run(*printed, "--config", str(certferry.config))
    assert out == sample("json")


def steps_of_the_page(certferry, number):
    """Two sandboxes and what is printed between them, as the lines stand but for the place; the second one runs."""
    folder = certferry.folder / "trial"
    block = re.findall(r"```\n(.*?)```", PAGE[PAGE.index("## Trying it") :], re.DOTALL)[number]
    first, policy, second = (line.partition("#")[0] for line in block.replace("/tmp/trial", str(folder)).splitlines())
    one = sandbox_as_typed(certferry, first, folder)
    assert one.stop() == 0 and (folder / "certferry.toml").exists()
    words, file = policy.split(">")
    (certferry.folder / file.strip()).write_text(certferry.run(*words.split()[1:])[0])
    two = sandbox_as_typed(certferry, second, folder)
    own = {name: certferry.environment[name] for name in ("PATH", "HOME", "NO_COLOR")}
    certferry.environment = own | two.aws_environment
    return two


def test_the_steps_of_the_page_try_a_policy(certferry):
    two = steps_of_the_page(certferry, 0)
    try:
        certferry.run("apply", "--config", str(certferry.folder / "trial" / "certferry.toml"))
        with pytest.raises(ClientError, match="AccessDenied"):
            two.client("iam").list_server_certificates()
    finally:
        two.stop()


def test_the_steps_of_the_page_try_a_buckets_policy(certferry):
    two = steps_of_the_page(certferry, 1)
    try:
        certferry.run("apply", "--config", str(certferry.folder / "trial" / "certferry.toml"))
        assert two.client("s3").list_objects_v2(Bucket="my-bucket", Prefix="certferry/")["KeyCount"] > 0
    finally:
        two.stop()


PLAIN = """[ca]
directory = "letsencrypt"
agree_to_terms = true
[state]
store = "{state}"
[[certificate]]
name = "www"
domains = ["example.com", "*.example.com"]
[[certificate.install]]
elb = "my-classic-lb"
"""


def nothing_more(here):
    pass


def somebody_elses_value(here):
    """A CREATE is refused then: the set is read, and made anew with ours."""
    here.sandbox.insync(here.sandbox.change(here.zones()[0], txt("CREATE", CHALLENGE, "somebody-elses"))["Id"])


def somebody_elses_certificate(here):
    body, key = Authority("Some CA").issue(["example.com"])
    arn = here.sandbox.client("iam").upload_server_certificate(
        ServerCertificateName="bought", CertificateBody=body, PrivateKey=key
    )["ServerCertificateMetadata"]["Arn"]
    bind = dict(LoadBalancerName="my-classic-lb", LoadBalancerPort=443, SSLCertificateId=arn)
    elb = here.sandbox.client("elb")
    eventually(lambda: elb.set_load_balancer_listener_ssl_certificate(**bind), "CertificateNotFound")


@pytest.mark.parametrize(
    "action, more, beforehand, said",
    [
        ("route53:GetChange", [], nothing_more, "Route 53 GetChange on change "),
        ("route53:ListResourceRecordSets", [], somebody_elses_value, "Route 53 ListResourceRecordSets on zone "),
        ("route53:GetHostedZone", ["--zone", "example.com"], nothing_more, "Route 53 GetHostedZone on zone "),
    ],
)
def test_a_permission_that_is_missing_is_named_with_what_it_is_for(place, action, more, beforehand, said):
    here = place(without(page_policy(), action), *more)
    beforehand(here)
    before, bound = here.txt_sets(), here.bound()
    here.configure(PLAIN.format(state=here.certferry.state))
    ended_clearly(
        here.certferry, said, "AccessDenied", action, advice=rf"Allow {action}: `certferry policy` writes",
        secrets=[here.everything["AWS_SECRET_ACCESS_KEY"]],
    )
    assert (here.txt_sets(), here.bound()) == (before, bound)
    here.goes_on()
    assert here.txt_sets() == before


def test_a_certificate_that_may_not_be_read_keeps_its_place_and_costs_no_order(place):
    """It may cover names that ours does not."""
    here = place(without(page_policy(), "iam:GetServerCertificate"))
    somebody_elses_certificate(here)
    bound = here.bound()
    here.configure(PLAIN.format(state=here.certferry.state))
    out, err = here.certferry.apply(expect=1)
    [(said, remedy)] = re.findall(r"^held +www: (.*)\n +-> (.*)$", out, re.MULTILINE)
    assert f"it serves {bound}, which cannot be read" in said and "AccessDenied" in said, out
    assert "not authorized to perform: iam:GetServerCertificate" in said, out
    assert remedy == "allow iam:GetServerCertificate on it; or run apply as before with `--only www --drop-names`"
    assert here.bound() == bound and "issued" not in out
    assert here.everything["AWS_SECRET_ACCESS_KEY"] not in out + err
    here.goes_on()
