#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/client.h"
#include "base/failure.h"
#include "base/log.h"
#include "outside/outside.h"
#include "sandbox/mounts/inline_pool.h"
#include "tests/unit/paper_doors.h"
#include "tests/unit/state/paper_cloud.h"

namespace certferry::testing {

using sandbox::InlinePool;

// Time that goes on only when nothing else can: run() moves it to the next sleeper.
class VirtualClock final : public Clock {
 public:
  WallTime wall = *parse_iso8601("2026-11-23T12:00:00Z");
  SteadyTime running{};
  WallTime now() const override { return wall; }
  SteadyTime steady() const override { return running; }
  Task<> sleep(Duration duration) override {
    auto signal = std::make_shared<Signal>();
    auto place = sleepers_.emplace(running + duration, signal);
    Leaving leaving{sleepers_, place};
    co_await signal->wait();
  }
  bool advance() {
    for (auto& [until, signal] : sleepers_) {
      if (until > running) wall += until - running;
      running = std::max(running, until);
      if (signal->notify_one()) return true;
    }
    return false;
  }

 private:
  using Sleepers = std::multimap<SteadyTime, std::shared_ptr<Signal>>;
  struct Leaving {
    Sleepers& sleepers;
    Sleepers::iterator place;
    ~Leaving() { sleepers.erase(place); }
  };
  Sleepers sleepers_;
};

// Never the same twice.
class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& octet : bytes)
      octet = static_cast<std::byte>((state_ = state_ * 6364136223846793005u + 1442695u) >> 56);
  }

 private:
  std::uint64_t state_ = 7;
};

class ListeningLog final : public Log {
 public:
  std::vector<std::string> lines;
  void line(Level, std::string text) override { lines.push_back(std::move(text)); }
  void step_begun(std::string_view subject, std::string_view step) override {
    lines.push_back(std::string{subject} + " " + std::string{step} + " begun");
  }
  void step_ended(std::string_view subject, std::string_view step, std::string_view outcome, Duration took) override {
    lines.push_back(std::string{subject} + " " + std::string{step} + " " + std::string{outcome} + " after " +
                    humane(took));
  }
};

// A Store in memory, into which somebody else may reach.
class MemoryStore final : public Store {
 public:
  std::map<Key, Entry> entries;
  // What others do before our read is answered, or between our read and our write or removal.
  std::function<void(const Key&)> before_get, before_put, before_remove;
  std::optional<Failure> fail_put;  // the next write fails, and nothing is written

  Task<std::optional<Entry>> get(Key key) override {
    if (auto hook = std::exchange(before_get, nullptr)) hook(key);
    auto found = entries.find(key);
    co_return found == entries.end() ? std::nullopt : std::optional{found->second};
  }
  Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) override {
    if (auto hook = std::exchange(before_put, nullptr)) hook(key);
    if (auto failure = std::exchange(fail_put, std::nullopt)) throw *failure;
    auto found = entries.find(key);
    const bool holds = found == entries.end() ? !replaces : replaces == found->second.version;
    if (!holds) co_return Conflict{};
    co_return write(key, std::move(value));
  }
  Task<std::variant<Done, Conflict>> remove(Key key, Version version) override {
    if (auto hook = std::exchange(before_remove, nullptr)) hook(key);
    auto found = entries.find(key);
    if (found == entries.end()) co_return Done{};
    if (found->second.version != version) co_return Conflict{};
    entries.erase(found);
    co_return Done{};
  }
  Task<std::vector<Key>> list(Key prefix) override {
    std::vector<Key> keys;
    for (const auto& [key, entry] : entries)
      if (key.starts_with(prefix)) keys.push_back(key);
    co_return keys;
  }
  std::string place() const override { return "memory"; }

  Version write(const Key& key, Bytes value) {
    entries[key] = {std::move(value), std::to_string(++versions_)};
    return entries[key].version;
  }

 private:
  std::uint64_t versions_ = 0;
};

// All doors by hand, a store in memory, and a small cloud behind the transport.
struct Ground {
  VirtualClock clock;
  CountingEntropy entropy;
  PaperHost host;
  NoResolver resolver;
  InlinePool pool;
  ListeningLog log;
  PaperCloud cloud{clock};
  Outside outside{cloud, resolver, clock, entropy, host, pool, log};
  std::shared_ptr<aws::FixedCredentials> keys =
      std::make_shared<aws::FixedCredentials>("AKIDEXAMPLE", "a-secret-of-some-length");
  aws::Client client{outside, keys, "eu-west-1", {}};
  MemoryStore store;
  boost::asio::io_context io;

  // Runs it to its end under virtual time; what it throws is thrown.
  void run(Work work) {
    bool done = false;
    std::exception_ptr thrown;
    spawn(io.get_executor(), work, [&](std::exception_ptr error) {
      done = true;
      thrown = error;
    });
    for (;;) {
      io.restart();
      io.poll();
      if (done) break;
      if (!clock.advance()) throw std::logic_error("the test waits for nothing");
    }
    if (thrown) std::rethrow_exception(thrown);
  }
  // "kind | what | next" of the Failure that it ends with.
  std::string failure_of(Work work) {
    try {
      run(std::move(work));
    } catch (const Failure& failure) {
      return std::string{name(failure.kind())} + " | " + failure.what() + " | " + failure.next();
    }
    return "no failure";
  }
};

inline const CertificateId www = CertificateId::parse("www");

inline CertificateSpec wanted_spec(const std::string& domain = "shop.example") {
  return {.names = {DomainName::parse(domain)}, .directory = "https://ca.example/directory"};
}

}  // namespace certferry::testing
