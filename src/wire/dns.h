#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace certferry::dns {

enum class Type : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  mx = 15,
  txt = 16,
  aaaa = 28,
  opt = 41,
  caa = 257
};
enum class Rcode : std::uint8_t {
  no_error = 0,
  format = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5
};
std::string_view name(Type);

struct Question {
  std::string name;  // presentation form, lower case, no final dot ("" is the root)
  Type type = Type::txt;
  auto operator<=>(const Question&) const = default;
};

// One record of class IN. `data` by type: A, AAAA: the address as text; NS, CNAME: a name; TXT: the strings joined; MX:
// "preference exchange"; CAA: "flags tag value"; SOA: "mname rname serial refresh retry expire minimum"; anything
// else: the raw octets. In names, octets that would mislead stand as \DDD.
struct Record {
  std::string name;
  Type type = Type::txt;
  std::uint32_t ttl = 0;
  Bytes data;
  auto operator<=>(const Record&) const = default;
};

struct Message {
  std::uint16_t id = 0;
  bool response = false, authoritative = false, truncated = false, recursion_desired = false;
  Rcode rcode = Rcode::no_error;
  std::vector<Question> questions;
  std::vector<Record> answers, authorities, additionals;
};

// What a resolver door gives back.
struct Answer {
  Rcode rcode = Rcode::no_error;
  bool authoritative = false;
  std::vector<Record> answers, authorities, additionals;
};

// RFC 1035 section 4. encode adds EDNS0 (1,232 octets) to queries and compresses nothing; names over 255 octets and
// labels over 63 throw Failure (refused). parse bounds every length, refuses compression loops and forward pointers,
// and is empty for anything malformed, other classes and opcodes among it. TXT strings over 255 octets are split. The
// EDNS0 record (RFC 6891) is not among the parsed additionals; its half of the rcode is (255 at most).
Bytes encode(const Message&);
std::optional<Message> parse(BytesView wire);

}  // namespace certferry::dns
