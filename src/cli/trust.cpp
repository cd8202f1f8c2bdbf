#include "cli/trust.h"

#include <fmt/format.h>

#include "config/misconfigured.h"
#include "crypto/chain.h"

namespace certferry {
namespace {

bool is_flag(const Place& place) { return place.file.starts_with("--"); }

Misconfigured no_trust(const Place& place, std::string what) {
  const Failure failure{
      Failure::Kind::refused, std::move(what),
      is_flag(place) ? "Name a PEM file with the roots to trust" : "Write the path of a PEM file with the CA's roots"};
  return Misconfigured{failure.within(place.text())};
}

// As the user wrote it: `trust = "roots.pem"`, or the file alone after its flag.
std::string written(const std::string& path, const Place& place) {
  return fmt::format("{}\"{}\"", is_flag(place) ? "" : "trust = ", quoted(path));
}

}  // namespace

Task<std::string> read_trust(Host& host, const std::string& path, const Place& place) {
  std::optional<std::string> pem;
  try {
    pem = co_await host.read(path);
  } catch (const Failure& failure) {
    throw no_trust(place, fmt::format("{}: {}", written(path, place), failure.what()));
  }
  if (!pem) throw no_trust(place, written(path, place) + " is not there");
  try {
    Roots::from_pem(*pem);
  } catch (const Failure& failure) {
    throw no_trust(place, fmt::format("{}: {}", written(path, place), failure.what()));
  }
  co_return *pem;
}

}  // namespace certferry
