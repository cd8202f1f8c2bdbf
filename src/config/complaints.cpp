#include "config/complaints.h"

#include <fmt/format.h>
#include <map>
#include <utility>

#include "base/failure.h"

namespace certferry {
namespace {

constexpr std::size_t kMostShown = 30;

std::string complaint_at(const Place& place, const std::string& what) { return place.text() + ": " + what; }

}  // namespace

void Complaints::add(const Place& place, std::string what, std::string remedy) {
  complaints_.push_back({place, std::move(what), std::move(remedy)});
}

void Complaints::throw_if_any(const std::string& source) const {
  if (complaints_.empty()) return;
  if (complaints_.size() == 1) {
    const Complaint& only = complaints_.front();
    throw Failure(Failure::Kind::refused, complaint_at(only.place, only.what), only.remedy);
  }
  std::multimap<std::pair<int, int>, const Complaint*> by_place;
  for (const Complaint& complaint : complaints_)
    by_place.emplace(std::pair{complaint.place.line, complaint.place.column}, &complaint);
  std::string text;
  std::size_t shown = 0;
  for (const auto& [where, complaint] : by_place) {
    if (shown == kMostShown) break;
    text += fmt::format("{}{}. {}", shown++ ? "\n" : "", complaint_at(complaint->place, complaint->what),
                        complaint->remedy);
  }
  if (by_place.size() > shown) text += fmt::format("\n... and {} more", by_place.size() - shown);
  throw Failure(
      Failure::Kind::refused, text,
      fmt::format("Correct these {} places of {}; docs/configuration.md has every key", by_place.size(), source));
}

}  // namespace certferry
