#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "wire/http.h"
#include "wire/json.h"

namespace certferry::acme {

// What a CA says no with (RFC 7807, RFC 8555 section 6.7). Every string is foreign text: shown through words() alone.
struct Problem {
  struct Part {
    std::string name;  // of the identifier
    std::string type, detail;
  };
  int status = 0;        // of the response; 0 inside orders and challenges
  bool foreign = false;  // nothing of the CA's: a page of somebody in between, whatever its status
  std::string type;      // "badNonce"; as given where it is none of ACME's; "" where the answer was no problem document
  std::string detail;
  std::string instance;     // URL of a page about this occurrence
  std::string terms;        // Link rel="terms-of-service"
  std::vector<Part> parts;  // subproblems
  std::optional<Duration> retry_after;

  // "rejectedIdentifier: the CA does not issue for this name; www.example.com: blocked (rejectedIdentifier)".
  std::string words() const;
};

// Of a problem document, or of the error member of an order or a challenge. Whatever is missing or mistyped is empty.
Problem parse_problem(const Json& document);
// Of an answer whose status is no success, problem document or not: HTML is shown by its status, media type and first
// words.
Problem problem_of(const http::Response& response, WallTime now);
// Of an answer of success that is a web page, which no ACME resource is: a network's login page, a proxy's. Empty: it
// is none.
std::optional<Problem> page_of_somebody_else(const http::Response& response);
// The first words of a body and its media type, for messages: `502, text/html: "<html>…"`.
std::string glimpse(const http::Response& response);

// A server's failure: the same request may succeed later, and what it asked for may have been done.
bool failed_in_itself(const Problem& problem);
// By a CA that is busy, before it looked at the request (Let's Encrypt: "Service busy; retry later."): surely not done.
// A 503 of another type may be a proxy's that lost the CA in the middle, or the CA's that failed in the middle.
bool turned_away(const Problem& problem);
// As a Failure of `operation`. changes: the request may have been carried out all the same where the server failed.
Failure failure_of(const Problem& problem, std::string_view operation, bool changes);

}  // namespace certferry::acme
