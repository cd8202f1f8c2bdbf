"""`certferry policy`: read by the formats' own tools, taken by moto, and enforced by the sandbox on other clients too."""

import json
import os
import subprocess

import pytest
import yaml
from aws_peer import ACCOUNT
from botocore.exceptions import ClientError
from cfnlint.api import lint_all
from conftest import certificate
from sandbox_peer import Sandbox

ROLE = "arn:aws:iam::210987654321:role/dns"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
TRUSTEES = ["ec2", "ecs", "eks", "eks-pod-identity", "lambda"]


@pytest.fixture
def configured(certferry):
    """Everything that a policy is for."""
    zone = f'[[zone]]\nname = "partner.example"\nrole = "{ROLE}"\nexternal_id = "shared-word"\n'
    certferry.configure(
        certificate("www", ["shop.example", "*.shop.example"], {"elb": "web"}, {"listener": LISTENER}),
        certificate("partner", ["partner.example"]),
        state="s3://state/certferry/",
        kms_key="alias/certferry",
        account='key = "s3://keys/${odd}/account.key"',
        extra='[aws]\nregion = "eu-west-1"\n' + zone,
    )
    return certferry


def policy(certferry, *words, expect=0):
    out, _ = certferry.run("policy", "--config", str(certferry.config), *words, expect=expect)
    return out


def offline(certferry, *words):
    return policy(certferry, "--offline", "--account", ACCOUNT, *words)


def documents(certferry, *words):
    """kind -> documents, as --json tells them: the identity's, and those that the words ask for."""
    found = {}
    for asked in ([], words):
        for one in json.loads(offline(certferry, "--json", *asked))["policies"]:
            found.setdefault(one["kind"], []).append(one["document"])
    return found


def everything(trustee):
    provider = ["--oidc-provider", "oidc.eks.eu-west-1.amazonaws.com/id/A1"] if trustee == "eks" else []
    return ["--trust", trustee, "--bucket", "--key", *provider]


def many(value):
    return value if isinstance(value, list) else [value]


MADE = f"arn:aws:iam::{ACCOUNT}:role/certferry"


def named(principal):
    """Of a reference, what it will stand for."""
    references = ["${aws_iam_role.certferry.arn}", {"Fn::GetAtt": ["CertferryRole", "Arn"]}]
    return MADE if principal in references else principal


def plain(statement):
    """A statement of IAM with every value as a list, to compare."""
    conditions = [
        (operator, key, sorted(many(values)))
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    ]
    principals = [(kind, sorted(map(named, many(names)))) for kind, names in statement.get("Principal", {}).items()]
    return (
        statement["Sid"],
        statement["Effect"],
        sorted(many(statement["Action"])),
        sorted(many(statement.get("Resource", []))),
        principals,
        sorted(conditions),
    )


def as_iam(block):
    """A statement as HashiCorp's own parser reads it, in the words of IAM."""
    statement = {"Sid": block["sid"], "Effect": block.get("effect", "Allow"), "Action": block["actions"]}
    if "resources" in block:
        statement["Resource"] = block["resources"]
    for principals in block.get("principals", []):
        statement["Principal"] = {principals["type"]: principals["identifiers"]}
    for condition in block.get("condition", []):
        statement.setdefault("Condition", {}).setdefault(condition["test"], {})[condition["variable"]] = condition["values"]
    return plain(statement)


def statements(document):
    return [plain(one) for one in document["Statement"]]


