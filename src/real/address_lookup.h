#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/task.h"

namespace certferry {

// getaddrinfo without blocking the logic: on short-lived threads, at most 16 at once. A cancelled look-up is left
// behind at once (the C library's call cannot be stopped); so is one under way when this goes, which must happen before
// the callers' io_context goes.
class AddressLookup {
 public:
  AddressLookup();
  AddressLookup(const AddressLookup&) = delete;
  AddressLookup& operator=(const AddressLookup&) = delete;
  ~AddressLookup();

  // The addresses of `host` as text, in the system's order of preference (RFC 6724), each once; a literal address is
  // its own answer. Failure: transient.
  Task<std::vector<std::string>> addresses(std::string host);

 private:
  struct Queue;
  std::shared_ptr<Queue> queue_;
};

}  // namespace certferry
