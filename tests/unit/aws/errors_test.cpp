#include "aws/errors.h"

#include <array>
#include <gtest/gtest.h>

#include "aws/client.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

const WallTime now = *parse_iso8601("2026-11-23T12:00:00Z");

Call call_of(const std::string& service, const std::string& operation, const std::string& object) {
  return {.service = service, .operation = operation, .object = object, .bucket = service == "s3" ? "state" : ""};
}
std::string query_error(const std::string& code, const std::string& message = "said") {
  return "<ErrorResponse xmlns=\"u\"><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message +
         "</Message></Error></ErrorResponse>";
}
std::string meaning(const Call& call, int status, const std::string& body, http::Headers headers = {}) {
  return said(refusal(call, {status, std::move(headers), body}, now, "profile www").failure);
}

TEST(ServiceErrors, AreReadFromTheBodiesOfEveryProtocol) {
  struct Case {
    http::Response answer;
    std::string code, message;
  };
  const std::vector<Case> cases = {
      {{400, {}, query_error("NoSuchEntity", "gone")}, "NoSuchEntity", "gone"},
      {{400, {}, "<?xml version=\"1.0\"?>\n" + query_error("Throttling", "Rate exceeded")},
       "Throttling",
       "Rate exceeded"},
      {{404, {}, "<Error><Code>NoSuchKey</Code><Message>none</Message><Key>k</Key></Error>"}, "NoSuchKey", "none"},
      {{400,
        {},
        "<InvalidChangeBatch xmlns=\"u\"><Messages><Message>one</Message><Message>two</Message></Messages>"
        "<RequestId>r</RequestId></InvalidChangeBatch>"},
       "InvalidChangeBatch",
       "one; two"},
      {{400, {}, query_error("InvalidChangeBatch", "[one, two]")}, "InvalidChangeBatch", "[one, two]"},
      {{400, {}, R"({"__type":"com.amazonaws.kms#NotFoundException","message":"no key"})"},
       "NotFoundException",
       "no key"},
      {{400, {}, R"({"__type":"AccessDeniedException","Message":"not you"})"}, "AccessDeniedException", "not you"},
      {{400, {}, R"({"Code":"ThrottlingException","message":"slower"})"}, "ThrottlingException", "slower"},
      {{400, {{"X-Amzn-ErrorType", "FooError:http://internal.amazon.com/coral/"}}, "{}"}, "FooError", ""},
      {{400, {{"x-amzn-errortype", "aws.protocoltests#FooError:http://x/"}}, ""}, "FooError", ""},
      {{412, {}, ""}, "PreconditionFailed", ""},
      {{502, {}, "<html><body>Bad gateway"}, "", ""},
      {{502, {}, "{not json"}, "", ""},
      {{502, {}, "<!DOCTYPE html><html/>"}, "", ""},
  };
  for (const Case& given : cases) {
    ServiceError error = service_error(given.answer);
    EXPECT_EQ(error.code, given.code) << given.answer.body;
    EXPECT_EQ(error.message, given.message) << given.answer.body;
  }
}

// What was refused may have been about what never comes again: the policy that is written for all of it helps.
TEST(ServiceErrors, NameThePermissionToAllowAndWhoWritesIt) {
  const std::string as_written = ": `certferry policy` writes the statement; see docs/permissions.md";
  EXPECT_EQ(
      meaning(call_of("route53", "ChangeResourceRecordSets", "zone Z1"), 403, query_error("AccessDenied", "not you")),
      "refused | Route 53 ChangeResourceRecordSets on zone Z1: AccessDenied: not you | "
      "Allow route53:ChangeResourceRecordSets" +
          as_written);
  EXPECT_EQ(meaning(call_of("elbv2", "ModifyListener", "listener L"), 403, query_error("AccessDenied", "not you")),
            "refused | Elastic Load Balancing ModifyListener on listener L: AccessDenied: not you | "
            "Allow elasticloadbalancing:ModifyListener" +
                as_written);
  EXPECT_EQ(meaning(call_of("s3", "GetObject", "s3://state/k"), 403, "<Error><Code>AccessDenied</Code></Error>"),
            "refused | S3 GetObject on s3://state/k: AccessDenied | Allow s3:GetObject and s3:ListBucket" + as_written);
  EXPECT_EQ(meaning(call_of("kms", "Decrypt", "key K"), 400, R"({"__type":"AccessDeniedException","Message":"no"})"),
            "refused | KMS Decrypt on key K: AccessDeniedException: no | Allow kms:Decrypt on key K; see "
            "docs/permissions.md")
      << "an alias may have meant another key, which no policy is written for";
  EXPECT_EQ(meaning(call_of("s3", "ListObjectsV2", "s3://state/"), 403, ""),
            "refused | S3 ListObjectsV2 on s3://state/: HTTP 403 | Allow s3:ListBucket" + as_written);
  EXPECT_EQ(meaning(call_of("route53", "GetChange", "change C1"), 403,
                    query_error("AccessDenied",
                                "User: arn:aws:iam::1:user/x is not authorized to perform: route53:GetChange on "
                                "resource: arn:aws:route53:::change/C1 because no identity-based policy allows the "
                                "route53:GetChange action")),
            "refused | Route 53 GetChange on change C1: AccessDenied: User: arn:aws:iam::1:user/x is not authorized to "
            "perform: route53:GetChange on resource: arn:aws:route53:::change/C1 because no identity-based policy "
            "allows the route53:GetChange action | Allow route53:GetChange" +
                as_written);
}

// What doctor alone asks is in no policy that apply needs.
TEST(ServiceErrors, SayWhereTheStatementOfWhatDoctorAsksStands) {
  for (const auto& [service, operation, action] : std::vector<std::array<std::string, 3>>{
           {"iam", "SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy"},
           {"iam", "GetRole", "iam:GetRole"},
           {"iam", "GetAccountSummary", "iam:GetAccountSummary"},
           {"elbv2", "DescribeAccountLimits", "elasticloadbalancing:DescribeAccountLimits"},
           {"kms", "DescribeKey", "kms:DescribeKey"},
           {"s3", "GetBucketVersioning", "s3:GetBucketVersioning"}})
    EXPECT_EQ(refusal(call_of(service, operation, "o"), {403, {}, query_error("AccessDenied")}, now, "").failure.next(),
              "Allow " + action + ": docs/permissions.md has the statement");
}

std::string denied_advice(const Call& call, const std::string& message) {
  return refusal(call, {403, {}, query_error("AccessDenied", message)}, now, "").failure.next();
}

const std::string somebody = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: ";

// A service may be refused what it needs of another one for us, and some policies are not the identity's own.
TEST(ServiceErrors, NameWhatAwsSaysIsNotAllowed) {
  const Call put = call_of("s3", "PutObject", "s3://state/k");
  const std::string put_allowed =
      "Allow s3:PutObject: `certferry policy` writes the statement; see docs/permissions.md";
  EXPECT_EQ(denied_advice(put, somebody + "kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:123456789012:key/1 "
                                          "because no resource-based policy allows the kms:GenerateDataKey action"),
            "Allow kms:GenerateDataKey on arn:aws:kms:eu-west-1:123456789012:key/1 in the key policy; see "
            "docs/permissions.md");
  EXPECT_EQ(denied_advice(put, somebody + "s3:PutObject on resource: \"arn:aws:s3:::state/a b\" because no "
                                          "identity-based policy allows the s3:PutObject action"),
            put_allowed);
  EXPECT_EQ(
      denied_advice(put, somebody + "s3:PutObject because no identity-based policy allows the s3:PutObject action"),
      put_allowed);
  EXPECT_EQ(denied_advice(put, somebody + "kms:GenerateDataKey"), "Allow kms:GenerateDataKey; see docs/permissions.md")
      << "on what is not said";
  for (const std::string& odd : {std::string{}, std::string{"\x1b[31m"}, std::string(10'000, 'x'), std::string{":"},
                                 std::string{"a:b:c"}, std::string{"this operation"}})
    EXPECT_EQ(denied_advice(put, somebody + odd), put_allowed) << odd;
}

TEST(ServiceErrors, NameThePolicyThatAwsSaysDoesNotAllowIt) {
  const auto unsaid_in = [](const Call& call, const std::string& action, const std::string& kind) {
    return denied_advice(
        call, somebody + action + " on resource: arn:aws:x because no " + kind + " allows the " + action + " action");
  };
  const Call put = call_of("s3", "PutObject", "s3://state/k"), open = call_of("kms", "Decrypt", "key K");
  EXPECT_EQ(unsaid_in(open, "kms:Decrypt", "resource-based policy"),
            "Allow kms:Decrypt on arn:aws:x in the key policy; see docs/permissions.md");
  EXPECT_EQ(unsaid_in(put, "s3:PutObject", "resource-based policy"),
            "Allow s3:PutObject in the bucket policy: `certferry policy --bucket` writes the statement; see "
            "docs/permissions.md");
  for (const auto& [kind, whose] : std::vector<std::pair<std::string, std::string>>{
           {"service control policy", "the organization's service control policies"},
           {"resource control policy", "the organization's resource control policies"},
           {"permissions boundary", "the identity's permissions boundary"},
           {"session policy", "the session policy"},
           {"VPC endpoint policy", "the VPC endpoint's policy"}})
    EXPECT_EQ(unsaid_in(put, "s3:PutObject", kind),
              "Have " + whose + " allow s3:PutObject: no other Allow counts without it; see docs/permissions.md");
}

// No Allow helps against a Deny.
TEST(ServiceErrors, NameThePolicyThatDeniesExplicitly) {
  const auto denied_in = [](const std::string& service, const std::string& action, const std::string& ending) {
    return denied_advice(call_of(service, action.substr(action.find(':') + 1), "o"),
                         somebody + action + " on resource: arn:aws:x " + ending);
  };
  const auto removing = [](const std::string& action, const std::string& whose) {
    return "Have " + whose + " deny " + action + " no longer: no Allow counts beside a Deny; see docs/permissions.md";
  };
  const std::string with = "with an explicit deny in a";
  EXPECT_EQ(denied_in("s3", "s3:GetObject", with + " resource-based policy"),
            removing("s3:GetObject", "the bucket policy"));
  EXPECT_EQ(denied_in("kms", "kms:Decrypt", with + " resource-based policy"),
            removing("kms:Decrypt", "the key policy"));
  EXPECT_EQ(denied_in("sts", "sts:AssumeRole", "with an explicit deny in the role trust policy"),
            removing("sts:AssumeRole", "the role's trust policy"));
  EXPECT_EQ(denied_in("iam", "iam:GetRole", with + "n identity-based policy"),
            removing("iam:GetRole", "the identity's own policies"));
  EXPECT_EQ(
      denied_in("s3", "s3:GetObject",
                with + "n identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3"),
      removing("s3:GetObject", "the identity's own policies (arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3)"));
  EXPECT_EQ(denied_in("iam", "iam:GetRole", with + " permissions boundary: arn:aws:iam::1:policy/boundary."),
            removing("iam:GetRole", "the identity's permissions boundary (arn:aws:iam::1:policy/boundary)"));
  EXPECT_EQ(denied_in("iam", "iam:GetRole", with + " session policy"), removing("iam:GetRole", "the session policy"));
  EXPECT_EQ(denied_in("s3", "s3:GetObject", with + " VPC endpoint policy"),
            removing("s3:GetObject", "the VPC endpoint's policy"));
  EXPECT_EQ(denied_in("s3", "s3:GetObject", with + " resource control policy"),
            removing("s3:GetObject", "the organization's resource control policies"));
  for (const std::string& said : {with + " service control policy: arn:aws:organizations::1:policy/o-a/p-b",
                                  std::string{"due to an explicit deny in a Service Control Policy"}})
    EXPECT_TRUE(
        denied_in("route53", "route53:GetChange", said).starts_with("Have the organization's service control policies"))
        << said;
  for (const std::string& unheard : {std::string{"with an explicit deny"}, with + " new kind of policy"})
    EXPECT_EQ(denied_in("elb", "elasticloadbalancing:DescribeLoadBalancers", unheard),
              removing("elasticloadbalancing:DescribeLoadBalancers", "whatever policy does it"))
        << unheard;
}

TEST(ServiceErrors, NameTheTrustPolicyOfARole) {
  const std::string role = "arn:aws:iam::210987654321:role/dns";
  const std::string message = "User: arn:aws:iam::123456789012:user/x is not authorized to perform: ";
  EXPECT_EQ(
      meaning(call_of("sts", "AssumeRole", "role " + role), 403, query_error("AccessDenied", "no")),
      "refused | STS AssumeRole on role " + role + ": AccessDenied: no | Allow sts:AssumeRole on role " + role +
          ", and let the role's trust policy admit it (external_id, where it asks for one); see docs/permissions.md");
  EXPECT_EQ(
      refusal(call_of("sts", "AssumeRole", "role " + role),
              {403, {}, query_error("AccessDenied", message + "sts:AssumeRole on resource: " + role)}, now, "")
          .failure.next(),
      "Allow sts:AssumeRole on " + role +
          ", and let the role's trust policy admit it (external_id, where it asks for one); see docs/permissions.md");
  EXPECT_EQ(refusal(call_of("sts", "AssumeRole", "role " + role),
                    {403,
                     {},
                     query_error("AccessDenied", message + "sts:AssumeRole on resource: " + role +
                                                     " because no role trust policy allows the sts:AssumeRole action")},
                    now, "")
                .failure.next(),
            "Let the trust policy of " + role +
                " admit sts:AssumeRole (external_id, where it asks for one); see docs/permissions.md");
  Call unsigned_call = call_of("sts", "AssumeRoleWithWebIdentity", "role " + role);
  unsigned_call.sign = false;
  EXPECT_EQ(meaning(unsigned_call, 403,
                    query_error("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")),
            "refused | STS AssumeRoleWithWebIdentity on role " + role +
                ": AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity | Let the role's trust policy "
                "admit this web identity: its provider, audience and subject");
}

TEST(ServiceErrors, SpeakOfTheTokenWhereNothingWasSigned) {
  Call call = call_of("sts", "AssumeRoleWithWebIdentity", "role R");
  call.sign = false;
  EXPECT_EQ(
      meaning(call, 400,
              query_error("ExpiredTokenException",
                          "Token expired: current date/time 1 must be before "
                          "the expiration date/time 0")),
      "refused | STS AssumeRoleWithWebIdentity on role R: ExpiredTokenException: Token expired: current date/time "
      "1 must be before the expiration date/time 0 | Renew the web identity token, and check the role's trust "
      "policy");
}

TEST(ServiceErrors, SayThatSomebodyElseAnsweredWhereNoServiceDid) {
  const std::string next = " | Look for a proxy or a sign-in page that answers in the service's place";
  const Call call = call_of("sts", "GetCallerIdentity", "these credentials");
  for (int status : {400, 403, 404, 451})
    for (const char* body : {"<html><body>Blocked</body></html>", "Blocked", "{\"blocked\": true}", ""})
      EXPECT_EQ(meaning(call, status, body),
                "refused | STS GetCallerIdentity on these credentials: HTTP " + std::to_string(status) + next)
          << body;
  EXPECT_EQ(meaning(call_of("s3", "GetObject", "s3://state/k"), 403, "<html>Blocked</html>"),
            "refused | S3 GetObject on s3://state/k: HTTP 403" + next);
}

TEST(ServiceErrors, SayWhatIsWrongWithTheCredentials) {
  Call call = call_of("sts", "GetCallerIdentity", "these credentials");
  EXPECT_EQ(meaning(call, 403, query_error("ExpiredToken", "The security token is expired")),
            "refused | STS GetCallerIdentity on these credentials: ExpiredToken: The security token is expired | "
            "Renew the credentials (profile www): they have expired");
  EXPECT_EQ(meaning(call, 403, query_error("InvalidClientTokenId", "unknown")),
            "refused | STS GetCallerIdentity on these credentials: InvalidClientTokenId: unknown | "
            "Check the credentials (profile www): AWS does not accept them");
  EXPECT_EQ(meaning(call, 403, query_error("InvalidClientTokenId", "InvalidClientTokenId: unknown")),
            meaning(call, 403, query_error("InvalidClientTokenId", "unknown")))
      << "the code is said once";
  EXPECT_EQ(meaning(call, 403, query_error("RequestExpired", "late")),
            "refused | STS GetCallerIdentity on these credentials: RequestExpired: late | Set this machine's clock");
}

// The same keys are good elsewhere.
TEST(ServiceErrors, SpeakOfTheRegionWhereTheSignatureIsOfAnotherOne) {
  const std::string next =
      "Set the region of this endpoint (region in [aws], --region, AWS_REGION or the profile's), or correct the "
      "endpoint";
  for (const char* code : {"SignatureDoesNotMatch", "InvalidSignatureException"})
    EXPECT_EQ(meaning(call_of("kms", "Decrypt", "key K"), 403,
                      query_error(code, "Credential should be scoped to a valid region, not 'us-east-1'. ")),
              "refused | KMS Decrypt on key K: " + std::string{code} +
                  ": Credential should be scoped to a valid region, not 'us-east-1'. | " + next);
  const auto malformed = [](const std::string& message) {
    return meaning(call_of("s3", "GetObject", "s3://state/k"), 400,
                   "<Error><Code>AuthorizationHeaderMalformed</Code><Message>" + message + "</Message></Error>");
  };
  const std::string region = "The authorization header is malformed; the region 'x' is wrong";
  EXPECT_EQ(malformed(region),
            "refused | S3 GetObject on s3://state/k: AuthorizationHeaderMalformed: " + region + " | " + next);
  const std::string no_key =
      "The authorization header is malformed; a non-empty Access Key (AKID) must be provided in the credential.";
  EXPECT_EQ(malformed(no_key), "refused | S3 GetObject on s3://state/k: AuthorizationHeaderMalformed: " + no_key +
                                   " | Check the credentials (profile www): AWS does not accept them");
  EXPECT_EQ(meaning(call_of("kms", "Decrypt", "key K"), 403,
                    query_error("SignatureDoesNotMatch", "the Canonical String should have been 'token'")),
            "refused | KMS Decrypt on key K: SignatureDoesNotMatch: the signature is wrong | Check the credentials "
            "(profile www): AWS does not accept them");
}

TEST(ServiceErrors, SayWhereTheBucketIs) {
  Call call = call_of("s3", "GetObject", "s3://state/k");
  const std::string expected =
      "the bucket is in region eu-central-1 | Set region = \"eu-central-1\" in [aws] for the bucket state, with a "
      "kms_key of that region, and write region beside each elb of another one; or name a bucket of the present region";
  EXPECT_EQ(meaning(call, 301, "", {{"x-amz-bucket-region", "eu-central-1"}}),
            "refused | S3 GetObject on s3://state/k: PermanentRedirect: " + expected);
  EXPECT_EQ(meaning(call, 400,
                    "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message>"
                    "<Region>eu-central-1</Region></Error>"),
            "refused | S3 GetObject on s3://state/k: AuthorizationHeaderMalformed: " + expected);
  EXPECT_EQ(meaning(call, 404, "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>"),
            "refused | S3 GetObject on s3://state/k: NoSuchBucket: none | "
            "Create the bucket state, or correct its name in the configuration");
}

TEST(ServiceErrors, SpeakOfABucketToNoOtherService) {
  const Call call = call_of("sts", "GetCallerIdentity", "these credentials");
  const std::string said = meaning(call, 301, "", {{"x-amz-bucket-region", "eu-central-1"}});
  EXPECT_EQ(said.find("bucket"), std::string::npos) << said;
  EXPECT_TRUE(said.starts_with("transient | STS GetCallerIdentity on these credentials: HTTP 301 | ")) << said;
}

// No later try can find what is not there at all (RFC 9110 section 15.6.2).
TEST(ServiceErrors, SayWhatNeverWillBeDoneThere) {
  Call write = call_of("s3", "PutObject", "s3://state/k");
  const std::string body = "<Error><Code>NotImplemented</Code><Message>a header</Message></Error>";
  EXPECT_EQ(meaning(write, 501, body),
            "refused | S3 PutObject on s3://state/k: NotImplemented: a header | Look at what answers at the endpoint: "
            "it does not have what S3 has");
  write.headers.set("if-none-match", "*");
  for (const int status : {400, 501})
    EXPECT_EQ(meaning(write, status, body),
              "refused | S3 PutObject on s3://state/k: NotImplemented: a header | Keep it in Amazon S3 itself, or in a "
              "store that honours conditional writes");
  EXPECT_EQ(meaning(write, 501, "<html>Not here</html>"),
            "refused | S3 PutObject on s3://state/k: HTTP 501 | Look for a proxy or a sign-in page that answers in the "
            "service's place");
}

// One line for every code that somebody reacts to: kind and whether the client tries again.
TEST(ServiceErrors, HaveTheKindThatTheCallerReactsTo) {
  struct Row {
    std::string service, code;
    int status;
    Failure::Kind kind;
    Retry retry;
  };
  using K = Failure::Kind;
  const std::vector<Row> rows = {
      {"route53", "Throttling", 400, K::throttled, Retry::surely_not_done},
      {"route53", "PriorRequestNotComplete", 400, K::throttled, Retry::no},
      {"route53", "InvalidChangeBatch", 400, K::refused, Retry::no},
      {"route53", "NoSuchHostedZone", 404, K::refused, Retry::no},
      {"kms", "ThrottlingException", 400, K::throttled, Retry::surely_not_done},
      {"kms", "KMSInternalException", 500, K::transient, Retry::if_repeatable},
      {"kms", "KeyUnavailableException", 500, K::transient, Retry::if_repeatable},
      {"kms", "InvalidCiphertextException", 400, K::refused, Retry::no},
      {"s3", "SlowDown", 503, K::throttled, Retry::surely_not_done},
      {"s3", "RequestTimeout", 400, K::transient, Retry::if_repeatable},
      {"s3", "ConditionalRequestConflict", 409, K::conflict, Retry::no},
      {"s3", "NotImplemented", 501, K::refused, Retry::no},
      {"iam", "InternalFailure", 501, K::refused, Retry::no},
      {"s3", "PreconditionFailed", 412, K::conflict, Retry::no},
      {"s3", "TemporaryRedirect", 307, K::transient, Retry::surely_not_done},
      {"iam", "LimitExceeded", 409, K::refused, Retry::no},
      {"iam", "EntityAlreadyExists", 409, K::conflict, Retry::no},
      {"iam", "ServiceFailure", 500, K::transient, Retry::if_repeatable},
      {"iam", "KeyPairMismatch", 400, K::refused, Retry::no},
      {"elb", "CertificateNotFound", 400, K::transient, Retry::no},
      {"elb", "DependencyThrottle", 400, K::throttled, Retry::surely_not_done},
      {"elb", "ListenerNotFound", 400, K::refused, Retry::no},
      {"sts", "IDPCommunicationError", 400, K::transient, Retry::if_repeatable},
      {"sts", "InvalidIdentityToken", 400, K::refused, Retry::no},
      {"iam", "SomethingNew", 400, K::refused, Retry::no},
  };
  for (const Row& row : rows) {
    Refusal made = refusal(call_of(row.service, "Op", "o"), {row.status, {}, query_error(row.code)}, now, "");
    EXPECT_EQ(name(made.failure.kind()), name(row.kind)) << row.code;
    EXPECT_EQ(made.retry, row.retry) << row.code;
    EXPECT_EQ(made.failure.code(), row.code);
    EXPECT_FALSE(made.failure.next().empty());
  }
}

TEST(ServiceErrors, AreThrottlingByEveryCodeThatTheSdksTakeForIt) {
  for (const char* code :
       {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
        "TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException",
        "RequestLimitExceeded", "BandwidthLimitExceeded", "RequestThrottled", "SlowDown", "EC2ThrottledException",
        "DependencyThrottle", "DependencyThrottleException", "KMSThrottling", "KMSThrottlingException"}) {
    const Refusal made = refusal(call_of("iam", "Op", "o"), {400, {}, query_error(code)}, now, "");
    EXPECT_TRUE(made.throttling) << code;
    EXPECT_EQ(name(made.failure.kind()), name(Failure::Kind::throttled)) << code;
    EXPECT_EQ(made.retry, Retry::surely_not_done) << code;
  }
  const Refusal bare = refusal(call_of("iam", "Op", "o"), {429, {}, ""}, now, "");
  EXPECT_TRUE(bare.throttling);
  EXPECT_EQ(name(bare.failure.kind()), name(Failure::Kind::throttled));
  EXPECT_EQ(bare.retry, Retry::surely_not_done);
}

// Of how much there is, not of how often somebody asks: KMS's and IAM's quotas.
TEST(ServiceErrors, AreNoThrottlingWhereAQuotaIsReached) {
  for (const char* code : {"LimitExceededException", "LimitExceeded"}) {
    const Refusal made = refusal(call_of("kms", "Op", "o"), {400, {}, query_error(code)}, now, "");
    EXPECT_FALSE(made.throttling) << code;
    EXPECT_EQ(name(made.failure.kind()), name(Failure::Kind::refused)) << code;
    EXPECT_EQ(made.retry, Retry::no) << code;
  }
}

TEST(ServiceErrors, HideSecretsAndControlCharacters) {
  Secret token{"a-session-token-of-ours"};
  EXPECT_EQ(meaning(call_of("iam", "Op", "o"), 400, query_error("Odd", "told a-session-token-of-ours")),
            "refused | IAM Op on o: Odd: told [secret] | Correct what IAM names, and run again");
}

TEST(ServiceErrors, NeverQuoteTheRequestThatASignatureErrorQuotes) {
  for (const char* code : {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"})
    EXPECT_EQ(meaning(call_of("iam", "Op", "o"), 403, query_error(code, "canonical x-amz-security-token:T")),
              std::string("refused | IAM Op on o: ") + code +
                  ": the signature is wrong | Check the credentials (profile www): AWS does not accept them");
}

}  // namespace
}  // namespace certferry::aws::testing
