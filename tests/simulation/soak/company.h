#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../estate.h"

namespace certferry::soak {

// Several instances of certferry that run at once; the killed ones are started again, as by an init system.
class Company {
 public:
  Company(simulation::Estate& estate, Request request, int restarts_most)
      : estate_(estate), request_(std::move(request)), restarts_most_(restarts_most) {}
  void start(sandbox::Seat seat);
  void start_forgetting(sandbox::Seat seat, std::string certificate);
  void interrupt_after(Duration);  // SIGTERM to all that run then
  enum class End {
    over,       // all have ended
    left_dead,  // so have all others, and nobody starts these again
    endless,    // some had to be killed
  };
  End await_end(Duration at_most);
  bool interrupted() const { return interrupted_; }
  // Runs of apply that came to their end, neither killed nor told to; and those of them that gave no report.
  std::size_t runs() const { return ended_as(sandbox::Ending::How::finished) + unreported(); }
  std::size_t unreported() const { return ended_as(sandbox::Ending::How::failed); }

 private:
  struct Instance {
    std::function<std::size_t()> start;  // a process of it
    std::size_t process = 0;
    int restarts = 0;
    bool applies = true;  // false: it forgets
    bool told_to_end = false;
  };
  sandbox::SimulatedWorld& world() const { return *estate_.simulated; }
  Instance& start(sandbox::Seat seat, std::function<sandbox::Life()> life);
  std::size_t ended_as(sandbox::Ending::How how) const;
  bool over(const Instance&) const;
  bool killed(const Instance&) const;
  bool gone(const Instance&) const;  // and to be started again
  bool all_over() const;
  bool interrupt_is_due() const;
  void interrupt();
  simulation::Estate& estate_;
  Request request_;
  int restarts_most_;
  simulation::Estate::Kept kept_ = std::make_shared<std::optional<Report>>();
  std::vector<Instance> instances_;
  std::optional<WallTime> interrupt_at_;
  bool interrupted_ = false;
};

}  // namespace certferry::soak
