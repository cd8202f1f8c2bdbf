// Random worlds, each from its own number: lived in, killed, and judged. One world at a time in a process.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "dense.h"
#include "drawn.h"
#include "exhaustive.h"
#include "life.h"
#include "recorded.h"
#include "report.h"
#include "workers.h"

namespace certferry::soak {
namespace {

constexpr std::uint64_t twice_every = 64;  // how often a world is lived twice

constexpr const char* usage =
    R"(soak --worlds N [--seed FROM]      so many worlds; exit code 1 where one is wrong
     --seed N [--crash EFFECT,MOMENT[,SECONDS]]...  one world and its trace; killed there instead of where it was drawn
     --life NAME [--crash EFFECT,MOMENT]...  one of the standard lives and its trace, killed there
     --exhaustive [--pairs]         the standard lives, killed at every crash point, or at every ordered pair of them
  --life NAME     one of these lives alone
  --dense         worlds in which more happens, for finding what is rare; not what violations are counted in
  --shrink        of one that is wrong: the least of it that still is
  --part I/N      the I-th of N parts of it
  --workers N     in so many processes at once; default 1
  --seconds S     stop beginning worlds after so long
  --real          compute every signature, where else the same key and bytes are answered once
  --report        a table of figures at the end
  --speed         nothing but how many worlds a second, of 320 first issues or --worlds
  --json FILE     the same as JSON
     --recorded FILE...             what was recorded of former runs (./dev record), as tables
moments: 0 before, 1 sent, 2 after the effect before its reply, 3 stopped for a while, 4 after the reply;
SECONDS: after how many it lands, or goes on
)";

struct Wish {
  std::optional<std::uint64_t> worlds;
  std::uint64_t seed = 1;
  unsigned workers = 1;
  std::optional<double> seconds;
  std::vector<sandbox::CrashPoint> crashes;
  std::vector<std::string> recorded;
  bool real = false, report = false, speed = false, exhaustive = false, dense = false, shrink = false;
  Exhaustion exhaustion;
  std::string json;
};

sandbox::CrashPoint crash_point(const std::string& text) {
  sandbox::CrashPoint point;
  const auto comma = text.find(',');
  if (comma == std::string::npos) throw std::invalid_argument("--crash wants EFFECT,MOMENT");
  point.effect = std::stol(text.substr(0, comma));
  point.moment = static_cast<sandbox::Moment>(std::stoi(text.substr(comma + 1)));
  const auto second = text.find(',', comma + 1);
  if (second != std::string::npos) point.lands_after = seconds(std::stol(text.substr(second + 1)));
  return point;
}

void take_part(const std::string& text, Exhaustion& exhaustion) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) throw std::invalid_argument("--part wants I/N");
  exhaustion.part = std::stoull(text);
  exhaustion.of_parts = std::stoull(text.substr(slash + 1));
  if (exhaustion.part < 1 || exhaustion.part > exhaustion.of_parts)
    throw std::invalid_argument("--part wants I/N, I from 1 to N");
}

Wish wish_of(int count, char** words) {
  Wish wish;
  const auto next = [&](int& i) -> std::string {
    if (i + 1 >= count) throw std::invalid_argument(fmt::format("{} wants a value", words[i]));
    return words[++i];
  };
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--worlds") {
      wish.worlds = std::stoull(next(i));
    } else if (word == "--seed") {
      wish.seed = std::stoull(next(i));
    } else if (word == "--workers") {
      wish.workers = static_cast<unsigned>(std::stoul(next(i)));
    } else if (word == "--seconds") {
      wish.seconds = std::stod(next(i));
    } else if (word == "--crash") {
      wish.crashes.push_back(crash_point(next(i)));
    } else if (word == "--json") {
      wish.json = next(i);
    } else if (word == "--real") {
      wish.real = true;
    } else if (word == "--dense") {
      wish.dense = true;
    } else if (word == "--shrink") {
      wish.shrink = true;
    } else if (word == "--speed") {
      wish.speed = true;
    } else if (word == "--exhaustive") {
      wish.exhaustive = true;
    } else if (word == "--pairs") {
      wish.exhaustion.pairs = true;
    } else if (word == "--recorded") {
      while (i + 1 < count) wish.recorded.emplace_back(words[++i]);
    } else if (word == "--life") {
      wish.exhaustion.life = next(i);
    } else if (word == "--part") {
      take_part(next(i), wish.exhaustion);
    } else if (word == "--report") {
      wish.report = true;
    } else {
      throw std::invalid_argument(fmt::format("\"{}\" is not known", word));
    }
  }
  return wish;
}

