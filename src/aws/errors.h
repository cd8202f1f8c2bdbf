#pragma once

#include <string>

#include "base/failure.h"
#include "wire/http.h"

namespace certferry::aws {

struct Call;

// What a service said in the body (or the head) of an answer that is no success.
struct ServiceError {
  std::string code;  // "NoSuchHostedZone", "ThrottlingException"; "" where it said none
  std::string message;
  std::string region;  // S3: where the bucket is, "" unknown
};

// Reads every protocol of ours: <ErrorResponse><Error>, S3's bare <Error>, Route 53's <InvalidChangeBatch>, JSON's
// __type, x-amzn-errortype. Never throws: what cannot be read gives an empty code.
ServiceError service_error(const http::Response& answer);

// How a refused request may be tried again by the client itself.
enum class Retry {
  no,
  surely_not_done,  // whatever the call
  if_repeatable,    // the service may have done it
};

struct Refusal {
  Failure failure;
  Retry retry = Retry::no;
  bool throttling = false;     // slows the budget down
  bool clock_suspect = false;  // a wrong clock explains it, if ours is wrong
  bool credentials_expired = false;
};

// "Route 53 ChangeResourceRecordSets on zone Z0123"
std::string description(const Call& call);

// What an answer other than 2xx means for this call: the kind, what was said (never a body that quotes the signed
// request), what to do next, code() and retry_after(). `credentials`: where ours came from.
Refusal refusal(const Call& call, const http::Response& answer, WallTime now, std::string_view credentials);

// Whether it failed for want of a permission, by the code that the service said.
bool lacks_permission(const Failure& failure);

// An answer that no service gives, though its status says success: transient, or outcome_unknown after a call that may
// not be repeated. why: foreign text through quoted() alone.
Failure unfit_answer(const Call& call, std::string_view why);

}  // namespace certferry::aws
