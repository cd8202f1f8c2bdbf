#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/chain.h"
#include "sandbox/query_reply.h"
#include "sandbox/world.h"
#include "wire/http.h"

namespace certferry::sandbox {

struct SimulatedServerCertificate {
  std::string name, path, id, arn;
  Presented content;
  WallTime uploaded;
  std::map<std::string, std::string> tags;
};

// IAM server certificates: parsed and matched on upload, unique names, quota, EntityAlreadyExists, DeleteConflict while
// a listener refers to it (and release_lag longer), found by load balancers only after certificate_visible_after. Each
// account has its own: names, quota and listing are those of whoever asks.
class ServerCertificates {
 public:
  explicit ServerCertificates(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);

  using Table = std::multimap<std::string, SimulatedServerCertificate>;
  Table by_name;  // of all accounts
  // The account's one of this name; the end where it has none.
  Table::iterator find(const std::string& account, const std::string& name);
  const SimulatedServerCertificate* by_arn(const std::string& arn) const;
  // As a load balancer sees it at `now`: absent during the lag.
  const SimulatedServerCertificate* visible(const std::string& arn, WallTime now) const;
  // What a listener shows that was given it: a copy, which outlasts the certificate's deletion.
  const SimulatedServerCertificate* copy_of(const std::string& arn) const;
  // By a third party, whatever refers to it.
  void remove_by_hand(const std::string& name);
  // By a third party; its ARN. account: "" the world's own.
  std::string put(const std::string& path, const std::string& name, Presented content, const std::string& account = "");
  // Load balancers tell it what they let go, for release_lag.
  void released(const std::string& arn, WallTime now) { released_[arn] = now; }
  // Deletions of certificates that something referred to at that moment: invariant I4; must stay empty.
  std::vector<std::string> deleted_in_use;
  std::vector<std::string> refused_in_use;  // the same that were asked for, and refused
  bool notices_use = true;  // false: DeleteConflict never comes, as when load balancers fail to tell IAM

 private:
  Outcome upload(const QueryCall& call, const std::string& account, XmlWriter& result, WallTime now);
  Outcome list(const QueryCall& call, const std::string& account, XmlWriter& result) const;
  Outcome get(const QueryCall& call, const std::string& account, XmlWriter& result);
  Outcome update(const QueryCall& call, const std::string& account);
  Outcome remove(const QueryCall& call, const std::string& account, WallTime now);
  Outcome summarize(const std::string& account, XmlWriter& result) const;
  Table::iterator named(const QueryCall& call, const std::string& account);  // else NoSuchEntity
  void take_away(Table::iterator certificate);
  std::size_t count_of(const std::string& account) const;
  // The ARN of what uses it, "" where nothing does; `lingering` counts what was let go within release_lag too.
  std::string user_of(const std::string& arn, WallTime now, bool lingering) const;
  World& world_;
  std::map<std::string, WallTime> released_;
  std::map<std::string, SimulatedServerCertificate> deleted_;  // by ARN, the last of each
};

}  // namespace certferry::sandbox
