#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sandbox/mounts/simulated_world.h"
#include "wire/http.h"

namespace certferry::simulation {

// No private key in any of its forms (PEM, DER, raw scalar; as base64, base64url or hex), no secret key or session
// token of AWS in any byte that is logged, traced, reported, stored or sent where others can read it. What is stored,
// reported and sent is kept as it goes by, and all of it searched at the end: a key may be known only after it leaked.
class SecretsOracle {
 public:
  explicit SecretsOracle(sandbox::SimulatedWorld& simulated) : simulated_(simulated) {}
  void stored(const std::string& key, const Bytes& value);
  void sent(const http::Request& request);
  void shown(std::string text);           // to whoever called the program: a report in one of its forms
  void add_secret(BytesView secret);      // that must be seen nowhere: a text or octets
  void add_private_key(BytesView pkcs8);  // DER
  std::vector<std::string> leaks() const;

 private:
  void keep(std::string where, std::string text);
  sandbox::SimulatedWorld& simulated_;
  std::set<Bytes> needles_, private_keys_;
  std::vector<std::pair<std::string, std::string>> kept_;  // where, and what
};

}  // namespace certferry::simulation