// What to type to see it again. Written by a signal's handler too, so it is there before the world begins.
char replay_line[96];

void remember_replay(std::uint64_t seed, bool dense) {
  std::snprintf(replay_line, sizeof replay_line, "./dev simulate%s --seed %llu\n", dense ? " --dense" : "",
                static_cast<unsigned long long>(seed));
}

void say_what_to_replay(int signal) {
  const char* what = signal == SIGPROF || signal == SIGALRM ? "A world does not end: " : "A world broke the process: ";
  std::size_t length = 0;
  while (what[length] != '\0') ++length;
  std::size_t line = 0;
  while (replay_line[line] != '\0') ++line;
  if (write(STDERR_FILENO, what, length) < 0 || write(STDERR_FILENO, replay_line, line) < 0) _exit(4);
  _exit(3);
}

void print_violations(const Lived& lived) {
  std::string text = replay_line;
  for (const std::string& sentence : lived.complaints) text += fmt::format("    {}\n", sentence);
  fmt::print("{}", text);
  std::fflush(stdout);
}

// Lived twice, and the same both times: from the second on, all its signatures are remembered ones.
bool same_again(const Drawn& drawn, const Lived& first) {
  return live(drawn, Tracing::hashed).trace_hash == first.trace_hash;
}

struct Span {
  std::uint64_t from = 1, worlds = 0, step = 1;  // every step-th of `worlds` seeds
  std::optional<double> seconds;
  bool dense = false;
};

Figures lived_in(const Span& span, const std::function<Drawn(std::uint64_t)>& drawn_by) {
  Figures figures;
  const auto began = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(); };
  const std::clock_t processor_began = std::clock();
  const sandbox::SignatureCounts before = sandbox::signature_counts();
  for (std::uint64_t i = span.from; i < span.from + span.worlds; i += span.step) {
    if (span.seconds && passed() >= *span.seconds) break;
    remember_replay(i, span.dense);
    end_after(world_takes_most);
    const Drawn drawn = drawn_by(i);
    const bool twice = figures.worlds % twice_every == 0;
    Lived lived = live(drawn, twice ? Tracing::hashed : Tracing::off);
    if (twice && !same_again(drawn, lived)) lived.complaints.push_back("the same seed gave another trace");
    figures.repeated += twice ? 1 : 0;
    figures.add(lived);
    if (!lived.complaints.empty()) print_violations(lived);
  }
  end_after(0);
  figures.seconds = passed();
  figures.processor_seconds = static_cast<double>(std::clock() - processor_began) / CLOCKS_PER_SEC;
  figures.signatures = sandbox::signature_counts() - before;
  return figures;
}

// How fast worlds are in which every signature is computed, and in which each is computed once; both as JSON.
Json print_speed(std::uint64_t worlds) {
  Json both = Json::object({});
  for (const bool remembered : {false, true}) {
    std::optional<sandbox::SignatureMemory> memory;
    if (remembered) memory.emplace();
    const Figures figures = lived_in({.from = 0, .worlds = worlds}, first_issue);
    fmt::print("first issues, killed and run again, {}:\n{}\n",
               remembered ? "signatures remembered" : "every signature real",
               as_table(figures, seconds_for(figures.signatures)));
    Json& one = both[remembered ? "signatures_remembered" : "every_signature_real"] = as_json(figures);
    one["signatures_alone_per_second"] = static_cast<double>(worlds) / seconds_for(figures.signatures);
  }
  return both;
}

void write_json(const std::string& file, const Json& figures) {
  if (!file.empty()) std::ofstream{file} << figures.dump_pretty() << "\n";
}

Drawn drawn_as(const Wish& wish, std::uint64_t seed) { return wish.dense ? thickened(draw(seed)) : draw(seed); }

// By the invariant or the beginning of the sentence: another wrong is another finding.
std::string kind_of(const std::string& complaint) { return complaint.substr(0, complaint.find_first_of(":/")); }

// A complaint like the first one is all that has to stay.
Drawn least_of(const Drawn& drawn, const Lived& wrong) {
  const std::string kind = kind_of(wrong.complaints.front());
  return shrunk(drawn, [&](const Drawn& less) {
    end_after(world_takes_most);
    const auto complaints = live(less, Tracing::off).complaints;
    return std::ranges::any_of(complaints, [&](const std::string& one) { return kind_of(one) == kind; });
  });
}

