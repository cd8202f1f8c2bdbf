#include <algorithm>

#include "acme/authorization.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "fuzzing.h"

using certferry::Failure;
using certferry::Json;
namespace acme = certferry::acme;

namespace {

template <class Parse>
void refused_at_worst(const Parse& parse) {
  try {
    parse();
  } catch (const Failure& failure) {
    certferry::fuzz::hold(failure.kind() == Failure::Kind::refused, "what cannot be read is refused");
  }
}

void is_fit_to_be_shown(const std::string& text) {
  certferry::fuzz::hold(std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
                        "no control character is shown");
}

void feed(const Json& body) {
  refused_at_worst([&] {
    const auto order = acme::parse_order(certferry::OrderUrl::parse("https://ca.example/order/1"), body);
    certferry::fuzz::hold(!order.names.empty() && !order.finalize.empty(), "an order has names and a finalize URL");
    certferry::fuzz::hold(std::ranges::adjacent_find(order.names, std::greater_equal{}) == order.names.end(),
                          "names are sorted, each once");
    is_fit_to_be_shown(order.error);
  });
  refused_at_worst([&] {
    const auto proof = acme::parse_authorization("https://ca.example/authorization/1", body);
    certferry::fuzz::hold(!proof.identifier.wildcard(), "an authorization's name has no wildcard");
    for (const auto& challenge : proof.dns)
      certferry::fuzz::hold(challenge.token.size() >= 22 && !challenge.token.contains('/'), "a token is a token");
    is_fit_to_be_shown(proof.error);
  });
  refused_at_worst([&] { acme::parse_directory(body); });
  is_fit_to_be_shown(acme::parse_problem(body).words());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = certferry::fuzz::view(data, size);
  refused_at_worst([&] { feed(Json::parse(input, "the input", 1 << 16)); });
  acme::challenge_status(input);
  const certferry::http::Response answer{400, {{"Content-Type", "application/problem+json"}}, std::string{input}};
  const auto failure = acme::failure_of(acme::problem_of(answer, certferry::WallTime{}), "the test", true);
  is_fit_to_be_shown(failure.what());
  certferry::fuzz::hold(!failure.next().empty(), "somebody is told what to do");
  return 0;
}
