#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "outside/resolver.h"

namespace certferry {

class AddressLookup;
class Entropy;

struct SystemResolverOptions {
  std::vector<dns::Nameserver> servers;          // asked where a question names none; none: those of resolv_conf
  std::string resolv_conf = "/etc/resolv.conf";  // read at each question that names no server
  Duration timeout = std::chrono::seconds{3};    // of one try
  int tries = 2;                                 // at each server, by UDP
};

// DNS over UDP, and over TCP where the answer is cut. Each question has an id and a source port of its own; an answer
// with another id or question is passed over (RFC 5452). Where no server is named they are asked in turn until one
// answers with other than SERVFAIL, NOTIMP and REFUSED; where all answer so, the last such answer is given.
class SystemResolver final : public Resolver {
 public:
  SystemResolver(Entropy& entropy, SystemResolverOptions options = {});
  ~SystemResolver() override;
  Task<dns::Answer> ask(dns::Question question, dns::Nameserver server) override;
  Task<std::vector<std::string>> addresses(std::string host) override;

 private:
  Task<dns::Answer> ask_one(const dns::Question& question, const dns::Nameserver& server, bool recursion);

  Entropy& entropy_;
  SystemResolverOptions options_;
  std::unique_ptr<AddressLookup> lookup_;
};

}  // namespace certferry
