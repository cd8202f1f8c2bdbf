#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../estate.h"
#include "drawn.h"

namespace certferry::soak {

// Takes the turns of a drawn world's life: what somebody does between two of its runs, and takes back later.
class Turns {
 public:
  Turns(simulation::Estate& estate, Drawn& drawn, std::function<void(std::string)> complain)
      : estate_(estate), drawn_(drawn), complain_(std::move(complain)) {}
  void take(Turn turn);
  void undo();                                         // of those taken: what does not stay
  const Request& request() const { return request_; }  // of the next run
  std::optional<Duration> interrupted_after() const { return interrupted_after_; }  // from the start of the next run
  // In the middle of the next run, by a process of its own.
  const std::optional<std::string>& forgotten_beside() const { return forgotten_beside_; }
  void interrupted() { acted_.insert(Turn::interrupted); }
  const std::set<Turn>& acted() const { return acted_; }  // those that changed something

 private:
  void allow_parallel_orders();  // for the last certificate's names
  bool act(Turn turn);           // false: there was nothing to change
  bool add_a_name();
  bool drop_a_name();
  void want_the_last_for_its_names();  // as `last()` has them now
  void unwant_the_last();
  bool forget_the_last();
  void forget_the_last_beside_the_next_run();
  void change_the_key();
  void change_the_profile();
  void let_lifetimes_shrink();
  bool put_a_bought_one_to_use();
  bool bind_one_elsewhere();
  bool lose_a_file();
  bool lose_a_certificate();
  void slow_the_ca_down();
  void let_the_delegation_lapse();
  void move_windows(bool by_revoking);
  bool remove_a_zone();
  void deactivate_the_account();
  void lose_the_accounts();
  void let_a_newer_version_write();
  void let_an_older_version_have_written();
  void fill_the_disks();
  void let_the_clock_jump();
  void interrupt_the_next_run();
  void tell_it_to_renew();
  bool move_an_install();
  DrawnCertificate& last() { return drawn_.certificates.back(); }
  void undo_with(std::function<void()> act) { undo_.push_back(std::move(act)); }
  simulation::Estate& estate_;
  Drawn& drawn_;
  std::function<void(std::string)> complain_;
  std::vector<std::function<void()>> undo_;
  Request request_;
  std::optional<Duration> interrupted_after_;
  std::optional<std::string> forgotten_beside_;
  std::set<Turn> acted_;
  std::vector<std::vector<DomainName>> former_names_;  // of the last certificate
};

}  // namespace certferry::soak
