#include "acme/problem.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace certferry::acme {
namespace {

constexpr std::string_view error_urn = "urn:ietf:params:acme:error:";
constexpr std::size_t glimpse_length = 120, detail_length = 1000, unpause_length = 3000;
constexpr std::size_t parts_shown = 20;

std::string short_type(const std::string& type) {
  return type.starts_with(error_urn) ? type.substr(error_urn.size()) : type == "about:blank" ? "" : type;
}

// Let's Encrypt's paused identifiers come as rateLimited, with a page where a person lifts the pause.
bool paused(const Problem& problem) {
  return problem.type == "rateLimited" &&
         (problem.detail.contains("unpause") || problem.detail.contains("temporarily prevented"));
}

struct Advice {
  std::string_view type, next;
};
constexpr std::array advices{
    Advice{"unauthorized",
           "Check that the names are yours to certify; where the CA has closed the account, begin with another: "
           "`certferry account --replace`"},
    Advice{"caa", "Add the CA to the CAA records of these names (its directory lists its caaIdentities)"},
    Advice{"rejectedIdentifier", "Remove these names from the certificate, or use another CA"},
    Advice{"unsupportedIdentifier", "Use DNS names alone, or another CA"},
    Advice{"badCSR", "Choose another key_type or other names; the CA does not take this request"},
    Advice{"badPublicKey", "Choose another key_type; the CA does not take this key"},
    Advice{"badSignatureAlgorithm", "Use an account key of another type, such as p256"},
    Advice{"accountDoesNotExist", "Run certferry again; where the CA has lost the account, its key is registered anew"},
    Advice{"externalAccountRequired", "Use a CA that needs no external account binding"},
    Advice{"invalidContact", "Correct [account] contact"},
    Advice{"unsupportedContact", "Correct [account] contact"},
    Advice{"invalidProfile", "Choose one of the profiles that the CA's directory names"},
    Advice{"alreadyReplaced", "Run certferry again; it orders without naming the predecessor"},
    Advice{"orderNotReady", "Run certferry again; the order is read anew"},
    Advice{"badRevocationReason", "Choose another reason"},
};

std::string next_for(const Problem& problem) {
  if (problem.type == "userActionRequired") {
    std::string next = "Visit";
    for (const std::string* url : {&problem.instance, &problem.terms})
      if (!url->empty()) next += fmt::format("{} {}", next == "Visit" ? "" : " and", quoted(*url));
    return next == "Visit" ? "Do what the CA asks for, then run certferry again" : next + ", then run certferry again";
  }
  if (paused(problem)) return "Open the CA's link in a browser to lift the pause, after mending what failed so often";
  for (const Advice& advice : advices)
    if (advice.type == problem.type) return std::string{advice.next};
  if (problem.status == 401 || problem.status == 403)
    return "Check that the account and its key are still accepted by the CA";
  if (problem.status == 404)
    return "Run certferry again later; report it to the CA where it never finds it, for it gave the URL";
  return "Read what the CA says; if the request is at fault, report it as a bug of certferry";
}

Failure::Kind kind_of(const Problem& problem, bool changes) {
  if (paused(problem)) return Failure::Kind::refused;
  if (problem.status == 429 || problem.type == "rateLimited") return Failure::Kind::throttled;
  if (problem.status == 503 && problem.retry_after) return Failure::Kind::throttled;
  if (problem.type == "badNonce") return Failure::Kind::transient;
  if (failed_in_itself(problem)) return changes ? Failure::Kind::outcome_unknown : Failure::Kind::transient;
  return Failure::Kind::refused;
}

// The CA itself said no, or counts. A 503 is no more than a server that is busy, whatever its type.
bool rationed(const Problem& problem, Failure::Kind kind) {
  return kind == Failure::Kind::refused || problem.status == 429 ||
         (problem.type == "rateLimited" && problem.status != 503);
}

}  // namespace

