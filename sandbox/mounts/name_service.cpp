#include "sandbox/mounts/name_service.h"

#include <algorithm>

#include "sandbox/hosted_zones.h"

namespace certferry::sandbox {
namespace {

constexpr int kAliasesMost = 8;

dns::Message query_for(const dns::Question& question) {
  dns::Message query;
  query.questions.push_back(question);
  return query;
}

}  // namespace

dns::Answer asked_directly(World& world, const std::string& server, const dns::Question& question, WallTime now) {
  world.advance(now);
  const bool serves = std::ranges::any_of(world.zones().all, [&](const SimulatedZone& zone) {
    return std::ranges::find(zone.name_servers, server) != zone.name_servers.end();
  });
  dns::Message message =
      serves ? world.zones().answer_at(server, query_for(question), now) : world.answer(query_for(question), now);
  return {message.rcode, message.authoritative, message.answers, message.authorities, message.additionals};
}

dns::Answer resolved_in(World& world, dns::Question question, WallTime now) {
  dns::Answer whole;
  for (int step = 0; step < kAliasesMost; ++step) {
    dns::Message answer = world.answer(query_for(question), now);
    whole.rcode = answer.rcode == dns::Rcode::refused ? dns::Rcode::name_error : answer.rcode;
    whole.answers.insert(whole.answers.end(), answer.answers.begin(), answer.answers.end());
    whole.authorities = answer.authorities;
    if (answer.answers.empty()) break;
    const auto& last = answer.answers.back();
    if (last.type != dns::Type::cname || question.type == dns::Type::cname) break;
    question.name = last.data;
  }
  if (!whole.answers.empty()) whole.rcode = dns::Rcode::no_error;
  return whole;
}

std::vector<std::string> addresses_in(World& world, Addresses& addresses, const std::string& host, WallTime now) {
  std::vector<std::string> found = addresses.all_of(host);
  if (!found.empty()) return found;
  for (const auto& record : resolved_in(world, {host, dns::Type::a}, now).answers) {
    if (record.type == dns::Type::a) found.push_back(record.data);
    if (record.type != dns::Type::cname) continue;
    std::ranges::copy(addresses.all_of(record.data), std::back_inserter(found));
  }
  return found;
}

}  // namespace certferry::sandbox
