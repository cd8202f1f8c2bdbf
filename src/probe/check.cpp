#include "probe/check.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "wire/host_port.h"

namespace certferry {
namespace {

constexpr std::size_t shown_text_longest = 100;

std::uint16_t usual_port(StartTls starttls) {
  switch (starttls) {
    case StartTls::none:
      return 443;
    case StartTls::smtp:
      return 25;
    case StartTls::imap:
      return 143;
    case StartTls::ldap:
      return 389;
    case StartTls::postgres:
      return 5432;
  }
  return 443;
}

int severity(CheckState state) {
  switch (state) {
    case CheckState::ok:
      return 0;
    case CheckState::unknown:
      return 1;
    case CheckState::warning:
      return 2;
    case CheckState::critical:
      return 3;
  }
  return 1;
}

std::string_view word(CheckState state) {
  switch (state) {
    case CheckState::ok:
      return "ok";
    case CheckState::warning:
      return "warning";
    case CheckState::critical:
      return "critical";
    case CheckState::unknown:
      return "unknown";
  }
  return "unknown";
}

long whole_days(Duration duration) { return std::chrono::floor<std::chrono::days>(duration).count(); }

// What is wrong with one host, gathered; the worst of it is its state.
class Verdict {
 public:
  explicit Verdict(Checked& checked) : checked_(checked) { checked_.state = CheckState::ok; }
  void add(CheckState state, std::string problem) {
    if (severity(state) > severity(checked_.state)) checked_.state = state;
    if (std::ranges::find(checked_.problems, problem) == checked_.problems.end())
      checked_.problems.push_back(std::move(problem));
  }