std::string Problem::words() const {
  const std::size_t limit = detail.contains("unpause") ? unpause_length : detail_length;
  std::string text = quoted(type, 100);
  if (!detail.empty()) text += (text.empty() ? "" : ": ") + quoted(detail, limit);
  for (std::size_t i = 0; i < parts.size() && i < parts_shown; ++i)
    text += fmt::format("; {}: {}{}", quoted(parts[i].name, 260), quoted(parts[i].detail, 300),
                        parts[i].type.empty() ? "" : fmt::format(" ({})", quoted(parts[i].type, 100)));
  if (parts.size() > parts_shown) text += fmt::format("; and {} more", parts.size() - parts_shown);
  if (!instance.empty()) text += fmt::format(" ({})", quoted(instance));
  return text;
}

Problem parse_problem(const Json& document) {
  Problem problem;
  problem.type = short_type(document.text("type").value_or(""));
  problem.detail = document.text("detail").value_or(document.text("title").value_or(""));
  problem.instance = document.text("instance").value_or("");
  for (const Json& part : document.elements("subproblems")) {
    const Json* identifier = part.find("identifier");
    Problem::Part one{identifier ? identifier->text("value").value_or("") : "",
                      short_type(part.text("type").value_or("")), part.text("detail").value_or("")};
    if (!one.name.empty() || !one.detail.empty()) problem.parts.push_back(std::move(one));
  }
  return problem;
}

Problem problem_of(const http::Response& response, WallTime now) {
  Problem problem;
  const std::string type = http::media_type(response.headers);
  if (type.ends_with("json") || type.empty()) {
    try {
      problem = parse_problem(Json::parse(response.body, "the CA's error"));
    } catch (const Failure&) {
      // It is shown as the text that it is.
    }
  }
  if (problem.type.empty() && problem.detail.empty())
    problem.detail = response.status / 100 == 3
                         ? fmt::format("it redirects ({}) to {}, and no redirect is followed", response.status,
                                       response.headers.get("Location").value_or("nowhere"))
                         : "it answered " + glimpse(response);
  problem.status = response.status;
  problem.retry_after = http::retry_after(response, now);
  const auto terms = http::links(response, "terms-of-service");
  if (!terms.empty()) problem.terms = terms.front();
  return problem;
}

std::optional<Problem> page_of_somebody_else(const http::Response& response) {
  if (http::media_type(response.headers) != "text/html") return {};
  Problem problem;
  problem.status = response.status;
  problem.foreign = true;
  problem.detail = "it answered " + glimpse(response);
  return problem;
}

std::string glimpse(const http::Response& response) {
  const std::string type = http::media_type(response.headers);
  return fmt::format("{} {}, {}: {}", response.status, http::reason(response.status),
                     type.empty() ? "no content type" : quoted(type, 80),
                     response.body.empty() ? "nothing" : fmt::format("\"{}\"", quoted(response.body, glimpse_length)));
}

bool failed_in_itself(const Problem& problem) {
  if (problem.status == 501) return false;  // it does not do that at all (RFC 9110 section 15.6.2)
  return problem.foreign || problem.status >= 500 || problem.status == 408 || problem.type == "serverInternal" ||
         (problem.status != 0 && (problem.type == "connection" || problem.type == "dns" || problem.type == "tls"));
}

bool turned_away(const Problem& problem) { return problem.status == 503 && problem.type == "rateLimited"; }

Failure failure_of(const Problem& problem, std::string_view operation, bool changes) {
  const Failure::Kind kind = kind_of(problem, changes);
  const bool later = kind != Failure::Kind::refused;
  std::string next = later ? "Run certferry again later; it goes on where it stopped" : next_for(problem);
  if (kind == Failure::Kind::throttled && problem.retry_after)
    next = fmt::format("Run certferry again in {}; until then the CA refuses", humane(*problem.retry_after));
  const std::string_view verb =
      kind == Failure::Kind::transient || kind == Failure::Kind::outcome_unknown ? "the CA failed" : "the CA refused";
  const Failure failure = Failure(kind, fmt::format("{}: {}: {}", operation, verb, problem.words()), std::move(next),
                                  later ? problem.retry_after : std::nullopt)
                              .with_code(problem.type);
  return rationed(problem, kind) ? failure.as_rationed() : failure;
}

}  // namespace certferry::acme