int one_world(const Wish& wish) {
  Drawn drawn = drawn_as(wish, wish.seed);
  if (!wish.crashes.empty()) {
    drawn.crashes = wish.crashes;
    drawn.numbered_as_traced = true;
  }
  remember_replay(wish.seed, wish.dense);
  end_after(world_takes_most);
  Lived lived = live(drawn, Tracing::kept);
  if (wish.shrink && !lived.complaints.empty()) {
    drawn = least_of(drawn, lived);
    end_after(world_takes_most);
    lived = live(drawn, Tracing::kept);
  }
  fmt::print("{}{}{}{} effects, trace {}\n", in_words(drawn), lived.trace, lived.report, lived.effects,
             lived.trace_hash);
  if (lived.complaints.empty()) return 0;
  print_violations(lived);
  return 1;
}

int one_life(const Wish& wish) {
  const simulation::Ended ended = killed_there(wish.exhaustion.life, wish.crashes);
  fmt::print("{}{} effects, {} of them before the life begins\n", ended.trace, ended.effects.size(), ended.first);
  for (const std::string& sentence : ended.complaints) fmt::print("    {}\n", sentence);
  return ended.complaints.empty() ? 0 : 1;
}

int exhaust(const Wish& wish) {
  Exhaustion all = wish.exhaustion;
  all.workers = wish.workers;
  const KilledByLife killed = exhaust(all);
  fmt::print("{}", as_table(killed));
  write_json(wish.json, as_json(killed));
  return std::ranges::all_of(killed, [](const auto& life) { return life.second.violations == 0; }) ? 0 : 1;
}

// So many meet each fault and each turn dozens of times: where one strikes in none, it strikes no more.
constexpr std::uint64_t worlds_that_meet_everything = 20'000;

// Whether there is nothing to print.
bool print_what_never_struck(const Figures& figures) {
  const auto never = never_struck(figures);
  for (const std::string& one : never) fmt::print("in no world: {}\n", one);
  return never.empty();
}

// A run that ends so has tried little: where many do, the other figures are of half as many worlds.
bool most_runs_report(const Figures& figures) {
  constexpr std::uint64_t one_in = 8;
  const bool most = figures.unreported * one_in <= figures.runs;
  if (!most) fmt::print("{} of {} runs under faults gave no report\n", figures.unreported, figures.runs);
  return most;
}

int soak(const Wish& wish) {
  for (const int signal : {SIGPROF, SIGALRM, SIGABRT}) std::signal(signal, say_what_to_replay);
#if !__has_feature(address_sanitizer)
  std::signal(SIGSEGV, say_what_to_replay);  // which the sanitizer says more about
#endif
  if (!wish.recorded.empty()) {
    fmt::print("{}", told_of_records(wish.recorded));
    return 0;
  }
  if (wish.speed) {
    constexpr std::uint64_t enough = 320;
    write_json(wish.json, print_speed(wish.worlds.value_or(enough)));
    return 0;
  }
  std::optional<sandbox::SignatureMemory> memory;
  if (!wish.real) memory.emplace();
  if (wish.exhaustive) return exhaust(wish);
  if (!wish.exhaustion.life.empty()) return one_life(wish);
  if (!wish.worlds) return one_world(wish);
  const Figures figures = on_workers(wish.workers, [&](unsigned worker) {
    const std::uint64_t worlds = *wish.worlds > worker ? *wish.worlds - worker : 0;
    return lived_in({.from = wish.seed + worker,
                     .worlds = worlds,
                     .step = wish.workers,
                     .seconds = wish.seconds,
                     .dense = wish.dense},
                    [&](std::uint64_t seed) { return drawn_as(wish, seed); });
  });
  if (wish.report)
    fmt::print("{}", as_table(figures, seconds_for(figures.signatures)));
  else
    fmt::print("{} worlds from seed {}, {} violations\n", figures.worlds, wish.seed, figures.violations);
  write_json(wish.json, as_json(figures));
  const bool all_tried =
      figures.worlds < worlds_that_meet_everything || (print_what_never_struck(figures) && most_runs_report(figures));
  return figures.violations == 0 && all_tried ? 0 : 1;
}

}  // namespace
}  // namespace certferry::soak

int main(int count, char** words) {
  testing::InitGoogleTest(&count, words);  // the harness says some of its complaints through it
  try {
    return certferry::soak::soak(certferry::soak::wish_of(count, words));
  } catch (const std::invalid_argument& thrown) {
    std::fputs(fmt::format("{}\n{}", thrown.what(), certferry::soak::usage).c_str(), stderr);
    return 2;
  }
}
