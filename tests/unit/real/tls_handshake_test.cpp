#include "real/tls_handshake.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <iostream>

#include "machine.h"
#include "real/http_listener.h"

namespace certferry {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct TlsHandshakeTest : ::testing::Test {
  HttpListenerOptions by_wish() {
    HttpListenerOptions options;
    options.identity = [this](const ClientWish& wish) {
      if (wish.sni == "nobody.example") return std::shared_ptr<const ServerIdentity>{};
      if (wish.sni == "other.example") return other.identity;
      return wish.accepts_ecdsa ? shop.identity : shop_rsa.identity;
    };
    return options;
  }
  Machine machine;
  TestSite shop{"shop.example"}, other{"other.example"}, shop_rsa{"shop.example", KeyType::rsa2048};
  TlsHandshake handshakes{seconds(5)};
};

TEST_F(TlsHandshakeTest, ShowsTheCertificateThatTheNameAndTheKindOfKeyChoose) {
  HttpListener server{machine.executor(), by_wish(), always({})};
  const Endpoint there{"127.0.0.1", server.port(), StartTls::none};
  const auto shown = [&](const std::string& sni, KeyType key) {
    return machine.run(handshakes.look(there, sni, key)).certificates;
  };
  EXPECT_THAT(shown("shop.example", KeyType::p256), ElementsAre(shop.certificate.der()));
  EXPECT_THAT(shown("shop.example", KeyType::p384), ElementsAre(shop.certificate.der()));
  EXPECT_THAT(shown("shop.example", KeyType::rsa2048), ElementsAre(shop_rsa.certificate.der()));
  EXPECT_THAT(shown("other.example", KeyType::p256), ElementsAre(other.certificate.der()));
  EXPECT_THAT(shown("", KeyType::p256), ElementsAre(shop.certificate.der()));
  const PeerChain chain = machine.run(handshakes.look(there, "shop.example", KeyType::p256));
  EXPECT_EQ(chain.address, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(chain.protocol, "TLSv1.3");
}

TEST_F(TlsHandshakeTest, ShowsAnotherCertificateFromTheInstantItIsSwapped) {
  std::shared_ptr<const ServerIdentity> live = shop.identity;
  HttpListenerOptions options;
  options.identity = [&](const ClientWish&) { return live; };
  HttpListener server{machine.executor(), options, always({})};
  const Endpoint there{"localhost", server.port(), StartTls::none};
  EXPECT_THAT(machine.run(handshakes.look(there, "a.example", KeyType::p256)).certificates,
              ElementsAre(shop.certificate.der()));
  live = other.identity;
  EXPECT_THAT(machine.run(handshakes.look(there, "a.example", KeyType::p256)).certificates,
              ElementsAre(other.certificate.der()));
}

TEST_F(TlsHandshakeTest, IsTransientWhereTheServerHasNoSuchCertificateOrSpeaksNoTls) {
  HttpListener server{machine.executor(), by_wish(), always({})};
  const Endpoint there{"127.0.0.1", server.port(), StartTls::none};
  EXPECT_EQ(failure_of(machine, handshakes.look(there, "nobody.example", KeyType::p256))->kind(),
            Failure::Kind::transient);
  const auto wrong_key = failure_of(machine, handshakes.look(there, "other.example", KeyType::rsa2048));
  EXPECT_THAT(wrong_key->what(), HasSubstr("TLS handshake with 127.0.0.1:"));
  EXPECT_THAT(failure_of(machine, handshakes.look({"::1", 1, StartTls::none}, "", KeyType::p256))->what(),
              HasSubstr("TLS handshake with [::1]:1 (no SNI"));
  ScriptedServer plain{machine, [](ScriptedServer::Socket socket) -> Task<> {
                         co_await asio::async_write(socket, asio::buffer("HTTP/1.1 400 Bad Request\r\n\r\n"),
                                                    asio::use_awaitable);
                         co_await wait_for_ever();
                       }};
  const auto no_tls =
      failure_of(machine, handshakes.look({"127.0.0.1", plain.port(), StartTls::none}, "", KeyType::p256));
  EXPECT_EQ(no_tls->kind(), Failure::Kind::transient);
  EXPECT_THAT(no_tls->what(), HasSubstr("what answers there speaks no TLS"));
}

TEST_F(TlsHandshakeTest, GivesUpAtItsDeadlineAndWhenCancelled) {
  ScriptedServer silent{machine, [](ScriptedServer::Socket socket) -> Task<> {
                          co_await wait_for_ever();
                          socket.close();
                        }};
  const Endpoint there{"127.0.0.1", silent.port(), StartTls::none};
  TlsHandshake hasty{milliseconds(50)};
  const auto failure = failure_of(machine, hasty.look(there, "", KeyType::p256));
  EXPECT_EQ(failure->kind(), Failure::Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("connected, but not done within 1 s"));
  Work look = [&]() -> Task<> { co_await handshakes.look(there, "", KeyType::p256); };
  Work soon = []() -> Task<> { co_await pause_for(milliseconds(20)); };
  EXPECT_EQ(machine.run(race(look, soon)), 1U);
}

// One that asks its clients for a certificate, and ends the handshake where they have none.
std::shared_ptr<asio::ssl::context> for_known_clients(const TestSite& site, int protocol, const char* suites) {
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  const std::string chain = site.certificate.pem();
  tls->use_certificate_chain(asio::buffer(chain));
  const Secret key = site.key.pem();
  tls->use_private_key(asio::buffer(std::string{key.reveal()}), asio::ssl::context::pem);
  tls->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  SSL_CTX_set_max_proto_version(tls->native_handle(), protocol);
  SSL_CTX_set_cipher_list(tls->native_handle(), suites);
  return tls;
}

TEST_F(TlsHandshakeTest, ShowsTheCertificateOfAServerThatDemandsOneOfItsClients) {
  const auto look = [&](const TestSite& site, KeyType key, int protocol, const char* suites) {
    const auto tls = for_known_clients(site, protocol, suites);
    ScriptedServer server{machine, [&](ScriptedServer::Socket socket) -> Task<> {
                            asio::ssl::stream<ScriptedServer::Socket> stream{std::move(socket), *tls};
                            co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
                          }};
    return machine.run(handshakes.look({"127.0.0.1", server.port(), StartTls::none}, "shop.example", key));
  };
  for (const int protocol : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_THAT(look(shop, KeyType::p256, protocol, "DEFAULT").certificates, ElementsAre(shop.certificate.der()));
    EXPECT_THAT(look(shop_rsa, KeyType::rsa2048, protocol, "DEFAULT").certificates,
                ElementsAre(shop_rsa.certificate.der()));
  }
  // Without a signature of the server's, nothing proves that it has the key.
  EXPECT_THROW(look(shop_rsa, KeyType::rsa2048, TLS1_2_VERSION, "kRSA"), Failure);
}

// What a server says and waits for before TLS: a line that begins with '<' is expected (as a part of what comes),
// others are said.
struct Dialogue {
  StartTls protocol;
  std::vector<std::string> lines;
};

Task<> speak(ScriptedServer::Socket socket, std::vector<std::string> lines, std::shared_ptr<asio::ssl::context> tls) {
  std::array<char, 1024> chunk;
  std::string got;
  for (const std::string& line : lines) {
    if (!line.starts_with('<')) {
      co_await asio::async_write(socket, asio::buffer(line), asio::use_awaitable);
      continue;
    }
    while (got.find(line.substr(1)) == got.npos)
      got.append(chunk.data(), co_await socket.async_read_some(asio::buffer(chunk), asio::use_awaitable));
    got.clear();
  }
  asio::ssl::stream<ScriptedServer::Socket> stream{std::move(socket), *tls};
  co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
}

std::vector<Dialogue> good_dialogues() {
  using namespace std::string_literals;
  return {{StartTls::smtp,
           {"220-mail.example greets\r\n220 you\r\n", "<EHLO", "250-mail.example\r\n250-STARTTLS\r\n250 SIZE\r\n",
            "<STARTTLS\r\n", "220 go\r\n"}},
          {StartTls::imap, {"* OK hello\r\n", "< STARTTLS\r\n", "* CAPABILITY x\r\nc1 OK go\r\n"}},
          {StartTls::ldap, {"<1.3.6.1.4.1.1466.20037", "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"s}},
          {StartTls::postgres, {"<\x04\xd2\x16\x2f"s, "S"}}};
}

TEST_F(TlsHandshakeTest, SpeaksThePlainTextOfEachProtocolFirst) {
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  const std::string chain = shop.certificate.pem();
  tls->use_certificate_chain(asio::buffer(chain));
  const Secret key = shop.key.pem();
  tls->use_private_key(asio::buffer(std::string{key.reveal()}), asio::ssl::context::pem);
  for (const Dialogue& dialogue : good_dialogues()) {
    ScriptedServer server{machine,
                          [&](ScriptedServer::Socket socket) { return speak(std::move(socket), dialogue.lines, tls); }};
    const PeerChain chain_shown =
        machine.run(handshakes.look({"127.0.0.1", server.port(), dialogue.protocol}, "shop.example", KeyType::p256));
    EXPECT_THAT(chain_shown.certificates, ElementsAre(shop.certificate.der()));
  }
}

TEST_F(TlsHandshakeTest, BelievesNoServerThatDeclinesOrSaysMoreBeforeTls) {
  using namespace std::string_literals;
  const std::vector<Dialogue> bad{
      {StartTls::smtp, {"554 go away\r\n"}},
      {StartTls::smtp, {"220 hi\r\n", "<EHLO", "250 ok\r\n", "<STARTTLS", "220 go\r\n250 injected\r\n"}},
      {StartTls::smtp, {std::string(20'000, 'x')}},
      {StartTls::imap, {"* OK hi\r\n", "<STARTTLS", "c1 NO\r\n"}},
      {StartTls::imap, {"* BYE\r\n"}},
      {StartTls::ldap, {"<1466", "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"s}},
      {StartTls::ldap, {"<1466", "\x30\x84\xff\xff\xff\xff"s}},
      {StartTls::ldap, {"<1466", "\x30\x00"s}},
      {StartTls::postgres, {"<\x16\x2f", "N"}},
      {StartTls::postgres, {"<\x16\x2f", "SE"}},
  };
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  for (const Dialogue& dialogue : bad) {
    ScriptedServer server{machine,
                          [&](ScriptedServer::Socket socket) { return speak(std::move(socket), dialogue.lines, tls); }};
    const auto failure =
        failure_of(machine, handshakes.look({"127.0.0.1", server.port(), dialogue.protocol}, "", KeyType::p256));
    EXPECT_EQ(failure->kind(), Failure::Kind::transient);
    EXPECT_THAT(failure->what(), HasSubstr("STARTTLS"));
  }
}

TEST_F(TlsHandshakeTest, DoesAThousandWithSixtyFourInFlight) {
  HttpListener server{machine.executor(), by_wish(), always({})};
  std::vector<Work> works;
  int good = 0;
  for (int i = 0; i < 1000; ++i)
    works.push_back([&]() -> Task<> {
      const Endpoint there{"127.0.0.1", server.port(), StartTls::none};
      good += (co_await handshakes.look(there, "shop.example", KeyType::p256)).certificates.size() == 1;
    });
  const auto begun = std::chrono::steady_clock::now();
  Work all = [&]() -> Task<> { co_await all_settled(std::move(works), 64); };
  machine.run(all());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  EXPECT_EQ(good, 1000);
  RecordProperty("handshakes_per_second", static_cast<int>(1000 / took.count()));
  std::cout << static_cast<int>(1000 / took.count()) << " handshakes per second, both sides on one thread\n";
}

}  // namespace
}  // namespace certferry