def read_terraform(text):
    tool = os.path.join(os.environ["CERTFERRY_PEERS"], "bin", "hcl2json")
    done = subprocess.run([tool, "-simplify"], input=text, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Template(yaml.SafeLoader):
    """CloudFormation's YAML."""


Template.add_constructor("!Ref", lambda loader, node: {"Ref": loader.construct_scalar(node)})


@pytest.mark.parametrize("trustee", TRUSTEES)
def test_terraform_reads_the_same_statements(configured, trustee):
    words = everything(trustee)
    read = read_terraform(offline(configured, "--format", "terraform", *words))
    blocks = read["data"]["aws_iam_policy_document"].values()
    expected = [statements(one) for kind in documents(configured, *words).values() for one in kind]
    assert sorted([as_iam(s) for s in block[0]["statement"]] for block in blocks) == sorted(expected)
    assert set(read["resource"]) >= {
        "aws_iam_policy", "aws_iam_role", "aws_iam_role_policy_attachment", "aws_s3_bucket_policy", "aws_kms_key_policy",
    }
    assert ("aws_iam_instance_profile" in read["resource"]) == (trustee == "ec2")
    assert MADE not in json.dumps(read)


@pytest.mark.parametrize("trustee", TRUSTEES)
def test_cloudformation_is_a_template_that_its_linter_takes(configured, trustee):
    words = everything(trustee)
    text = offline(configured, "--format", "cloudformation", *words)
    assert [str(match) for match in lint_all(text) if match.rule.severity == "error"] == []
    resources = yaml.load(text, Template)["Resources"].values()
    found = [
        statements(value)
        for resource in resources
        for name, value in resource["Properties"].items()
        if name in ("PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy")
    ]
    assert sorted(found) == sorted(statements(one) for kind in documents(configured, *words).values() for one in kind)


def test_the_linter_would_have_found_what_is_wrong(configured):
    text = offline(configured, "--format", "cloudformation").replace("Effect: \"Allow\"", "Effect: \"Perhaps\"")
    assert any(match.rule.severity == "error" for match in lint_all(text))


def test_iam_takes_every_document(configured, aws):
    def made_by(operation, **words):
        assert operation(**words)["ResponseMetadata"]["HTTPStatusCode"] < 300

    iam, s3, kms = (aws.client(service) for service in ("iam", "s3", "kms"))
    made_by(iam.create_policy, PolicyName="own", PolicyDocument=offline(configured))
    made_by(iam.create_policy, PolicyName="zone", PolicyDocument=offline(configured, "--role", ROLE))
    for trustee in TRUSTEES:
        made_by(iam.create_role, RoleName=f"by-{trustee}", AssumeRolePolicyDocument=offline(configured, "--trust", trustee))
    made_by(
        iam.create_role, RoleName="dns",
        AssumeRolePolicyDocument=offline(configured, "--role", ROLE, "--trust", "certferry"),
    )
    made_by(kms.put_key_policy, KeyId=kms.create_key()["KeyMetadata"]["KeyId"], PolicyName="default",
            Policy=offline(configured, "--key"))
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        iam.create_policy(PolicyName="odd", PolicyDocument=offline(configured).replace("Effect", "Affect"))


def test_what_it_says_of_words_that_make_no_sense(configured):
    for words, said in [
        (["--role", "arn:aws:iam::1:role/other"], "nothing in the configuration has the role"),
        (["--trust", "certferry"], "certferry itself runs somewhere"),
        (["--role", ROLE, "--trust", "ec2"], "certferry alone takes that role"),
        (["--bucket"], "these are 2 policies, and JSON is one"),
        (["--format", "xml"], "--format: \"xml\" is not known"),
        (["--trust", "fargate"], "--trust: \"fargate\" is not known"),
        (["--account", "nonsense"], "--account: \"nonsense\" is no account of AWS; write its 12 digits"),
        (["--account", ACCOUNT, "--principal", "x y"], "--principal: \"x y\" is none that a policy can name"),
        (["--principal", "*", "--key"], "--principal: \"*\" is none that a policy can name"),
    ]:
        _, err = configured.run("policy", "--config", str(configured.config), "--offline", *words, expect=2)
        assert said in err, words


# Against the sandbox


def rehearsing(certferry, sandbox, *certificates, **words):
    class Ca:
        directory, trust = sandbox.places["ca_directory"], sandbox.places["ca_root"]

    certferry.configure(*certificates, ca=Ca, extra='[aws]\nregion = "eu-west-1"\n' + words.pop("extra", ""), **words)
    certferry.environment.update(sandbox.aws_environment)


def test_it_looks_up_zones_keys_aliases_and_cnames(certferry, tmp_path):
    sandbox = Sandbox(
        tmp_path / "sandbox", "--zone", "shop.example", "--zone", "proofs.example", "--kms-key", "alias/certferry"
    )
    try:
        change = {"Name": "_acme-challenge.blog.shop.example", "Type": "CNAME", "TTL": 60,
                  "ResourceRecords": [{"Value": "blog.proofs.example"}]}
        sandbox.client("route53").change_resource_record_sets(
            HostedZoneId=sandbox.zone_id("shop.example"),
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": change}]},
        )
        rehearsing(
            certferry, sandbox, certificate("all", ["shop.example", "blog.shop.example"]), kms_key="alias/certferry",
            extra='[challenge]\ndelegated = ["proofs.example"]\n',
        )
        told = json.loads(policy(certferry, "--json"))
        assert told["unknown"] == [] and told["policies"][0]["notes"] == []
        by_sid = {one["Sid"]: one for one in told["policies"][0]["document"]["Statement"]}
        zones = [sandbox.zone_id(name) for name in ("shop.example", "proofs.example")]
        assert by_sid["WriteChallenges"]["Resource"] == sorted(f"arn:aws:route53:::hostedzone/{zone}" for zone in zones)
        names = by_sid["WriteChallenges"]["Condition"]["ForAllValues:StringEquals"]
        assert names["route53:ChangeResourceRecordSetsNormalizedRecordNames"] == [
            "_acme-challenge.blog.shop.example", "_acme-challenge.shop.example", "blog.proofs.example",
        ]
        key = sandbox.client("kms").describe_key(KeyId="alias/certferry")["KeyMetadata"]["Arn"]
        assert by_sid["SealSecrets"]["Resource"] == key
        trusted = json.loads(policy(certferry, "--key"))["Statement"][1]["Principal"]["AWS"]
        assert trusted == sandbox.client("sts").get_caller_identity()["Arn"]
        read = read_terraform(policy(certferry, "--format", "terraform", "--trust", "ecs", "--key"))
        [key] = [blocks[0] for name, blocks in read["data"]["aws_iam_policy_document"].items() if name.startswith("key_")]
        [sealing] = [as_iam(one) for one in key["statement"] if one["sid"] == "CertferrySealSecrets"]
        assert sealing[4] == [("AWS", [MADE])], "the role that is made, and not who asks"
    finally:
        sandbox.stop()


def test_without_credentials_it_says_what_it_does_not_know(configured):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        configured.environment.pop(name, None)
    configured.environment["AWS_EC2_METADATA_DISABLED"] = "true"
    out, err = configured.run("policy", "--config", str(configured.config))
    assert "not known: who we are" in err and "alias/certferry" in err
    by_sid = {one["Sid"]: one for one in json.loads(out)["Statement"]}
    assert by_sid["WriteChallenges"]["Resource"] == "arn:aws:route53:::hostedzone/*"


def refused(operation, **words):
    with pytest.raises(ClientError) as caught:
        operation(**words)
    return caught.value.response["Error"]


def test_apply_works_under_its_policy_and_others_keys_do_not_go_beyond(certferry, tmp_path):
    """The policy that was written beforehand, in a sandbox that enforces it."""
    installed = certificate("www", ["shop.example"], {"elb": "classic"})
    certferry.configure(
        installed, kms_key="alias/certferry", state="s3://state/certferry/", extra='[aws]\nregion = "eu-west-1"\n'
    )
    written = tmp_path / "policy.json"
    written.write_text(offline(certferry))
    sandbox = Sandbox(
        tmp_path / "sandbox", "--zone", "shop.example", "--elb", "classic", "--elb", "other", "--bucket", "state",
        "--kms-key", "alias/certferry", "--policy", str(written), "--speed", "50",
    )
    try:
        rehearsing(certferry, sandbox, installed, kms_key="alias/certferry", state="s3://state/certferry/")
        certferry.apply()
        listed = sandbox.client("route53").list_hosted_zones()["HostedZones"]
        zone = next(one["Id"] for one in listed if one["Name"] == "shop.example.")
        address = {"Name": "www.shop.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
        error = refused(
            sandbox.client("route53").change_resource_record_sets, HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": address}]},
        )
        assert error["Code"] == "AccessDenied"
        assert "not authorized to perform: route53:ChangeResourceRecordSets on resource: arn:aws:route53" in error["Message"]
        error = refused(sandbox.client("s3").put_object, Bucket="state", Key="elsewhere", Body=b"x")
        assert error["Code"] == "AccessDenied" and 's3:PutObject on resource: "arn:aws:s3:::state/elsewhere"' in error["Message"]
        error = refused(sandbox.client("kms").encrypt, KeyId="alias/certferry", Plaintext=b"x")
        assert error["Code"] == "AccessDeniedException"
        error = refused(sandbox.client("iam").delete_server_certificate, ServerCertificateName="other-placeholder")
        assert error["Code"] == "AccessDenied"
    finally:
        sandbox.stop()


def test_apply_says_which_permission_is_missing(certferry, tmp_path):
    certferry.configure(certificate("www", ["shop.example"], {"elb": "classic"}), extra='[aws]\nregion = "eu-west-1"\n')
    less = json.loads(offline(certferry))
    less["Statement"] = [one for one in less["Statement"] if one["Sid"] != "WriteChallenges"]
    written = tmp_path / "less.json"
    written.write_text(json.dumps(less))
    sandbox = Sandbox(tmp_path / "sandbox", "--zone", "shop.example", "--elb", "classic", "--policy", str(written))
    try:
        rehearsing(certferry, sandbox, certificate("www", ["shop.example"], {"elb": "classic"}))
        out, err = certferry.apply(expect=1)
        assert "route53:ChangeResourceRecordSets" in out + err
    finally:
        sandbox.stop()


def test_apply_works_where_the_bucket_alone_lets_it_at_its_state(certferry, tmp_path):
    """The sandbox's plain HTTP port stands for the TLS endpoint of S3, which the bucket's policy wants."""
    installed = certificate("www", ["shop.example"], {"elb": "classic"})
    state = {"kms_key": "alias/certferry", "state": "s3://state/certferry/"}
    certferry.configure(installed, **state, extra='[aws]\nregion = "eu-west-1"\n')
    identity = json.loads(offline(certferry))
    identity["Statement"] = [one for one in identity["Statement"] if one["Sid"] not in ("KeepState", "ListState")]
    (tmp_path / "identity.json").write_text(json.dumps(identity))
    user = f"arn:aws:iam::{ACCOUNT}:user/sandbox"
    (tmp_path / "bucket.json").write_text(offline(certferry, "--bucket", "--principal", user))
    sandbox = Sandbox(
        tmp_path / "sandbox", "--zone", "shop.example", "--elb", "classic", "--bucket", "state", "--kms-key",
        "alias/certferry", "--policy", str(tmp_path / "identity.json"), "--bucket-policy",
        f"state={tmp_path / 'bucket.json'}", "--speed", "50",
    )
    try:
        rehearsing(certferry, sandbox, installed, **state)
        certferry.apply()
        assert sandbox.client("s3").list_objects_v2(Bucket="state", Prefix="certferry/")["KeyCount"] > 0
        error = refused(sandbox.client("s3").put_object, Bucket="state", Key="elsewhere", Body=b"x")
        assert error["Code"] == "AccessDenied"
    finally:
        sandbox.stop()
