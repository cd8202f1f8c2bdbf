#include "dns/lookup.h"

#include <fmt/format.h>

#include "base/failure.h"

namespace certferry {
namespace {

std::string shown_rcode(dns::Rcode rcode) {
  switch (rcode) {
    case dns::Rcode::format:
      return "FORMERR";
    case dns::Rcode::server_failure:
      return "SERVFAIL";
    case dns::Rcode::not_implemented:
      return "NOTIMP";
    case dns::Rcode::refused:
      return "REFUSED";
    default:
      return fmt::format("rcode {}", static_cast<int>(rcode));
  }
}

}  // namespace

Task<dns::Answer> looked_up(Resolver& resolver, dns::Question question) {
  dns::Answer answer = co_await resolver.ask(question, {});
  require_answer(answer, question);
  co_return answer;
}

void require_answer(const dns::Answer& answer, const dns::Question& question) {
  if (answer.rcode == dns::Rcode::no_error || answer.rcode == dns::Rcode::name_error) return;
  throw Failure(
      Failure::Kind::transient,
      fmt::format("the resolvers answer {} to {} {}", shown_rcode(answer.rcode), dns::name(question.type),
                  question.name),
      fmt::format("Mend the name servers of {}, or name resolvers that answer for it in [challenge] resolvers",
                  question.name));
}

}  // namespace certferry
