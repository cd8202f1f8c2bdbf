#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "aws/client.h"
#include "base/failure.h"
#include "base/log.h"
#include "outside/outside.h"
#include "sandbox/mounts/inline_pool.h"
#include "tests/unit/paper_doors.h"

namespace certferry::aws::testing {

// Answers what was put in, in order, and keeps what was asked. An answer over the request's limit, and one more than
// there are: a failure.
class ReplayTransport final : public Transport {
 public:
  using Reply = std::variant<http::Response, Failure>;
  std::deque<Reply> replies;
  std::vector<http::Request> requests;
  std::function<void()> on_send;
  Signal* opens = nullptr;  // where set, each request is answered only then

  void answer(int status, std::string body, http::Headers headers = {}) {
    replies.emplace_back(http::Response{status, std::move(headers), std::move(body)});
  }
  void fail(Failure::Kind kind, std::string what = "the line is dead") {
    replies.emplace_back(Failure{kind, std::move(what), "Look at the network"});
  }
  Task<http::Response> send(http::Request request) override {
    if (on_send) on_send();
    requests.push_back(std::move(request));
    if (opens) co_await opens->wait();
    if (replies.empty()) throw Failure(Failure::Kind::refused, "asked more than was answered", "Look at the test");
    Reply reply = std::move(replies.front());
    replies.pop_front();
    if (auto* failure = std::get_if<Failure>(&reply)) throw *failure;
    auto& response = std::get<http::Response>(reply);
    if (response.body.size() > requests.back().body_limit)
      throw Failure(Failure::Kind::outcome_unknown, "the answer is too long", "Look at what answers");
    co_return std::move(response);
  }
  Task<PeerChain> handshake(Endpoint, std::string, KeyType) override { co_return PeerChain{}; }
};

// Goes only where sleep() takes it.
class ManualClock final : public Clock {
 public:
  WallTime wall = *parse_iso8601("2026-11-23T12:00:00Z");
  SteadyTime running{};
  std::vector<Duration> slept;
  WallTime now() const override { return wall; }
  SteadyTime steady() const override { return running; }
  Task<> sleep(Duration duration) override {
    slept.push_back(duration);
    pass(duration);
    co_return;
  }
  void pass(Duration duration) {
    wall += duration;
    running += duration;
  }
};

// Every octet the same: 0xff is the longest of all jitters.
class ConstantEntropy final : public Entropy {
 public:
  std::byte octet{0xff};
  void fill(std::span<std::byte> bytes) override { std::ranges::fill(bytes, octet); }
};

using certferry::testing::NoResolver;
using certferry::testing::PaperHost;
using sandbox::InlinePool;

class ListeningLog final : public Log {
 public:
  std::vector<std::string> warnings, all;
  void line(Level level, std::string text) override {
    if (level == Level::warning) warnings.push_back(text);
    all.push_back(std::move(text));
  }
  void step_begun(std::string_view, std::string_view) override {}
  void step_ended(std::string_view, std::string_view, std::string_view, Duration) override {}
};

// All seven doors by hand.
struct Paper {
  ReplayTransport transport;
  NoResolver resolver;
  ManualClock clock;
  ConstantEntropy entropy;
  PaperHost host;
  InlinePool pool;
  ListeningLog log;
  Outside outside{transport, resolver, clock, entropy, host, pool, log};

  std::shared_ptr<FixedCredentials> keys = std::make_shared<FixedCredentials>("AKIDEXAMPLE", "a-secret-of-some-length");
  Client client{outside, keys, "eu-west-1", {}};
};

// Runs a task to its end and gives its result; what it throws is thrown.
template <class T>
T run(std::function<Task<T>()> work) {
  boost::asio::io_context io;
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> result;
  std::exception_ptr thrown;
  Work body = [&]() -> Task<> {
    if constexpr (std::is_void_v<T>)
      co_await work();
    else
      result.emplace(co_await work());
  };
  spawn(io.get_executor(), body, [&](std::exception_ptr error) { thrown = error; });
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The Failure that it ends with; empty where it does not fail.
template <class T>
std::optional<Failure> failure_of(std::function<Task<T>()> work) {
  try {
    run<T>(std::move(work));
  } catch (const Failure& failure) {
    return failure;
  }
  return std::nullopt;
}

template <class>
struct TaskResult;
template <class T>
struct TaskResult<Task<T>> {
  using type = T;
};

// The expression is a Task, awaited where it is made: its temporaries live as long as it does.
#define IN_COROUTINE(function, ...) \
  function<TaskResult<decltype(__VA_ARGS__)>::type>([&]() -> decltype(__VA_ARGS__) { co_return co_await __VA_ARGS__; })
#define AWAITED(...) IN_COROUTINE(run, __VA_ARGS__)
#define FAILURE_OF(...) IN_COROUTINE(failure_of, __VA_ARGS__)

// "kind | what | next" for exact comparison.
inline std::string said(const std::optional<Failure>& failure) {
  if (!failure) return "no failure";
  return std::string{name(failure->kind())} + " | " + failure->what() + " | " + failure->next();
}

inline std::string vectors_root() {
  if (const char* given = std::getenv("CERTFERRY_VECTORS")) return given;
  const char* source = std::getenv("CERTFERRY_SOURCE");
  return std::string{source ? source : "."} + "/../shared/vectors";
}

inline std::optional<std::string> file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace certferry::aws::testing
