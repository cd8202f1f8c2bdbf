#include "wire/dns.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry::dns {
namespace {

constexpr std::uint16_t class_internet = 1;
constexpr std::uint16_t edns_payload = 1232;  // fits any path unfragmented (dnsflagday.net/2020)
constexpr std::size_t head_size = 12;
constexpr std::size_t longest_name = 255, longest_label = 63, longest_string = 255;

[[noreturn]] void refuse_encoding(std::string_view what, std::string_view why) {
  throw Failure(Failure::Kind::refused,
                fmt::format("\"{}\" cannot be written into a DNS message: {}", quoted(what, 260), why),
                "Use names of at most 255 octets with labels of 1 to 63, and values of the record's own form");
}

bool stands_for_itself(unsigned char octet) {
  return octet > 0x20 && octet < 0x7f && !std::string_view{".\\\"();@$"}.contains(static_cast<char>(octet));
}

// ---- writing

void put16(Bytes& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void put32(Bytes& out, std::uint32_t value) {
  put16(out, static_cast<std::uint16_t>(value >> 16));
  put16(out, static_cast<std::uint16_t>(value & 0xffff));
}

// One octet of a label in presentation form, taken off the front: itself, \X or \DDD (RFC 1035 section 5.1).
char take_octet(std::string_view& rest, std::string_view whole) {
  char c = rest.front();
  rest.remove_prefix(1);
  if (c != '\\') return c;
  auto digit = [&](std::size_t i) { return i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; };
  if (rest.empty()) refuse_encoding(whole, "a backslash ends the name");
  if (!digit(0)) {
    c = rest.front();
    rest.remove_prefix(1);
    return c;
  }
  if (!digit(1) || !digit(2)) refuse_encoding(whole, "an escape has not three digits");
  int octet = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
  if (octet > 255) refuse_encoding(whole, "an escape is over 255");
  rest.remove_prefix(3);
  return static_cast<char>(octet);
}

void put_name(Bytes& out, std::string_view name) {
  std::string_view rest = name;
  std::size_t start = out.size();
  while (!rest.empty()) {
    Bytes label;
    while (!rest.empty() && rest.front() != '.') label += take_octet(rest, name);
    if (label.empty()) refuse_encoding(name, "an empty label");
    if (label.size() > longest_label) refuse_encoding(name, "a label over 63 octets");
    out += static_cast<char>(label.size());
    out += label;
    if (!rest.empty()) rest.remove_prefix(1);
  }
  out += '\0';
  if (out.size() - start > longest_name) refuse_encoding(name, "a name over 255 octets");
}

void put_address(Bytes& out, const Bytes& text, int family, std::size_t size) {
  std::array<char, 16> address{};
  if (inet_pton(family, text.c_str(), address.data()) != 1) refuse_encoding(text, "no address of this family");
  out.append(address.data(), size);
}

void put_strings(Bytes& out, std::string_view text) {
  do {
    std::string_view piece = text.substr(0, longest_string);
    out += static_cast<char>(piece.size());
    out += piece;
    text.remove_prefix(piece.size());
  } while (!text.empty());
}

std::string_view take_word(std::string_view& rest) {
  std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  return word;
}

template <class Number>
Number take_number(std::string_view& rest, std::string_view whole) {
  std::string_view word = take_word(rest);
  Number number{};
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size()) refuse_encoding(whole, "a bad number");
  return number;
}

bool spells_caa_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 255 && std::ranges::all_of(tag, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

void put_caa(Bytes& out, std::string_view text) {
  std::string_view rest = text;
  out += static_cast<char>(take_number<std::uint8_t>(rest, text));
  std::string_view tag = take_word(rest);
  if (!spells_caa_tag(tag)) refuse_encoding(text, "a bad CAA tag");
  out += static_cast<char>(tag.size());
  out += tag;
  out += rest;
}

void put_soa(Bytes& out, std::string_view text) {
  std::string_view rest = text;
  put_name(out, take_word(rest));
  put_name(out, take_word(rest));
  for (int i = 0; i < 5; ++i) put32(out, take_number<std::uint32_t>(rest, text));
  if (!rest.empty()) refuse_encoding(text, "more than an SOA holds");
}

void put_mx(Bytes& out, std::string_view text) {
  std::string_view rest = text;
  put16(out, take_number<std::uint16_t>(rest, text));
  put_name(out, rest);
}

Bytes encoded_data(const Record& record) {
  Bytes out;
  switch (record.type) {
    case Type::a:
      put_address(out, record.data, AF_INET, 4);
      break;
    case Type::aaaa:
      put_address(out, record.data, AF_INET6, 16);
      break;
    case Type::ns:
    case Type::cname:
      put_name(out, record.data);
      break;
    case Type::txt:
      put_strings(out, record.data);
      break;
    case Type::caa:
      put_caa(out, record.data);
      break;
    case Type::soa:
      put_soa(out, record.data);
      break;
    case Type::mx:
      put_mx(out, record.data);
      break;
    default:
      out = record.data;
  }
  return out;
}

void put_record(Bytes& out, const Record& record) {
  Bytes data = encoded_data(record);
  if (data.size() > 0xffff) refuse_encoding(record.name, "a record over 65,535 octets");
  put_name(out, record.name);
  put16(out, static_cast<std::uint16_t>(record.type));
  put16(out, class_internet);
  put32(out, record.ttl);
  put16(out, static_cast<std::uint16_t>(data.size()));
  out += data;
}

// RFC 6891 section 6.1.2: the root, OPT, our payload size, no flags, no options.
void put_edns(Bytes& out) {
  out += '\0';
  put16(out, static_cast<std::uint16_t>(Type::opt));
  put16(out, edns_payload);
  put32(out, 0);
  put16(out, 0);
}

// ---- reading

// Where reading stops: nobody outside this file sees it.
struct Malformed {};

class MessageReader {
 public:
  explicit MessageReader(BytesView wire) : wire_(wire), end_(wire.size()) {}

  Message read() {
    Message message;
    message.id = take16();
    read_flags(message, take16());
    std::array<std::uint16_t, 4> counts{};
    for (auto& count : counts) count = take16();
    for (int i = 0; i < counts[0]; ++i) message.questions.push_back(question());
    records(message.answers, counts[1], message, false);
    records(message.authorities, counts[2], message, false);
    records(message.additionals, counts[3], message, true);
    if (at_ != wire_.size()) throw Malformed{};
    return message;
  }

 private:
  static void read_flags(Message& message, std::uint16_t flags) {
    if ((flags >> 11 & 0xf) != 0) throw Malformed{};  // another opcode than QUERY
    message.response = flags >> 15 & 1;
    message.authoritative = flags >> 10 & 1;
    message.truncated = flags >> 9 & 1;
    message.recursion_desired = flags >> 8 & 1;
    message.rcode = static_cast<Rcode>(flags & 0xf);
  }

  Question question() {
    Question asked;
    asked.name = take_name();
    asked.type = static_cast<Type>(take16());
    if (take16() != class_internet) throw Malformed{};
    return asked;
  }

  void records(std::vector<Record>& into, int count, Message& message, bool may_have_edns) {
    bool edns = false;
    for (int i = 0; i < count; ++i) {
      Record record;
      record.name = take_name();
      record.type = static_cast<Type>(take16());
      std::uint16_t record_class = take16();
      record.ttl = take32();
      std::size_t size = take16();
      if (size > wire_.size() - at_) throw Malformed{};
      end_ = at_ + size;
      if (record.type == Type::opt) {
        if (!may_have_edns || edns || !record.name.empty()) throw Malformed{};
        edns = true;
        std::uint32_t rcode = (record.ttl >> 24) << 4 | (static_cast<std::uint32_t>(message.rcode) & 0xf);
        message.rcode = static_cast<Rcode>(std::min<std::uint32_t>(rcode, 0xff));
        at_ = end_;
      } else {
        if (record_class != class_internet) throw Malformed{};
        record.data = take_data(record.type);
        into.push_back(std::move(record));
      }
      if (at_ != end_) throw Malformed{};
      end_ = wire_.size();
    }
  }

  Bytes take_data(Type type) {
    switch (type) {
      case Type::a:
        return take_address(AF_INET, 4);
      case Type::aaaa:
        return take_address(AF_INET6, 16);
      case Type::ns:
      case Type::cname:
        return take_name();
      case Type::txt:
        return take_strings();
      case Type::caa:
        return take_caa();
      case Type::soa:
        return take_soa();
      case Type::mx: {
        std::uint16_t preference = take16();
        return fmt::format("{} {}", preference, take_name());
      }
      default:
        return Bytes{take(end_ - at_)};
    }
  }

  Bytes take_address(int family, std::size_t size) {
    BytesView octets = take(size);
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (!inet_ntop(family, octets.data(), text.data(), text.size())) throw Malformed{};
    return text.data();
  }

  Bytes take_strings() {
    Bytes joined;
    do {
      std::size_t size = take8();
      joined += take(size);
    } while (at_ < end_);
    return joined;
  }

  Bytes take_caa() {
    unsigned flags = take8();
    std::size_t tag_size = take8();
    BytesView tag = take(tag_size);
    if (!spells_caa_tag(tag)) throw Malformed{};
    return fmt::format("{} {} {}", flags, tag, take(end_ - at_));
  }

  Bytes take_soa() {
    std::string primary = take_name();
    std::string mailbox = take_name();
    Bytes text = primary + " " + mailbox;
    for (int i = 0; i < 5; ++i) text += fmt::format(" {}", take32());
    return text;
  }

  BytesView take(std::size_t size) {
    if (size > end_ - at_) throw Malformed{};
    BytesView octets = wire_.substr(at_, size);
    at_ += size;
    return octets;
  }
  std::uint8_t take8() { return static_cast<std::uint8_t>(take(1).front()); }
  std::uint16_t take16() {
    auto high = take8();
    return static_cast<std::uint16_t>(high << 8 | take8());
  }
  std::uint32_t take32() {
    std::uint32_t high = take16();
    return high << 16 | take16();
  }

  // A name at the cursor, compressed or not. Each pointer must lead before where its own labels began (RFC 1035 section
  // 4.1.4), so that no chain of them can come round.
  std::string take_name() {
    std::string name;
    std::size_t length = 1;  // of the name uncompressed, the root's octet included
    std::size_t earliest = at_;
    std::size_t resume = 0;  // where the cursor goes on after the first pointer
    for (std::size_t size = take8(); size != 0; size = take8()) {
      if ((size & 0xc0) == 0xc0) {
        std::size_t target = (size & 0x3f) << 8 | take8();
        if (target < head_size || target >= earliest) throw Malformed{};
        if (resume == 0) resume = at_;
        at_ = earliest = target;
        continue;
      }
      length += size + 1;
      if (size > longest_label || length > longest_name) throw Malformed{};
      append_label(name, take(size));
    }
    if (resume != 0) at_ = resume;
    return name;
  }

  static void append_label(std::string& name, BytesView label) {
    if (!name.empty()) name += '.';
    for (char c : label) {
      auto octet = static_cast<unsigned char>(c);
      if (!stands_for_itself(octet)) {
        name += fmt::format("\\{:03}", octet);
      } else {
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
    }
  }

  BytesView wire_;
  std::size_t at_ = 0;
  std::size_t end_;  // of the record's data while one is read, else of the message
};

}  // namespace

std::string_view name(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ns:
      return "NS";
    case Type::cname:
      return "CNAME";
    case Type::soa:
      return "SOA";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::opt:
      return "OPT";
    case Type::caa:
      return "CAA";
  }
  return "another type";
}

Bytes encode(const Message& message) {
  Bytes out;
  put16(out, message.id);
  put16(out, static_cast<std::uint16_t>(message.response << 15 | message.authoritative << 10 | message.truncated << 9 |
                                        message.recursion_desired << 8 | (static_cast<int>(message.rcode) & 0xf)));
  std::size_t additionals = message.additionals.size() + (message.response ? 0 : 1);
  for (std::size_t count :
       {message.questions.size(), message.answers.size(), message.authorities.size(), additionals}) {
    if (count > 0xffff) refuse_encoding("a message", "over 65,535 records in a section");
    put16(out, static_cast<std::uint16_t>(count));
  }
  for (const Question& question : message.questions) {
    put_name(out, question.name);
    put16(out, static_cast<std::uint16_t>(question.type));
    put16(out, class_internet);
  }
  for (const auto* section : {&message.answers, &message.authorities, &message.additionals})
    for (const Record& record : *section) put_record(out, record);
  if (!message.response) put_edns(out);
  if (out.size() > 0xffff) refuse_encoding("a message", "over 65,535 octets");
  return out;
}

std::optional<Message> parse(BytesView wire) {
  try {
    return MessageReader{wire}.read();
  } catch (const Malformed&) {
    return std::nullopt;
  }
}

}  // namespace certferry::dns
