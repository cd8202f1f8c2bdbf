#include "files_oracle.h"

#include <fmt/format.h>
#include <utility>

#include "base/failure.h"
#include "read_key.h"

namespace certferry::simulation {

void FilesOracle::changed(const std::string& name) {
  const sandbox::Machine& machine = simulated_.machine(name);
  for (const auto& [path, node] : machine.nodes)
    if (node.kind == sandbox::Machine::Kind::link && path.ends_with("/live")) look_at(machine, path);
}

void FilesOracle::look_at(const sandbox::Machine& machine, const std::string& live) {
  const auto *chain = machine.find(live + "/fullchain.pem"), *key = machine.find(live + "/privkey.pem");
  if (chain == nullptr || key == nullptr) return complain_(fmt::format("I4: {} leads to nothing whole", live));
  Shown& shown = shown_[machine.id + live];
  if (chain->content == shown.now) return;
  const Bytes former = std::exchange(shown.now, chain->content);
  const bool rollback = std::exchange(shown.before, former) == shown.now;
  auto& world = simulated_.world();
  const WallTime now = simulated_.time().now();
  try {
    const sandbox::Presented given{parse_chain(BytesView{shown.now}), read_key_pem(key->content)->key};
    if (const std::string why = sandbox::defect(given, now); !why.empty())
      complain_(fmt::format("I5: {} leads to a certificate of which {}", live, why));
    if (former.empty() || rollback) return;
    if (const std::string why = sandbox::worsening(world, parse_chain(BytesView{former}), given.chain, now);
        !why.empty())
      complain_(fmt::format("I7: {} leads to a worse certificate: {}", live, why));
  } catch (const Failure& failure) {
    complain_(fmt::format("I5: {} leads to no certificate: {}", live, failure.what()));
  }
}

}  // namespace certferry::simulation