 private:
  Checked& checked_;
};

void judge_dates(const Certificate& leaf, WallTime now, const CheckSettings& settings, Verdict& verdict) {
  const Duration left = leaf.not_after() - now;
  const Duration life = leaf.lifetime();
  const Duration warn = settings.warn.value_or(std::min(check_warns, check_warns_of_life.of(life)));
  const Duration critical =
      settings.critical.value_or(std::min({check_is_critical, check_is_critical_of_life.of(life), warn / 3}));
  if (now < leaf.not_before())
    verdict.add(CheckState::critical, fmt::format("not valid before {}", iso8601(leaf.not_before())));
  if (left <= Duration::zero())
    verdict.add(CheckState::critical, fmt::format("expired {} ago", humane(-left)));
  else if (left < critical)
    verdict.add(CheckState::critical, fmt::format("expires in {}", humane(left)));
  else if (left < warn)
    verdict.add(CheckState::warning, fmt::format("expires in {}", humane(left)));
}

void judge_chain(const Chain& chain, const HostPort& place, const Roots& roots, WallTime now,
                 const CheckSettings& settings, Verdict& verdict) {
  judge_dates(chain.leaf, now, settings, verdict);
  if (!is_address(place.host) && !chain.leaf.covers(DomainName::parse(place.host)))
    verdict.add(CheckState::critical, fmt::format("does not cover {}", place.host));
  const bool in_its_time = chain.leaf.not_before() <= now && now < chain.leaf.not_after();
  if (!in_its_time) return;
  if (const auto objection = roots.objection(chain, now))
    verdict.add(CheckState::critical, fmt::format("chain: {}", *objection));
}

void judge(Checked& checked, const std::vector<Shown>& seen, const HostPort& place, const Roots& roots, WallTime now,
           const CheckSettings& settings) {
  Verdict verdict{checked};
  std::set<Fingerprint> different;
  for (const Shown& shown : seen) {
    checked.addresses.push_back(shown.address);
    if (!shown.chain) continue;
    if (!different.insert(shown.chain->leaf.fingerprint()).second) continue;
    judge_chain(*shown.chain, place, roots, now, settings, verdict);
    const bool sooner = !checked.chain || shown.chain->leaf.not_after() < checked.chain->leaf.not_after();
    if (sooner) checked.chain = shown.chain;
  }
  const auto silent = checked.chain ? CheckState::warning : CheckState::critical;
  for (const Shown& shown : seen)
    if (!shown.chain) verdict.add(silent, shown.trouble);
  if (different.size() > 1)
    verdict.add(CheckState::warning, fmt::format("its addresses show {} different certificates", different.size()));
}

Task<Checked> check_host(Outside& outside, std::string host, const Roots& roots, CheckSettings settings) {
  Checked checked;
  checked.host = quoted(host, shown_text_longest);
  try {
    auto place = parse_host_port(host, usual_port(settings.starttls));
    if (!place)
      throw Failure(Failure::Kind::refused, "this is no host, host:port or [address]:port", "Correct the host");
    std::string sni;
    if (!is_address(place->host)) sni = place->host = DomainName::parse(place->host).text();
    checked.host = text_of(*place);
    checked.state = CheckState::critical;  // from here on it is the host's fault
    const auto seen =
        co_await look_at_with_any_key(outside, place->host, place->port, sni, KeyType::p256, settings.starttls);
    judge(checked, seen, *place, roots, outside.clock.now(), settings);
  } catch (const Failure& failure) {
    checked.problems.emplace_back(failure.what());
  }
  co_return checked;
}

std::string names_text(const Certificate& leaf) {
  std::vector<std::string> names;
  for (const DomainName& name : leaf.names()) names.push_back(name.text());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Task<std::vector<Checked>> check_hosts(Outside& outside, std::vector<std::string> hosts, const Roots& roots,
                                       CheckSettings settings) {
  std::vector<Checked> all(hosts.size());
  std::vector<Work> checks;
  for (std::size_t i = 0; i < hosts.size(); ++i)
    checks.push_back([&, i]() -> Task<> { all[i] = co_await check_host(outside, hosts[i], roots, settings); });
  const auto ends = co_await all_settled(std::move(checks), settings.at_once);
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
  co_return all;
}

CheckState worst(const std::vector<Checked>& all) {
  if (all.empty()) return CheckState::unknown;
  return std::ranges::max_element(all, {}, [](const Checked& one) { return severity(one.state); })->state;
}

std::string to_text(const std::vector<Checked>& all, WallTime now) {
  std::size_t width = 0;
  for (const Checked& one : all) width = std::max(width, one.host.size());
  std::string text;
  for (const Checked& one : all) {
    std::string line = fmt::format("{:<8}  {:<{}}", word(one.state), one.host, width);
    if (one.chain) {
      const Certificate& leaf = one.chain->leaf;
      line +=
          fmt::format("  until {}, {} days  by {}  for {}", iso8601(leaf.not_after()),
                      whole_days(leaf.not_after() - now), quoted(leaf.issuer(), shown_text_longest), names_text(leaf));
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    for (const std::string& problem : one.problems) text += fmt::format("          {}\n", problem);
  }
  return text;
}

Json to_json(const std::vector<Checked>& all, WallTime now) {
  Json hosts = Json::array();
  for (const Checked& one : all) {
    Json& host = hosts.append(Json::object({{"host", one.host}, {"state", word(one.state)}}));
    host["problems"] = Json::array();
    host["addresses"] = Json::array();
    for (const std::string& problem : one.problems) host["problems"].push_back(problem);
    for (const std::string& address : one.addresses) host["addresses"].push_back(address);
    if (!one.chain) continue;
    const Certificate& leaf = one.chain->leaf;
    host["not_before"] = iso8601(leaf.not_before());
    host["not_after"] = iso8601(leaf.not_after());
    host["days_left"] = whole_days(leaf.not_after() - now);
    host["issuer"] = leaf.issuer();
    host["serial"] = leaf.serial().text();
    host["fingerprint"] = leaf.fingerprint().text();
    host["names"] = Json::array();
    for (const DomainName& name : leaf.names()) host["names"].push_back(name.text());
  }
  return Json::object({{"state", word(worst(all))}, {"hosts", hosts}});
}

}  // namespace certferry
