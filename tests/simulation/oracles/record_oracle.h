#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "complain.h"
#include "stored_value.h"

namespace certferry::simulation {

// What the state itself promises, read after every write of a record or a journal:
//   I5  no certificate is recorded that has other names or another key than it was asked for with, is outside its
//       dates, not for servers, or whose chain leads nowhere
//   I6  whatever order is answered was written down before, and a generation's order and its other finished steps are
//       never others
//   I8  epochs do not go back; nobody takes over from an instance whose heartbeat is young, and nobody writes a record
//       that he has not claimed (but for what the CA said of its renewal)
class RecordOracle {
 public:
  RecordOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void happened(const sandbox::Event& event);

 private:
  void record_changed(const std::string& key, const Json& before, const Json& after);
  void journal_changed(const StoredChange& change);
  void taken_over(const std::string& key, const std::string& from, const std::string& by);
  void written_in_s3(const sandbox::Event& event);
  void recorded(const std::string& where, const Json& issued, const Json& key, const Json& specification);
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  using Recorded = std::tuple<std::string, std::string, std::vector<std::string>>;  // PEM, public key, names
  std::set<Recorded> checked_;
  std::map<std::string, std::string> orders_;   // URL, by the store's key of the journal
  std::set<std::string> former_orders_;         // URLs, of journals that are gone
  std::map<std::string, std::int64_t> epochs_;  // of records, by certificate
  std::map<std::string, WallTime> written_;     // objects of S3: when last
  std::set<std::string> late_beats_;            // those that were written last too late
};

}  // namespace certferry::simulation
