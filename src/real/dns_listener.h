#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/task.h"
#include "wire/dns.h"

namespace certferry {

// Answers one query; the id and the question are put in by the listener where the answer leaves them out.
using DnsHandler = std::function<dns::Message(const dns::Message&)>;

struct DnsListenerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any that is free for UDP and TCP both
  std::size_t connections = 256;
};

// A DNS server over UDP and TCP on one port. An answer that does not fit into the client's datagram (512 octets, or
// 1,232 with EDNS0) goes cut, with TC set. What is no query is dropped. Failure (refused): the port cannot be had.
class DnsListener {
 public:
  DnsListener(const Executor& executor, DnsListenerOptions options, DnsHandler handler);
  DnsListener(const DnsListener&) = delete;
  DnsListener& operator=(const DnsListener&) = delete;
  ~DnsListener();  // stops

  std::uint16_t port() const;
  void stop();  // may be repeated

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace certferry
