"""The sandbox's Route 53 as boto3 sees it: whoever can drive Route 53 can drive this."""

import itertools

import pytest
from botocore.exceptions import ClientError
from sandbox_peer import Sandbox, refused, txt

ZONES = ["example.com", "deep.example.com", "example.net", "other.example", "batch.example"]
_names = itertools.count(1)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    options = [word for zone in ZONES for word in ("--zone", zone)]
    peer = Sandbox(tmp_path_factory.mktemp("sandbox"), *options)
    yield peer
    peer.stop()


@pytest.fixture
def zone(sandbox):
    return sandbox.zone_id("example.com")


@pytest.fixture
def name():
    """A challenge's name that no other test has."""
    return f"_acme-challenge.n{next(_names)}.example.com"


def test_zones_are_listed_page_by_page(sandbox):
    lists = sandbox.client("route53").get_paginator("list_hosted_zones")
    pages = list(lists.paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["HostedZones"]) for page in pages] == [2, 2, 1]
    assert sorted(z["Name"] for page in pages for z in page["HostedZones"]) == sorted(z + "." for z in ZONES)
    assert all(not z["Config"]["PrivateZone"] for page in pages for z in page["HostedZones"])


def test_zones_by_name_come_in_the_order_of_their_labels_from_a_start(sandbox):
    route53 = sandbox.client("route53")
    first = route53.list_hosted_zones_by_name(DNSName="example.com", MaxItems="2")
    assert [z["Name"] for z in first["HostedZones"]] == ["example.com.", "deep.example.com."]
    assert first["IsTruncated"]
    rest = route53.list_hosted_zones_by_name(DNSName=first["NextDNSName"], HostedZoneId=first["NextHostedZoneId"])
    assert [z["Name"] for z in rest["HostedZones"]] == ["batch.example.", "other.example.", "example.net."]
    assert not rest["IsTruncated"]


def test_a_zone_tells_its_name_servers_and_serves_them(sandbox, zone):
    reply = sandbox.client("route53").get_hosted_zone(Id=zone)
    assert reply["HostedZone"]["Name"] == "example.com."
    servers = reply["DelegationSet"]["NameServers"]
    assert len(servers) == 4
    assert sandbox.ask("example.com", "NS") == ("NOERROR", sorted(s + "." for s in servers))


def test_an_unknown_zone_and_an_unknown_change_are_not_found(sandbox):
    route53 = sandbox.client("route53")
    with refused("NoSuchHostedZone", 404):
        route53.get_hosted_zone(Id="Z0NOSUCHZONE0")
    with refused("NoSuchHostedZone", 404):
        sandbox.change("Z0NOSUCHZONE0", txt("CREATE", "a.example.com", "x"))
    with refused("NoSuchChange", 404):
        route53.get_change(Id="C0NOSUCHCHANGE0")


def test_a_change_is_pending_then_insync_and_is_answered_only_then(sandbox, zone, name):
    change = sandbox.change(zone, txt("CREATE", name, "one"), comment="rehearsal")
    assert change["Status"] == "PENDING"
    assert sandbox.txt_sets(zone)[name] == (60, ['"one"'])
    assert sandbox.ask(name)[1] == []
    assert sandbox.client("route53").get_change(Id=change["Id"])["ChangeInfo"]["Comment"] == "rehearsal"
    sandbox.insync(change["Id"])
    assert sandbox.ask(name) == ("NOERROR", ['"one"'])


def test_create_of_what_exists_is_refused_and_the_foreign_value_stays(sandbox, zone, name):
    sandbox.change(zone, txt("CREATE", name, "foreign"))
    with refused("InvalidChangeBatch", 400, saying="already exists"):
        sandbox.change(zone, txt("CREATE", name, "ours"))
    assert sandbox.txt_sets(zone)[name] == (60, ['"foreign"'])


def test_delete_and_create_in_one_batch_swap_a_set_around_a_foreign_value(sandbox, zone, name):
    sandbox.change(zone, txt("CREATE", name, "foreign", ttl=300))
    sandbox.change(zone, txt("DELETE", name, "foreign", ttl=300), txt("CREATE", name, "foreign", "ours", ttl=300))
    assert sandbox.txt_sets(zone)[name] == (300, ['"foreign"', '"ours"'])
    sandbox.change(zone, txt("DELETE", name, "ours", "foreign", ttl=300), txt("CREATE", name, "foreign", ttl=300))
    assert sandbox.txt_sets(zone)[name] == (300, ['"foreign"'])


@pytest.mark.parametrize(
    "wrong, says",
    [
        (dict(values=["one", "two"], ttl=61), "do not match"),
        (dict(values=["one"], ttl=60), "do not match"),
        (dict(values=["one", "two", "three"], ttl=60), "do not match"),
        (dict(values=["ONE", "two"], ttl=60), "do not match"),
    ],
    ids=["another TTL", "a value less", "a value more", "another case"],
)
def test_delete_must_repeat_the_set_exactly(sandbox, zone, name, wrong, says):
    sandbox.change(zone, txt("CREATE", name, "one", "two"))
    with refused("InvalidChangeBatch", 400, saying=says):
        sandbox.change(zone, txt("DELETE", name, *wrong["values"], ttl=wrong["ttl"]))
    assert sandbox.txt_sets(zone)[name] == (60, ['"one"', '"two"'])
    sandbox.change(zone, txt("DELETE", name, "two", "one"))
    assert name not in sandbox.txt_sets(zone)


def test_delete_of_what_is_not_there_is_refused(sandbox, zone, name):
    with refused("InvalidChangeBatch", 400, saying="not found"):
        sandbox.change(zone, txt("DELETE", name, "one"))


