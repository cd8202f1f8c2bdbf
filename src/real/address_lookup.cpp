#include "real/address_lookup.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <netdb.h>
#include <set>
#include <sys/socket.h>
#include <system_error>
#include <thread>

#include "base/failure.h"
#include "real/suspension.h"

namespace certferry {

namespace {

constexpr std::size_t lookups_at_once = 16;

struct HostQuery {
  std::string host;
  std::vector<std::string> found;
  int code = 0;
  int system_error = 0;
  Resume resume;  // guarded by the queue's mutex; empty once called
};

void perform_lookup(HostQuery& query) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* results = nullptr;
  query.code = ::getaddrinfo(query.host.c_str(), nullptr, &hints, &results);
  query.system_error = errno;
  if (query.code != 0) return;
  for (const addrinfo* one = results; one; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    if (std::ranges::find(query.found, text.data()) == query.found.end()) query.found.emplace_back(text.data());
  }
  ::freeaddrinfo(results);
}

bool is_literal_address(const std::string& host) {
  in6_addr buffer{};
  return ::inet_pton(AF_INET, host.c_str(), &buffer) == 1 || ::inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

}  // namespace

// Shared with the threads, which may outlive the door.
struct AddressLookup::Queue {
  std::mutex mutex;
  std::deque<std::shared_ptr<HostQuery>> waiting;
  std::set<std::shared_ptr<HostQuery>> open;  // all whose caller still waits
  std::size_t threads = 0;

  void finish(const std::shared_ptr<HostQuery>& query, std::exception_ptr outcome) {
    std::unique_lock lock{mutex};
    if (open.erase(query) == 0) return;
    Resume resume = std::move(query->resume);
    // Resuming under the lock keeps the door's destructor, and so the io_context, from overtaking us.
    resume(std::move(outcome));
  }

  // Under the mutex, for which a new thread waits. An errno where there is none to serve; as of a machine, a container
  // or a user that may have no further thread.
  static int have_a_thread(const std::shared_ptr<Queue>& self) {
    if (self->threads >= lookups_at_once) return 0;
    try {
      std::thread{[self] { serve(self); }}.detach();
      ++self->threads;
    } catch (const std::system_error& error) {
      if (self->threads == 0) return error.code().value();
    }
    return 0;
  }

  static void serve(const std::shared_ptr<Queue>& self) {
    for (;;) {
      std::shared_ptr<HostQuery> query;
      {
        std::unique_lock lock{self->mutex};
        if (self->waiting.empty()) {
          --self->threads;
          return;
        }
        query = std::move(self->waiting.front());
        self->waiting.pop_front();
        if (!self->open.contains(query)) continue;
      }
      perform_lookup(*query);
      self->finish(query, nullptr);
    }
  }
};

AddressLookup::AddressLookup() : queue_(std::make_shared<Queue>()) {}

AddressLookup::~AddressLookup() {
  std::vector<Resume> abandoned;
  std::unique_lock lock{queue_->mutex};
  queue_->waiting.clear();
  for (const auto& query : queue_->open) abandoned.push_back(std::move(query->resume));
  queue_->open.clear();
  lock.unlock();
}

Task<std::vector<std::string>> AddressLookup::addresses(std::string host) {
  if (is_literal_address(host)) co_return std::vector<std::string>{host};
  auto query = std::make_shared<HostQuery>();
  query->host = host;
  auto queue = queue_;
  auto start = [&](Resume resume) {
    std::unique_lock lock{queue->mutex};
    query->system_error = Queue::have_a_thread(queue);
    if (query->system_error != 0) {
      query->code = EAI_SYSTEM;
      return resume(nullptr);
    }
    query->resume = std::move(resume);
    queue->open.insert(query);
    queue->waiting.push_back(query);
  };
  auto on_cancel = [&] { queue->finish(query, cancelled()); };
  co_await suspended(start, on_cancel);

  if (query->code == 0 && !query->found.empty()) co_return std::move(query->found);
  const char* words = query->code == 0            ? "no addresses"
                      : query->code == EAI_SYSTEM ? std::strerror(query->system_error)
                                                  : ::gai_strerror(query->code);
  throw Failure(Failure::Kind::transient, fmt::format("Looking up {}: {}", quoted(host), words),
                "Check that the name exists and that this machine's resolver answers.");
}

}  // namespace certferry
