#include "sandbox/mounts/mounted_resolver.h"

#include <fmt/format.h>

#include "base/failure.h"

namespace certferry::sandbox {
namespace {

constexpr int kMostAliases = 8;

}  // namespace

Task<dns::Answer> MountedResolver::ask(dns::Question question, dns::Nameserver server) {
  if (server.address.empty()) co_return co_await resolved(std::move(question));
  co_return co_await resolver_.ask(std::move(question), {"127.0.0.1", places_.dns_port});
}

Task<dns::Answer> MountedResolver::resolved(dns::Question question) {
  dns::Answer whole;
  for (int step = 0; step < kMostAliases; ++step) {
    dns::Answer answer = co_await resolver_.ask(question, {"127.0.0.1", places_.dns_port});
    whole.rcode = answer.rcode == dns::Rcode::refused ? dns::Rcode::name_error : answer.rcode;
    whole.answers.insert(whole.answers.end(), answer.answers.begin(), answer.answers.end());
    whole.authorities = std::move(answer.authorities);
    if (answer.answers.empty() || question.type == dns::Type::cname) break;
    const dns::Record& last = answer.answers.back();
    if (last.type != dns::Type::cname) break;
    question.name = last.data;
  }
  if (!whole.answers.empty()) whole.rcode = dns::Rcode::no_error;
  co_return whole;
}

Task<std::vector<std::string>> MountedResolver::addresses(std::string host) {
  std::vector<std::string> found;
  if (const auto known = places_.addresses.find(host); known != places_.addresses.end())
    co_return std::vector<std::string>{known->second};
  const dns::Answer answer = co_await resolved({host, dns::Type::a});
  for (const dns::Record& record : answer.answers) {
    if (record.type == dns::Type::cname) {
      const auto known = places_.addresses.find(record.data);
      if (known != places_.addresses.end()) co_return std::vector<std::string>{known->second};
    }
    if (record.type == dns::Type::a) found.push_back(record.data);
  }
  if (found.empty()) throw Failure{Failure::Kind::transient, fmt::format("{} has no address", host), "Check the name."};
  co_return found;
}

}  // namespace certferry::sandbox
