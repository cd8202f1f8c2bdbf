"""Our signatures are botocore's, for requests that nobody would think of."""

import base64
import datetime
import json
import os
import pathlib
import random
import subprocess
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CASES = 24_000
REPLAY = "CERTFERRY_SIGNING_SEED"
UNRESERVED = "abcXYZ019-_.~"
RESERVED = "!$&'()*+,;=:@"
AWKWARD = " %/?#[]\"<>\\^`{|}\x00\x01\x1f\x7f\t\n"
FOREIGN = "äßéЖ世界🔑\u00a0\u200b\ufffd"
ANY = UNRESERVED * 3 + RESERVED + AWKWARD + FOREIGN
# Of header values: botocore joins at every blank that Unicode knows, HTTP at blank and tab alone.
FIELD = UNRESERVED * 2 + RESERVED + ' %/?#[]"<>\\^`{|}\t' + "äßéЖ世界🔑"
FIELDS = ["Content-Type", "X-Amz-Target", "x-amz-meta-a", "X-AMZ-META-A", "If-Match", "Content-MD5", "Range", "X-Id",
          "x", "Accept", "Cookie", "X_under", "X-Amz-Grant-Full-Control"]  # fmt: skip


class Cases:
    """Cases of one seed. Each is what our signer reads, and what botocore is asked for."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, alphabet, most):
        return "".join(self.random.choices(alphabet, k=self.random.randint(0, most)))

    def segment(self):
        return self.random.choice([".", "..", "", "...", "%2e", "a", None, None, None, None])

    def path(self, s3):
        segments = [self.segment() for _ in range(self.random.randint(0, 6))]
        texts = [self.text(ANY, 12) if segment is None else segment for segment in segments]
        if s3:  # the one encoding that S3 computes with
            return "/" + "/".join(urllib.parse.quote(text, safe="~") for text in texts)
        keep = self.random.choice(["", "~", RESERVED, RESERVED + "äé世"])
        return "/" + "/".join(
            "".join(c if c in keep else urllib.parse.quote(c, safe="~") for c in text) for text in texts
        )

    def query(self, once):
        pairs = [(self.text(ANY, 6), self.text(ANY, 20)) for _ in range(self.random.choice([0, 0, 1, 2, 5]))]
        pairs = [(key or "k", value) for key, value in pairs]
        if pairs and self.random.random() < 0.3:
            pairs += [(pairs[0][0], self.text(ANY, 4)), (pairs[0][0] + "-", ""), (pairs[0][0].upper(), "1")]
        if once:
            pairs = list(dict(pairs).items())
        self.random.shuffle(pairs)
        return pairs

    def host(self):
        name = self.random.choice(["iam.amazonaws.com", "B.s3.eu-west-1.AMAZONAWS.com", "127.0.0.1", "[::1]", "h_x"])
        return name + self.random.choice(["", "", ":8443", ":443", ":80"])

    def headers(self):
        names = self.random.choices(FIELDS + botocore.auth.SIGNED_HEADERS_BLACKLIST, k=self.random.randint(0, 6))
        return [(name, self.text(FIELD, 30)) for name in names]

    def case(self):
        s3 = self.random.random() < 0.4
        presigned = self.random.random() < 0.4
        pairs = self.query(once=presigned)
        query = "&".join(f"{quoted(key)}={quoted(value)}" for key, value in pairs)
        if pairs and not presigned and self.random.random() < 0.1:
            query += "&bare"
            pairs.append(("bare", ""))
        url = self.random.choice(["https://", "https://", "http://"]) + self.host() + self.path(s3)
        body = b"" if presigned else self.random.randbytes(self.random.choice([0, 1, 64, 1000]))
        return {
            "method": self.random.choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"]),
            "url": url + ("?" + query if query else ""),
            "plain_url": url,
            "pairs": pairs,
            "headers": self.headers(),
            "body": base64.b64encode(body).decode(),
            "access_key": "AKIA" + self.text("ABC/+=234", 16),
            "secret_key": self.text(FIELD, 40) or "k",
            "token": self.random.choice(["", self.text("abcXYZ019+/=", 300)]),
            "region": self.random.choice(["us-east-1", "cn-north-1", "eusc-de-east-1", "us-iso-b-1"]),
            "service": "s3" if s3 else self.random.choice(["route53", "iam", "kms", "elasticloadbalancing", "sts"]),
            "time": self.random.randint(0, 4_000_000_000),
            "expires": self.random.randint(1, 604_800) if presigned else None,
            "in_parameters": self.random.random() < 0.5,
        }


def quoted(text):
    return urllib.parse.quote(text, safe="-_.~")


def by_botocore(case, monkeypatch):
    """The Authorization field, or the parameters of the presigned URL's query."""
    now = datetime.datetime.fromtimestamp(case["time"], datetime.timezone.utc)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: now)
    apart = case["in_parameters"] and not case["expires"]
    request = AWSRequest(
        method=case["method"],
        url=case["plain_url"] if apart else case["url"],
        params=case["pairs"] if apart else None,
        data=base64.b64decode(case["body"]),
    )
    for name, value in case["headers"]:
        request.headers.add_header(name, value)
    keys = Credentials(case["access_key"], case["secret_key"], case["token"] or None)
    header, query = (
        (botocore.auth.S3SigV4Auth, botocore.auth.S3SigV4QueryAuth)
        if case["service"] == "s3"
        else (botocore.auth.SigV4Auth, botocore.auth.SigV4QueryAuth)
    )
    if case["expires"]:
        query(keys, case["service"], case["region"], expires=case["expires"]).add_auth(request)
        return parameters(request.url)
    header(keys, case["service"], case["region"]).add_auth(request)
    return request.headers["Authorization"]


def parameters(url):
    return sorted(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True))


def by_certferry(cases):
    signer = os.environ.get("CERTFERRY_SIGNER", "")
    assert pathlib.Path(signer).is_file(), f"no signer at {signer}: ./dev test e2e builds it"
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([signer], input=lines, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_random_requests_are_signed_as_botocore_signs_them(monkeypatch):
    seed = int(os.environ.get(REPLAY, random.randrange(2**32)))
    print(f"{REPLAY}={seed} replays it")
    made = Cases(seed)
    cases = [made.case() for _ in range(CASES)]
    answers = by_certferry(cases)
    assert len(answers) == CASES
    for number, (case, answer) in enumerate(zip(cases, answers)):
        assert "error" not in answer, f"case {number} of seed {seed}: {answer['error']}\n{case}"
        ours = parameters(answer["url"]) if case["expires"] else answer["authorization"]
        assert ours == by_botocore(case, monkeypatch), f"case {number} of seed {seed}:\n{json.dumps(case)}"