def test_a_batch_is_done_whole_or_not_at_all(sandbox):
    zone = sandbox.zone_id("batch.example")
    before = sandbox.txt_sets(zone)
    with refused("InvalidChangeBatch", 400) as caught:
        sandbox.change(
            zone,
            txt("CREATE", "a.batch.example", "good"),
            txt("CREATE", "b.batch.example", "good"),
            txt("DELETE", "c.batch.example", "missing"),
            txt("CREATE", "elsewhere.example.org", "outside"),
        )
    said = caught.value.response["Error"]["Message"]
    assert "c.batch.example" in said and "elsewhere.example.org" in said
    assert sandbox.txt_sets(zone) == before
    assert sandbox.ask("a.batch.example") == ("NXDOMAIN", [])


@pytest.mark.parametrize(
    "value",
    ["bare", '"open', '"one""two"', '"' + "x" * 256 + '"', '"back\\slash"', '"umlaut ü"', ""],
    ids=["no quotes", "one quote", "no blank between", "256 octets", "a bad escape", "not ASCII", "nothing"],
)
def test_txt_values_have_a_grammar(sandbox, zone, name, value):
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {"Name": name, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": value}]},
    }
    with refused("InvalidChangeBatch", 400):
        sandbox.change(zone, change)
    assert name not in sandbox.txt_sets(zone)


@pytest.mark.parametrize(
    "value, texts",
    [
        ('"two" "strings"', ['"twostrings"']),
        ('"' + "x" * 255 + '"', ['"' + "x" * 255 + '"']),
        ('"octal \\101"', ['"octal A"']),
    ],
    ids=["two strings", "255 octets", "an octal escape"],
)
def test_txt_values_are_listed_as_sent_and_served_as_meant(sandbox, zone, name, value, texts):
    sandbox.insync(sandbox.change(zone, txt("CREATE", name, value))["Id"])
    assert sandbox.txt_sets(zone)[name] == (60, [value])
    assert sandbox.ask(name) == ("NOERROR", texts)


def test_a_value_may_stand_once_in_a_set(sandbox, zone, name):
    with refused("InvalidChangeBatch", 400, saying="Duplicate"):
        sandbox.change(zone, txt("CREATE", name, "same", "same"))


def test_record_sets_are_listed_from_a_start_and_page_by_page(sandbox):
    zone = sandbox.zone_id("other.example")
    names = [f"_acme-challenge.r{i}.other.example" for i in range(5)]
    sandbox.change(zone, *(txt("CREATE", n, "v") for n in names))
    route53 = sandbox.client("route53")
    page = route53.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=names[1], StartRecordType="TXT", MaxItems="2"
    )
    assert [s["Name"] for s in page["ResourceRecordSets"]] == [names[1] + ".", names[2] + "."]
    assert (page["IsTruncated"], page["NextRecordName"], page["NextRecordType"]) == (True, names[3] + ".", "TXT")
    sets = [
        (s["Name"], s["Type"])
        for p in route53.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=zone, PaginationConfig={"PageSize": 3}
        )
        for s in p["ResourceRecordSets"]
    ]
    assert len(sets) == len(set(sets)) == 7
    assert set(sets[:2]) == {("other.example.", "NS"), ("other.example.", "SOA")}


def test_a_wildcard_is_written_as_its_octal(sandbox, zone):
    sandbox.change(zone, txt("CREATE", "*.star.example.com", "any"))
    sets = sandbox.client("route53").list_resource_record_sets(
        HostedZoneId=zone, StartRecordName="*.star.example.com", StartRecordType="TXT", MaxItems="1"
    )["ResourceRecordSets"]
    assert sets[0]["Name"] == "\\052.star.example.com."


def test_an_upsert_replaces_the_whole_set(sandbox, zone, name):
    sandbox.change(zone, txt("UPSERT", name, "one"))
    sandbox.change(zone, txt("UPSERT", name, "two", ttl=10))
    assert sandbox.txt_sets(zone)[name] == (10, ['"two"'])


def test_a_challenge_may_lead_elsewhere_by_cname_and_nothing_stands_beside_that(sandbox, zone, name):
    alias = txt("CREATE", name, "_acme-challenge.other.example", kind="CNAME")
    sandbox.insync(sandbox.change(zone, alias)["Id"])
    assert sandbox.ask(name, "CNAME") == ("NOERROR", ["_acme-challenge.other.example."])
    with refused("InvalidChangeBatch", 400, saying="CNAME"):
        sandbox.change(zone, txt("CREATE", name, "beside"))


def test_names_of_no_zone_are_refused_by_the_name_server(sandbox):
    assert sandbox.ask("www.example.org") == ("REFUSED", [])


def test_a_wrong_secret_is_refused_by_every_service(sandbox):
    for service, call in [
        ("route53", lambda c: c.list_hosted_zones()),
        ("iam", lambda c: c.list_server_certificates()),
        ("elb", lambda c: c.describe_load_balancers()),
        ("elbv2", lambda c: c.describe_load_balancers()),
        ("s3", lambda c: c.list_objects_v2(Bucket="any")),
        ("kms", lambda c: c.describe_key(KeyId="alias/any")),
        ("sts", lambda c: c.get_caller_identity()),
    ]:
        with pytest.raises(ClientError) as caught:
            call(sandbox.client(service, secret="not-the-secret"))
        error = caught.value.response
        assert error["Error"]["Code"] == "SignatureDoesNotMatch", (service, error)
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 403, (service, error)
        assert "sandbox-secret" not in str(error)


def test_an_unknown_access_key_is_refused(sandbox):
    with refused("InvalidClientTokenId", 403):
        sandbox.client("route53", key="AKIASOMEBODYELSE").list_hosted_zones()
    with refused("InvalidAccessKeyId", 403):
        sandbox.client("s3", key="AKIASOMEBODYELSE").list_objects_v2(Bucket="any")
