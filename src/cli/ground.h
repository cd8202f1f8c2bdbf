#pragma once

#include <memory>

#include "cli/stage.h"
#include "engine/doctor.h"
#include "engine/fleet.h"

namespace certferry {

// Makes and holds what a Fleet stands on, in the order of need.
class Foundation {
 public:
  // Opens the state (SQLite file or S3) and finds out how AWS is spoken to; no credentials are asked for unless the
  // state is in S3. wait: how long the embedded store's lock is waited for. Failure: refused.
  static Task<std::unique_ptr<Foundation>> lay(Stage& stage, const Config& config, Duration wait);
  // The same for who changes nothing: a state that is not there is not made.
  static Task<std::unique_ptr<Foundation>> lay_to_look(Stage& stage, const Config& config);
  // As much of it as there is to be had: what cannot be laid is among `troubles`, as a finding.
  static Task<std::unique_ptr<Foundation>> lay_what_stands(Stage& stage, const Config& config, Findings& troubles);
  Patient patient(Findings troubles);
  // The store alone.
  static Task<std::unique_ptr<Foundation>> lay_store(Stage& stage, const Config& config);
  Ground ground();
  Store& store() { return *store_; }

 private:
  Foundation(Stage& stage, const Config& config, Outside& outside);
  Task<> furnish();  // all but the store
  void open_sealing();
  Task<bool> state_is_there();  // true of one in S3, which is not asked
  Task<> open_store_to_look();
  // The same, for who says what apply would come to. Failure: it is not there, and could or would not be made.
  Task<> require_store_or_place();
  void open_store(Duration wait);
  void open_no_store();

  Stage& stage_;
  const Config& config_;
  Outside& outside_;
  Roots roots_;
  std::unique_ptr<aws::Access> access_;
  std::unique_ptr<Store> store_;
  bool store_opens_ = true;
  std::unique_ptr<Sealing> sealing_;
  std::unique_ptr<Instances> instances_;
};

// The directory of the embedded store: [state] store, /var/lib/certferry for root, else below the user's home.
std::string state_directory(const Config& config, const Host& host);
std::string state_file(const Stage& stage, const Config& config);  // on the disk

// The roots that count as trusted: the stage's or the system's, with those of [ca] trust, which stands at `place`.
// Throws Misconfigured, as read_trust.
Task<Roots> trusted_roots(Stage& stage, const std::optional<std::string>& trust, const Place& place);

}  // namespace certferry
