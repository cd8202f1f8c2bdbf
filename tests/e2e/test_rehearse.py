"""`certferry rehearse`: somebody's own configuration, applied in a sandbox; nothing of theirs is read, asked or changed
but the configuration itself."""

import json
import os
import re
import subprocess

import pytest
from test_demo import environment, sandboxes_of

CONFIGURATION = """
[ca]
directory = "letsencrypt"
agree_to_terms = true
[aws]
region = "eu-central-1"
profile = "production"
[account]
key = "s3://company-state/certferry/account.key"
[state]
store = "s3://company-state/certferry/"
kms_key = "arn:aws:kms:eu-central-1:210987654321:key/11111111-2222-3333-4444-555555555555"
[[zone]]
name = "internal.example.org"
id = "Z0123456789"
role = "arn:aws:iam::999999999999:role/dns"
[[certificate]]
name = "www"
domains = ["example.com", "*.example.com", "www.shop.example.co.uk"]
[[certificate.install]]
elb = "old-web"
[[certificate.install]]
listener = "arn:aws:elasticloadbalancing:eu-central-1:210987654321:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
[[certificate]]
name = "mail"
domains = ["mail.internal.example.org"]
profile = "shortlived"
[[certificate.install]]
files = "/etc/ssl/mail"
reload = ["systemctl", "reload", "postfix"]
connect = "mail.internal.example.org:465"
[[certificate.install]]
listener = "arn:aws:elasticloadbalancing:eu-central-1:210987654321:listener/net/tcp/50dc6c495c0c9189/f2f7dc8efc522ab3"
"""


def rehearse(folder, text, *options):
    configuration = folder / "certferry.toml"
    configuration.write_text(text)
    return subprocess.run(
        [os.environ["CERTFERRY_BINARY"], "rehearse", "--config", str(configuration), *options],
        env=environment(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )


def test_a_configuration_of_all_kinds_is_applied_beside_what_it_names(tmp_path):
    ended = rehearse(tmp_path, CONFIGURATION)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 to issue" in ended.stdout and "All as promised" in ended.stdout
    assert "certferry doctor looks at them" in ended.stdout
    for host in ["example.com", "mail.internal.example.org"]:
        assert re.search(rf"^ok +{host}:443 ", ended.stdout, re.M), ended.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == ["certferry.toml"]


def test_load_balancers_of_two_kinds_may_have_one_name(tmp_path):
    listener = "arn:aws:elasticloadbalancing:eu-central-1:210987654321:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
    ended = rehearse(
        tmp_path,
        '[ca]\ndirectory = "letsencrypt"\nagree_to_terms = true\n'
        '[[certificate]]\ndomains = ["a.example.com"]\n[[certificate.install]]\nelb = "web"\n'
        f'[[certificate]]\ndomains = ["b.example.com"]\n[[certificate.install]]\nlistener = "{listener}"\n',
    )
    assert ended.returncode == 0 and "All as promised" in ended.stdout, ended.stdout + ended.stderr


def test_the_result_is_one_document(tmp_path):
    ended = rehearse(tmp_path, CONFIGURATION, "--json")
    document = json.loads(ended.stdout)
    assert ended.returncode == 0 and document["as_promised"] and document["orders"] == 2, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "change, words",
    [
        (("elb = \"old-web\"", "elb = \"old-web\"\nregion = \"us-east-1\""), "eu-central-1 and us-east-1"),
        (("210987654321:listener/net", "123456789012:listener/net"), "123456789012 and 210987654321"),
        (("domains = [\"mail.internal", "names = [\"mail.internal"), "certferry.toml:"),
    ],
)
def test_what_cannot_be_rehearsed_is_said_at_once(tmp_path, change, words):
    ended = rehearse(tmp_path, CONFIGURATION.replace(*change))
    assert ended.returncode == 2 and words in ended.stderr, ended.stdout + ended.stderr
    assert "->" in ended.stderr and sandboxes_of(os.getpid()) == []
