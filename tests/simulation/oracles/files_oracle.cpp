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

bool FilesOracle::goes_back(const Shown& shown, WallTime now) {
  return shown.before == shown.now && now - shown.replaced <= sandbox::going_back_takes_most;
}

void FilesOracle::look_at(const sandbox::Machine& machine, const std::string& live) {
  const auto *chain = machine.find(live + "/fullchain.pem"), *key = machine.find(live + "/privkey.pem");
  if (chain == nullptr || key == nullptr) return complain_(fmt::format("I4: {} leads to nothing whole", live));
  Shown& shown = shown_[machine.id + live];
  const bool another = chain->content != shown.now;
  if (!another && key->content == shown.key) return;
  shown.key = key->content;
  auto& world = simulated_.world();
  const WallTime now = simulated_.time().now();
  const Bytes former = std::exchange(shown.now, chain->content);
  const bool rollback = another && goes_back(shown, now);
  if (another) {
    shown.before = former;
    shown.replaced = now;
  }
  try {
    const sandbox::Presented given{parse_chain(BytesView{shown.now}), read_key_pem(key->content)->key};
    if (const std::string why = sandbox::defect(given, now); !why.empty())
      complain_(fmt::format("I5: {} leads to a certificate of which {}", live, why));
    if (former.empty() || !another || rollback) return;
    if (const std::string why = sandbox::worsening(world, parse_chain(BytesView{former}), given.chain, now);
        !why.empty())
      complain_(fmt::format("I7: {} leads to a worse certificate: {}", live, why));
  } catch (const Failure& failure) {
    complain_(fmt::format("I5: {} leads to no certificate: {}", live, failure.what()));
  }
}

}  // namespace certferry::simulation
