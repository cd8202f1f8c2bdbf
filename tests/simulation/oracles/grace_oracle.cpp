#include "grace_oracle.h"

#include <algorithm>
#include <fmt/format.h>

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
      formers.push_back({id, former->text("reference").value_or(""), target.text("former_until").value_or("")});
}

void GraceOracle::happened(const sandbox::Event& event) {
  if (event.service != "iam" || !event.changed) return;
  std::set<std::string> present;
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name)
    present.insert(certificate.arn);
  // What lands late was decided upon when the record said something else.
  if (event.operation == "DeleteServerCertificate" && !event.late)
    for (const std::string& arn : arns_)
      if (arn.ends_with("/" + event.object) && !present.contains(arn)) deleted(arn, event.at);
  arns_ = std::move(present);
}

void GraceOracle::deleted(const std::string& arn, WallTime at) {
  for (const auto& [record, formers] : formers_) {
    for (const Former& former : formers) {
      if (former.reference != arn) continue;
      const auto until = parse_iso8601(former.until);
      if (!until || at < *until)
        complain_(fmt::format("{} was deleted, to which {} may go back by {}", arn, former.target, record));
    }
  }
}

}  // namespace certferry::simulation
