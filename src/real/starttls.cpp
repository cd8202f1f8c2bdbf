#include "real/starttls.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <string>
#include <string_view>

#include "base/failure.h"

namespace certferry {

namespace {

namespace asio = boost::asio;

Failure no_starttls(std::string_view protocol, std::string_view said) {
  return Failure(Failure::Kind::transient,
                 fmt::format("{} STARTTLS: the server said \"{}\"", protocol, quoted(said, 200)),
                 "Check that this port speaks that protocol and offers STARTTLS.");
}

// Reads the server's plain text, never past what it is asked for by more than the server sent too early.
class Prologue {
 public:
  Prologue(asio::ip::tcp::socket& socket, std::string_view protocol) : socket_(socket), protocol_(protocol) {}

  Task<> send(std::string_view text) { co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable); }

  Task<std::string> line() {
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == buffer_.npos) co_await more();
    std::string text = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    if (text.ends_with('\r')) text.pop_back();
    co_return text;
  }

  Task<std::string> octets(std::size_t count) {
    while (buffer_.size() < count) co_await more();
    std::string text = buffer_.substr(0, count);
    buffer_.erase(0, count);
    co_return text;
  }

  // What came before TLS could have been slipped in by somebody between (CVE-2011-0411).
  void expect_silence() const {
    if (!buffer_.empty()) throw no_starttls(protocol_, buffer_);
  }

 private:
  Task<> more() {
    constexpr std::size_t limit = 8192;
    std::array<char, 1024> chunk;
    const std::size_t size = co_await socket_.async_read_some(asio::buffer(chunk), asio::use_awaitable);
    total_ += size;
    if (total_ > limit) throw no_starttls(protocol_, "more than 8 KiB of plain text");
    buffer_.append(chunk.data(), size);
  }

  asio::ip::tcp::socket& socket_;
  std::string_view protocol_;
  std::string buffer_;
  std::size_t total_ = 0;
};

// One reply of SMTP: lines of "250-", then one of "250 ".
Task<> smtp_reply(Prologue& prologue, std::string_view code) {
  for (;;) {
    const std::string line = co_await prologue.line();
    if (!line.starts_with(code)) throw no_starttls("SMTP", line);
    if (line.size() == 3 || line[3] == ' ') co_return;
    if (line[3] != '-') throw no_starttls("SMTP", line);
  }
}

Task<> open_smtp(Prologue& prologue) {
  co_await smtp_reply(prologue, "220");
  co_await prologue.send("EHLO certferry.invalid\r\n");
  co_await smtp_reply(prologue, "250");
  co_await prologue.send("STARTTLS\r\n");
  co_await smtp_reply(prologue, "220");
}

Task<> open_imap(Prologue& prologue) {
  const std::string greeting = co_await prologue.line();
  if (!greeting.starts_with("* OK")) throw no_starttls("IMAP", greeting);
  co_await prologue.send("c1 STARTTLS\r\n");
  for (;;) {
    const std::string line = co_await prologue.line();
    if (line.starts_with("* ")) continue;
    if (line.starts_with("c1 OK")) co_return;
    throw no_starttls("IMAP", line);
  }
}

Task<> open_ldap(Prologue& prologue) {
  using namespace std::string_view_literals;
  // LDAPMessage {1, ExtendedRequest {requestName 1.3.6.1.4.1.1466.20037}}
  co_await prologue.send(
      "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
      "1.3.6.1.4.1.1466.20037"sv);
  std::string head = co_await prologue.octets(2);
  auto octet = [](char c) { return static_cast<unsigned>(static_cast<unsigned char>(c)); };
  std::size_t length = octet(head[1]);
  if (head[0] != '\x30') throw no_starttls("LDAP", head);
  if (length > 0x80) {
    const std::size_t count = length - 0x80;
    if (count > 4) throw no_starttls("LDAP", head);
    length = 0;
    for (char c : co_await prologue.octets(count)) length = length << 8 | octet(c);
  }
  if (length > 4096) throw no_starttls("LDAP", "an answer of over 4 KiB");
  const std::string body = co_await prologue.octets(length);
  // messageID 1, then ExtendedResponse (APPLICATION 24), whose first element is the ENUMERATED resultCode.
  std::size_t at = 3;
  if (!body.starts_with("\x02\x01\x01") || body.size() < at + 2 || body[at] != '\x78') throw no_starttls("LDAP", body);
  const unsigned inner = octet(body[at + 1]);
  at += 2 + (inner >= 0x80 ? inner - 0x80 : 0);
  if (body.size() < at + 3 || body.substr(at, 3) != "\x0a\x01\x00"sv) throw no_starttls("LDAP", body);
}

Task<> open_postgres(Prologue& prologue) {
  using namespace std::string_view_literals;
  co_await prologue.send("\x00\x00\x00\x08\x04\xd2\x16\x2f"sv);
  const std::string reply = co_await prologue.octets(1);
  if (reply != "S") throw no_starttls("PostgreSQL", reply);
}

}  // namespace

Task<> open_starttls(asio::ip::tcp::socket& socket, StartTls protocol) {
  switch (protocol) {
    case StartTls::none:
      co_return;
    case StartTls::smtp: {
      Prologue prologue{socket, "SMTP"};
      co_await open_smtp(prologue);
      co_return prologue.expect_silence();
    }
    case StartTls::imap: {
      Prologue prologue{socket, "IMAP"};
      co_await open_imap(prologue);
      co_return prologue.expect_silence();
    }
    case StartTls::ldap: {
      Prologue prologue{socket, "LDAP"};
      co_await open_ldap(prologue);
      co_return prologue.expect_silence();
    }
    case StartTls::postgres: {
      Prologue prologue{socket, "PostgreSQL"};
      co_await open_postgres(prologue);
      co_return prologue.expect_silence();
    }
  }
}

}  // namespace certferry
