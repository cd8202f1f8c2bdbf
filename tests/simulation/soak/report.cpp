#include "report.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <numeric>

#include "crypto/private_key.h"

namespace certferry::soak {
namespace {

constexpr double seconds_of_a_year = 365.25 * 24 * 3600;

double ratio(double of, double by) { return by > 0 ? of / by : 0; }
double ratio(std::uint64_t of, std::uint64_t by) { return ratio(static_cast<double>(of), static_cast<double>(by)); }

std::uint64_t crashes_in_all(const Figures& figures) {
  return std::accumulate(figures.crashes.begin(), figures.crashes.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& entry) { return sum + entry.second; });
}

// "36 of 36 struck, "left dead" the seldomest, in 7"
std::string faults_in_words(const Figures& figures) {
  std::string_view seldomest;
  std::uint64_t least = figures.worlds + 1;
  for (const sandbox::FaultRow& row : sandbox::all_faults()) {
    const auto found = figures.faults.find(std::string{row.name});
    const std::uint64_t worlds = found == figures.faults.end() ? 0 : found->second;
    if (worlds < least) seldomest = row.name;
    least = std::min(least, worlds);
  }
  return fmt::format("{} of {} struck, \"{}\" the seldomest, in {}", figures.faults.size(),
                     sandbox::all_faults().size(), seldomest, least);
}

Json as_object(const std::map<std::string, std::uint64_t>& counts) {
  Json object = Json::object({});
  for (const auto& [name, many] : counts) object[name] = static_cast<std::int64_t>(many);
  return object;
}

// Empty where figures were written down before there were such.
std::map<std::string, std::uint64_t> counts_in(const Json& body, std::string_view name) {
  std::map<std::string, std::uint64_t> counts;
  if (const Json* object = body.find(name))
    for (const auto& [key, many] : object->as_object()) counts[key] = static_cast<std::uint64_t>(many.as_integer());
  return counts;
}

double per_second(const Figures& figures) {
  return ratio(static_cast<double>(figures.worlds), figures.processor_seconds);
}

// Processor time of one `act`, over as many as take a while.
template <class Act>
double seconds_of_one(Act act) {
  constexpr int rounds = 400;
  const std::clock_t began = std::clock();
  for (int i = 0; i < rounds; ++i) act();
  return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC / rounds;
}

}  // namespace

void Figures::add(const Lived& lived) {
  ++worlds;
  violations += lived.complaints.empty() ? 0 : 1;
  requests += lived.requests;
  effects += static_cast<std::uint64_t>(lived.effects);
  orders += lived.orders;
  answered += lived.answered;
  issued += lived.issued;
  runs += lived.runs;
  unreported += lived.unreported;
  for (const std::string& place : lived.crashes) ++crashes[place];
  for (const std::string& fault : lived.faults) ++faults[fault];
  for (const std::string& turn : lived.turns) ++turns[turn];
  simulated_years += static_cast<double>(lived.lasted.count()) / 1000 / seconds_of_a_year;
}

void Figures::add(const Figures& others) {
  worlds += others.worlds;
  violations += others.violations;
  repeated += others.repeated;
  requests += others.requests;
  effects += others.effects;
  orders += others.orders;
  answered += others.answered;
  issued += others.issued;
  runs += others.runs;
  unreported += others.unreported;
  for (const auto& [place, many] : others.crashes) crashes[place] += many;
  for (const auto& [fault, many] : others.faults) faults[fault] += many;
  for (const auto& [turn, many] : others.turns) turns[turn] += many;
  simulated_years += others.simulated_years;
  seconds = std::max(seconds, others.seconds);
  processor_seconds += others.processor_seconds;
  signatures = signatures + others.signatures;
}

std::vector<std::string> never_struck(const Figures& figures) {
  std::vector<std::string> never;
  for (const sandbox::FaultRow& row : sandbox::all_faults())
    if (!figures.faults.contains(std::string{row.name})) never.emplace_back(row.name);
  for (const Turn turn : all_turns)
    if (!figures.turns.contains(std::string{name(turn)})) never.emplace_back(name(turn));
  return never;
}

double seconds_for(const sandbox::SignatureCounts& counts) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  const PublicKey known = key.public_part();
  const Bytes signature = key.sign("a message");
  const double generating = seconds_of_one([] { PrivateKey::generate(KeyType::p256); });
  const double signing = seconds_of_one([&] { key.sign("a message"); });
  const double verifying = seconds_of_one([&] { known.verify(SignatureAlgorithm::es256, "a message", signature); });
  return static_cast<double>(counts.keys_made) * generating + static_cast<double>(counts.made) * signing +
         static_cast<double>(counts.verified) * verifying;
}

