#include "grace_oracle.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "gone.h"
#include "host_of.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

namespace certferry::simulation {
void GraceOracle::changed(const StoredChange& change) {
  if (!change.is_record()) return;
  std::vector<Former>& formers = formers_[change.key];
  formers.clear();
  const Json* targets = change.after.find("targets");
  if (targets == nullptr || !targets->is_object()) return;
  for (const auto& [id, target] : targets->as_object())
    if (const Json* former = target.find("former"); former != nullptr && former->is_object())
      formers.push_back({id, former->text("reference").value_or(""), target.text("noted_for").value_or(""),
                         target.text("half_done").value_or(""), target.text("former_until").value_or(""),
                         former->text("body").value_or("")});
}

void GraceOracle::happened(const sandbox::Event& event) {
  if (event.service != "iam" || !event.changed) return;
  std::set<std::string> present;
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name)
    present.insert(certificate.arn);
  // What lands late was decided upon when the record said something else.
  if (event.operation == "DeleteServerCertificate" && !event.late)
    for (const std::string& arn : arns_)
      if (arn.ends_with("/" + event.object) && !present.contains(arn))
        gone(arn, event.at, [&](const Former& former) { return former.reference == arn; });
  arns_ = std::move(present);
}

// A path of this machine, however it is written.
bool GraceOracle::means(const Former& former, const sandbox::Machine& machine, const std::string& generation) {
  return !directory_of(former.target, machine).empty() && machine.resolved(former.reference) == generation;
}

void GraceOracle::files_changed(const std::string& name) {
  const sandbox::Machine& machine = simulated_.machine(name);
  std::set<std::string> present;
  for (const auto& [path, node] : machine.nodes)
    if (path.substr(0, path.rfind('/')).ends_with("/generations")) present.insert(path);
  const std::set<std::string> before = std::exchange(generations_[name], present);
  if (simulated_.happens_late()) return;
  // Who hears of no service goes by its machine's clock.
  const WallTime now = std::max(simulated_.time().now(), simulated_.time_on(machine));
  for (const std::string& generation : before)
    if (!present.contains(generation))
      gone(generation, now, [&](const Former& former) { return means(former, machine, generation); });
}

// Nobody goes back to what browsers refuse.
bool GraceOracle::has_expired(const Former& former, WallTime at) {
  return !former.chain.empty() && parse_chain(BytesView{former.chain}).leaf.not_after() <= at;
}

// An installation goes back only from what it bound itself, or has not begun. What anybody else bound there is what the
// next one would go back to.
bool GraceOracle::gave_way(const Former& former) const {
  const auto of_others = [&](const std::string& reference) {
    const bool of_ours =
        reference.ends_with(name_ends_with(former.noted_for)) || reference.ends_with(name_ends_with(former.half_done));
    return reference != former.reference && !of_ours;
  };
  auto& world = simulated_.world();
  for (const auto& [name, balancer] : world.classic().by_name)
    for (const auto& [port, listener] : balancer.listeners)
      if (former.target.starts_with("elb/") && former.target.ends_with(fmt::format("/{}:{}", name, port)))
        return of_others(listener.certificate);
  for (const auto& [name, balancer] : world.load_balancers().by_name)
    for (const auto& entry : balancer.listeners)
      if (former.target == "listener/" + entry.arn) return of_others(entry.listener.certificate);
  for (const auto& [name, machine] : simulated_.machines())
    if (const std::string directory = directory_of(former.target, machine); !directory.empty()) {
      const std::string live = machine.resolved(directory + "/live");
      return live != machine.resolved(former.reference) && of_others(live);
    }
  return false;
}

void GraceOracle::gone(const std::string& what, WallTime at, const std::function<bool(const Former&)>& is_it) {
  for (const auto& [record, formers] : formers_) {
    for (const Former& former : formers) {
      if (!is_it(former)) continue;
      const auto until = parse_iso8601(former.until);
      if (until ? at < *until : !has_expired(former, at) && !gave_way(former))
        complain_(fmt::format("{} was deleted, to which {} may go back by {}", what, former.target, record));
    }
  }
}

}  // namespace certferry::simulation
