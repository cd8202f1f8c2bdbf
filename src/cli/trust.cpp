#include "cli/trust.h"

#include <fmt/format.h>

#include "config/misconfigured.h"
#include "crypto/chain.h"

namespace certferry {
namespace {

Misconfigured no_trust(const Place& place, std::string what) {
  const Failure failure{Failure::Kind::refused, std::move(what), "Write the path of a PEM file with the CA's roots"};
  return Misconfigured{failure.within(place.text())};
}

}  // namespace

Task<std::string> read_trust(Host& host, const std::string& path, const Place& place) {
  std::optional<std::string> pem;
  try {
    pem = co_await host.read(path);
  } catch (const Failure& failure) {
    throw no_trust(place, fmt::format("trust = \"{}\": {}", quoted(path), failure.what()));
  }
  if (!pem) throw no_trust(place, fmt::format("trust = \"{}\" is not there", quoted(path)));
  try {
    Roots::from_pem(*pem);
  } catch (const Failure& failure) {
    throw no_trust(place, fmt::format("trust = \"{}\": {}", quoted(path), failure.what()));
  }
  co_return *pem;
}

}  // namespace certferry