std::string as_table(const Figures& figures, double signatures_alone) {
  const auto row = [](std::string_view what, const std::string& figure) {
    return fmt::format("{:<44}{}\n", what, figure);
  };
  std::string text;
  text += row("worlds", fmt::format("{}", figures.worlds));
  text += row("violations", fmt::format("{}", figures.violations));
  text += row("worlds lived twice, the same both times", fmt::format("{}", figures.repeated));
  text += row("simulated years", fmt::format("{:.1f}", figures.simulated_years));
  text += row("worlds a second", fmt::format("{:.0f}", ratio(static_cast<double>(figures.worlds), figures.seconds)));
  text += row("worlds a second and core", fmt::format("{:.0f}", per_second(figures)));
  text += row("  were there nothing but their signatures",
              fmt::format("{:.0f}", ratio(static_cast<double>(figures.worlds), signatures_alone)));
  text += row(
      "  keys, signatures, verifications a world",
      fmt::format("{:.1f}, {:.1f}, {:.1f}; {:.1f} remembered", ratio(figures.signatures.keys_made, figures.worlds),
                  ratio(figures.signatures.made, figures.worlds), ratio(figures.signatures.verified, figures.worlds),
                  ratio(figures.signatures.remembered, figures.worlds)));
  text += row("requests to CA and AWS a world", fmt::format("{:.1f}", ratio(figures.requests, figures.worlds)));
  text += row("certificates", fmt::format("{}", figures.issued));
  text += row("orders answered a certificate", fmt::format("{:.3f}", ratio(figures.answered, figures.issued)));
  text += row("orders made a certificate", fmt::format("{:.3f}", ratio(figures.orders, figures.issued)));
  text += row("runs under faults", fmt::format("{}, {:.1f} % of them without a report", figures.runs,
                                               100 * ratio(figures.unreported, figures.runs)));
  text += row("kills", fmt::format("{} at {} places", crashes_in_all(figures), figures.crashes.size()));
  text += row("faults", faults_in_words(figures));
  return text;
}

Json as_json(const Figures& figures) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  Json body = Json::object({{"worlds", number(figures.worlds)},
                            {"violations", number(figures.violations)},
                            {"repeated", number(figures.repeated)},
                            {"requests", number(figures.requests)},
                            {"effects", number(figures.effects)},
                            {"certificates", number(figures.issued)},
                            {"orders", number(figures.orders)},
                            {"orders_answered", number(figures.answered)},
                            {"runs", number(figures.runs)},
                            {"runs_without_report", number(figures.unreported)},
                            {"kills", number(crashes_in_all(figures))},
                            {"keys_made", number(figures.signatures.keys_made)},
                            {"signatures_made", number(figures.signatures.made)},
                            {"signatures_verified", number(figures.signatures.verified)},
                            {"signatures_remembered", number(figures.signatures.remembered)},
                            {"simulated_years", figures.simulated_years},
                            {"seconds", figures.seconds},
                            {"processor_seconds", figures.processor_seconds},
                            {"worlds_per_second_and_core", per_second(figures)}});
  body["kills_at"] = as_object(figures.crashes);
  body["worlds_struck"] = as_object(figures.faults);
  body["worlds_turned"] = as_object(figures.turns);
  return body;
}

Figures figures_of(const Json& body) {
  const auto number = [&](std::string_view name) { return static_cast<std::uint64_t>(body.at(name).as_integer()); };
  Figures figures;
  figures.worlds = number("worlds");
  figures.violations = number("violations");
  figures.repeated = number("repeated");
  figures.requests = number("requests");
  figures.effects = number("effects");
  figures.issued = number("certificates");
  figures.orders = number("orders");
  figures.answered = number("orders_answered");
  figures.runs = static_cast<std::uint64_t>(body.integer("runs").value_or(0));  // since there are such
  figures.unreported = static_cast<std::uint64_t>(body.integer("runs_without_report").value_or(0));
  figures.signatures = {.keys_made = number("keys_made"),
                        .made = number("signatures_made"),
                        .verified = number("signatures_verified"),
                        .remembered = number("signatures_remembered")};
  figures.simulated_years = body.at("simulated_years").as_number();
  figures.seconds = body.at("seconds").as_number();
  figures.processor_seconds = body.at("processor_seconds").as_number();
  figures.crashes = counts_in(body, "kills_at");
  figures.faults = counts_in(body, "worlds_struck");
  figures.turns = counts_in(body, "worlds_turned");
  return figures;
}

}  // namespace certferry::soak
