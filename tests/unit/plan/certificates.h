#pragma once

#include <string>
#include <vector>

#include "crypto/certificate_template.h"
#include "plan/plan.h"

namespace certferry::planning {

inline std::vector<DomainName> parsed(const std::vector<std::string>& names) {
  std::vector<DomainName> all;
  for (const std::string& name : names) all.push_back(DomainName::parse(name));
  return sorted_names(std::move(all));
}

// A root that signs leaves, trusted or not as the test says.
struct Ca {
  explicit Ca(const std::string& name)
      : key(PrivateKey::generate(KeyType::p256)),
        root(sign_certificate({name, {}, WallTime{}, WallTime{} + days(36500), true, Bytes{"\x01"}}, key.public_part(),
                              key, nullptr)) {}
  Chain issue(const std::vector<std::string>& names, WallTime from, WallTime until, KeyType type = KeyType::p256) {
    const PrivateKey leaf = PrivateKey::generate(type);
    return Chain{
        sign_certificate({"", parsed(names), from, until, false, Bytes{1, ++serial}}, leaf.public_part(), key, &root),
        {}};
  }
  Roots roots() const { return Roots::from_pem(root.pem()); }
  PrivateKey key;
  Certificate root;
  char serial = 1;
};

const WallTime now = WallTime{} + days(20000);

inline CertificateSpec spec(const std::vector<std::string>& names) {
  return CertificateSpec{parsed(names), KeyType::p256, "", "https://ca.test/directory"};
}

inline Issued issued(Chain chain, int generation = 1) {
  return Issued{std::move(chain), "https://ca.test/cert/1", generation};
}

inline Serving serving(Chain chain, bool ours = false) {
  Serving seen;
  seen.reference = "arn:aws:iam::123456789012:server-certificate/x";
  seen.body = std::move(chain);
  seen.ours = ours;
  return seen;
}

}  // namespace certferry::planning
