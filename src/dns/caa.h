#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "outside/resolver.h"

namespace certferry {

// The CAA records that count for a name (RFC 8659 section 3): those of the nearest name at or above it that has any.
struct CaaSet {
  std::string owner;                 // "" where there are none up to the root
  std::vector<std::string> records;  // "flags tag value", the value without its quotes
  // Where there are none, and the climb proves nothing by it: the highest name that the resolvers deny (NXDOMAIN), and
  // that is the registered domain, or above it. Then they do not see that domain at all (RFC 8020), and CAs may.
  std::string denied = {};
};

// Climbs the tree of names with the system's resolvers. That a name does not exist is no CAA record there (RFC 8659
// section 3), and counts as proof where its registered domain is seen. May be repeated. Failure: transient where a
// look-up is not answered; refused, as CAs refuse to issue then, where name servers fail over it.
Task<CaaSet> relevant_caa(Resolver& resolver, DomainName name);

// Who wants to certify a name, and how.
struct CaaIssuer {
  std::vector<std::string> domains;  // which the CA recognizes as its own (RFC 8555 section 9.7.6: caaIdentities)
  std::string account;               // URL; "" where it is not known yet
};

// What a set says about that issuer, by dns-01.
struct CaaRuling {
  enum class Verdict { allowed, forbidden, unsure } verdict = Verdict::allowed;
  std::string reason;              // why, for people
  std::optional<std::string> tag;  // "issue" or "issuewild": which property is missing, where one is
};

// RFC 8659 section 4 and RFC 8657: a wildcard goes by issuewild where there is one; accounturi and validationmethods
// narrow an issuer; what is not understood and critical forbids; one record that allows is enough.
CaaRuling judge_caa(const CaaSet& set, bool wildcard, const CaaIssuer& issuer);

// The record that lets this issuer, this account and dns-01 in and nobody else's, as one writes it into a zone file:
// example.com. CAA 0 issue "letsencrypt.org; validationmethods=dns-01; accounturi=https://…"
std::string narrow_caa(const std::string& owner, const std::string& tag, const CaaIssuer& issuer);

}  // namespace certferry
