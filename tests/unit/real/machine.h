#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <optional>
#include <stdlib.h>
#include <string>
#include <unistd.h>

#include "base/failure.h"
#include "base/task.h"
#include "base/time.h"
#include "crypto/certificate_template.h"
#include "real/server_identity.h"

namespace certferry {

// The io_context of a test. What is made after it goes before it.
class Machine {
 public:
  boost::asio::io_context io{1};
  Executor executor() { return io.get_executor(); }

  // Runs `task` to its end, and whatever else is under way meanwhile; fails after 30 s.
  template <class T>
  T run(Task<T> task) {
    std::exception_ptr failed;
    bool done = false;
    if constexpr (std::is_void_v<T>) {
      boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr outcome) {
        failed = outcome;
        done = true;
      });
      go_on_until(done);
      if (failed) std::rethrow_exception(failed);
    } else {
      std::optional<T> result;
      boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr outcome, T value) {
        failed = outcome;
        if (!outcome) result = std::move(value);
        done = true;
      });
      go_on_until(done);
      if (failed) std::rethrow_exception(failed);
      return std::move(*result);
    }
  }

  void go_on_until(const bool& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    io.restart();
    while (!done) {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("the test takes over 30 s");
      io.run_one_for(std::chrono::milliseconds{100});
      io.restart();
    }
  }
};

inline Task<> pause_for(Duration duration) {
  boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, duration};
  co_await timer.async_wait(boost::asio::use_awaitable);
}

// Waits until it is cancelled.
inline Task<> wait_for_ever() { co_await pause_for(hours(1)); }

// Where nothing is written to a disk, for tests that sync thousands of times.
inline std::filesystem::path fast_place() {
  const std::filesystem::path memory = "/dev/shm";
  return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string name = (parent / "certferry-real-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The Failure that `task` ends with.
template <class T>
std::optional<Failure> failure_of(Machine& machine, Task<T> task) {
  try {
    machine.run(std::move(task));
  } catch (const Failure& failure) {
    return failure;
  }
  ADD_FAILURE() << "it did not fail";
  return std::nullopt;
}

// A self-signed certificate for `name` and its key, as a server shows them.
struct TestSite {
  explicit TestSite(const std::string& name, KeyType type = KeyType::p256)
      : key(PrivateKey::generate(type)),
        certificate(sign_certificate({.common_name = name,
                                      .names = {DomainName::parse(name)},
                                      .not_before = now() - days(1),
                                      .not_after = now() + days(30),
                                      .ca = true,
                                      .serial = "\x07"},
                                     key.public_part(), key, nullptr)),
        identity(ServerIdentity::from_pem(certificate.pem(), key.pem())) {}
  static WallTime now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

  PrivateKey key;
  Certificate certificate;
  std::shared_ptr<const ServerIdentity> identity;
};

// A server that says what a test makes it say: accepts one connection after another and gives each to `talk`.
class ScriptedServer {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  ScriptedServer(Machine& machine, std::function<Task<>(Socket)> talk)
      : acceptor_(std::make_shared<Acceptor>(
            machine.io, boost::asio::ip::tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0})) {
    boost::asio::co_spawn(machine.io, accept(acceptor_, std::move(talk)), [](std::exception_ptr) {});
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() { acceptor_->close(); }
  std::uint16_t port() const { return acceptor_->local_endpoint().port(); }

 private:
  using Acceptor = boost::asio::ip::tcp::acceptor;
  static Task<> accept(std::shared_ptr<Acceptor> acceptor, std::function<Task<>(Socket)> talk) {
    for (;;) {
      Socket socket = co_await acceptor->async_accept(boost::asio::use_awaitable);
      boost::asio::co_spawn(acceptor->get_executor(), talk(std::move(socket)), [](std::exception_ptr) {});
    }
  }
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace certferry
