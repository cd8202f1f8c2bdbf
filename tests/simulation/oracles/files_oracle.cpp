#include "files_oracle.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/failure.h"
#include "host_of.h"
#include "read_key.h"

namespace certferry::simulation {
namespace {

// Whoever reads later what its link leads to, as after a kill between the two, does what was judged when it was linked.
constexpr Duration reload_follows_within = hours(1);

// What is said of a link is kept by this.
std::string key_of(const sandbox::Machine& machine, const std::string& live) {
  return host_of(machine, live.substr(0, live.rfind('/'))) + live;
}

bool is_proven(sandbox::SimulatedWorld& simulated, const std::string& machine_and_link, const Bytes& chain) {
  const std::string directory = machine_and_link.substr(0, machine_and_link.rfind('/'));
  try {
    return simulated.invariants().is_proven("files/" + directory, parse_chain(BytesView{chain}).leaf.fingerprint());
  } catch (const Failure&) {
    return false;  // what is no certificate was proven by nobody
  }
}

}  // namespace

void FilesOracle::changed(const std::string& name) {
  const sandbox::Machine& machine = simulated_.machine(name);
  for (const auto& [path, node] : machine.nodes)
    if (node.kind == sandbox::Machine::Kind::link && path.ends_with("/live")) look_at(machine, path);
  for (const auto& [live, chain] : machine.served) was_read(machine, key_of(machine, live), chain);
}

// To what was shown before: by an installation that failed, or by a loss of power. Behind those, too, that were killed
// before they were proven.
bool FilesOracle::goes_back(const std::string& machine_and_link, const Shown& shown, const Bytes& chain) const {
  const bool stays = is_proven(simulated_, machine_and_link, shown.now);
  const auto may = [&](WallTime replaced) { return sandbox::may_go_back(simulated_.time().now() - replaced, stays); };
  return (shown.before == chain && may(shown.replaced)) ||
         std::ranges::any_of(shown.behind, [&](const auto& one) { return one.first == chain && may(one.second); });
}

// Who hears of no service has nothing but this machine's clock: what is well by that one is held against nobody.
std::string FilesOracle::by_both_clocks(const sandbox::Machine& machine,
                                        const std::function<std::string(WallTime)>& objection) const {
  const std::string why = objection(simulated_.time().now());
  return why.empty() || objection(simulated_.time_on(machine)).empty() ? "" : why;
}

// Another chain took the place of what was shown: why that is worse, "" where it is not. What happens late is to be put
// right by the next run.
std::string FilesOracle::worsened(const sandbox::Machine& machine, const std::string& machine_and_link, Shown& shown,
                                  const Bytes& chain) {
  const WallTime now = simulated_.time().now();
  const bool back = goes_back(machine_and_link, shown, chain);
  if (back || is_proven(simulated_, machine_and_link, shown.now))
    shown.behind.clear();
  else
    shown.behind.emplace_back(shown.before, shown.replaced);
  shown.before = std::exchange(shown.now, chain);
  shown.replaced = now;
  shown.back = back;
  if (shown.before.empty() || back || simulated_.happens_late()) return "";
  const Chain was = parse_chain(BytesView{shown.before}), is = parse_chain(BytesView{chain});
  const bool fewer = simulated_.invariants().fewer_names_are_wanted(was.leaf, is.leaf);
  return by_both_clocks(machine,
                        [&](WallTime time) { return sandbox::worsening(simulated_.world(), was, is, time, fewer); });
}

void FilesOracle::was_read(const sandbox::Machine& machine, const std::string& machine_and_link, const Bytes& chain) {
  Shown& shown = served_[machine_and_link];
  if (chain == shown.now || damaged_.contains(machine_and_link)) return;
  const Shown& link = shown_[machine_and_link];
  // It may have read what a failed reload led to for a moment, or not what came before: nobody can tell by its files.
  const bool in_step = shown.now == link.before || shown.now == link.now;
  const bool long_linked = simulated_.time().now() - link.replaced > reload_follows_within;
  const bool with_the_link = link.now == chain && (link.back || long_linked);
  try {
    if (const std::string why = worsened(machine, machine_and_link, shown, chain);
        !why.empty() && in_step && !with_the_link)
      complain_(fmt::format("I7: whoever serves {} has read a worse certificate: {}", machine_and_link, why));
  } catch (const Failure& failure) {
    complain_(fmt::format("I5: whoever serves {} has read no certificate: {}", machine_and_link, failure.what()));
  }
}

void FilesOracle::is_damaged(const sandbox::Machine& machine, const std::string& live) {
  damaged_.insert(key_of(machine, live));
}

void FilesOracle::look_at(const sandbox::Machine& machine, const std::string& live) {
  const std::string of = key_of(machine, live);
  const auto *chain = machine.find(live + "/fullchain.pem"), *key = machine.find(live + "/privkey.pem");
  const bool whole = chain != nullptr && key != nullptr;
  if (!whole && damaged_.contains(of)) return;
  if (!whole) return complain_(fmt::format("I4: {} leads to nothing whole", live));
  damaged_.erase(of);
  Shown& shown = shown_[of];
  const bool another = chain->content != shown.now;
  if (!another && key->content == shown.key) return;
  shown.key = key->content;
  const bool back = another && goes_back(of, shown,
                                         chain->content);  // it was judged when it came, and may be over since
  try {
    const std::string worse = another ? worsened(machine, of, shown, chain->content) : "";
    if (!worse.empty()) complain_(fmt::format("I7: {} leads to a worse certificate: {}", live, worse));
    if (back) return;
    const sandbox::Presented given{parse_chain(BytesView{shown.now}), read_key_pem(key->content)->key};
    const auto defect = [&](WallTime time) { return sandbox::defect(given, time); };
    if (const std::string why = by_both_clocks(machine, defect); !why.empty())
      complain_(fmt::format("I5: {} leads to a certificate of which {}", live, why));
  } catch (const Failure& failure) {
    complain_(fmt::format("I5: {} leads to no certificate: {}", live, failure.what()));
  }
}

}  // namespace certferry::simulation
