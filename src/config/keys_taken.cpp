#include "config/keys_taken.h"

#include <algorithm>

namespace certferry {
namespace {

bool on_network_load_balancer(const InstallConfig& install) {
  const auto* listener = std::get_if<ListenerInstall>(&install.where);
  return listener != nullptr && listener->arn.resource().starts_with("listener/net/");
}

}  // namespace

// source: ELB UserGuide, SSL certificates; NLB: an RSA key of 4096 bits is taken by the API, and the listener is dead
std::vector<KeyType> keys_refused(const InstallConfig& install) {
  if (on_network_load_balancer(install)) return {KeyType::rsa4096};
  return {};
}

bool takes(const InstallConfig& install, KeyType key) { return std::ranges::count(keys_refused(install), key) == 0; }

std::string keys_taken(const InstallConfig& install) {
  if (std::holds_alternative<ElbInstall>(install.where)) return "RSA, P-256 and P-384";
  if (on_network_load_balancer(install)) return "P-256, P-384, and RSA of up to 3072 bits";
  return "every key type";
}

}  // namespace certferry
