#include "real/tls_handshake.h"

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/failure.h"
#include "real/address_lookup.h"
#include "real/socket_deadline.h"
#include "real/starttls.h"
#include "real/suspension.h"

namespace certferry {

namespace {

namespace asio = boost::asio;

// Certificates of one kind only can be chosen by the server: the signature algorithms rule TLS 1.3, the suites 1.2.
asio::ssl::context context_for(const char* signature_algorithms, const char* suites) {
  asio::ssl::context context{asio::ssl::context::tls_client};
  SSL_CTX* raw = context.native_handle();
  SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_security_level(raw, 0);
  SSL_CTX_set_min_proto_version(raw, TLS1_VERSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set1_sigalgs_list(raw, signature_algorithms) != 1 || SSL_CTX_set_cipher_list(raw, suites) != 1)
    throw Failure(Failure::Kind::refused, "OpenSSL does not know the signature algorithms of a handshake",
                  "Use the OpenSSL 3 of Debian 12 or newer.");
  return context;
}

constexpr const char* ecdsa_algorithms =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ECDSA+SHA1";
constexpr const char* rsa_algorithms =
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:RSA+SHA256:RSA+SHA384:RSA+SHA512:"
    "RSA+SHA1";

// An IPv6 address in brackets.
std::string at(const std::string& host, std::uint16_t port) {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

PeerChain shown_by(SSL* ssl, const asio::ip::tcp::endpoint& peer) {
  PeerChain chain;
  const STACK_OF(X509)* certificates = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; certificates && i < sk_X509_num(certificates); ++i) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(sk_X509_value(certificates, i), &der);
    if (size <= 0) continue;
    chain.certificates.emplace_back(der, der + size);
    OPENSSL_free(der);
  }
  chain.address = at(peer.address().to_string(), peer.port());
  chain.protocol = SSL_get_version(ssl);
  return chain;
}

// Whether the server refused us after it had shown its certificate, and proven by a signature that it has its key: up
// to TLS 1.2 one that demands a certificate of its clients does so once all is said. By a key exchange with RSA nothing
// would be proven.
bool shown_before_its_refusal(const SSL* ssl) {
  const SSL_CIPHER* suite = SSL_get_current_cipher(ssl);
  if (!suite || SSL_version(ssl) > TLS1_2_VERSION || SSL_get_state(ssl) != TLS_ST_CW_FINISHED) return false;
  const int exchange = SSL_CIPHER_get_kx_nid(suite);
  return exchange == NID_kx_ecdhe || exchange == NID_kx_dhe;
}

// OpenSSL's words for the commonest mistakes are for those who know it.
std::string told(const boost::system::error_code& error) {
  const bool of_tls = error.category() == asio::error::get_ssl_category();
  const int reason = of_tls ? ERR_GET_REASON(static_cast<unsigned long>(error.value())) : 0;
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
    return "what answers there speaks no TLS";
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
    return "the connection was closed in the middle of it";
  return error.message();
}

// Whole seconds of a deadline of which some was used already.
std::string too_long(bool connected, Duration deadline) {
  const std::string within = humane(std::chrono::ceil<std::chrono::seconds>(deadline));
  return connected ? fmt::format("connected, but not done within {}", within)
                   : fmt::format("not connected within {}", within);
}

struct HandshakeAttempt {
  PeerChain chain;
  std::string trouble;  // empty: it went well
};

Task<HandshakeAttempt> attempt_handshake(asio::ssl::context& context, const asio::ip::tcp::endpoint& peer,
                                         const Endpoint& endpoint, const std::string& sni, Duration deadline) {
  asio::ssl::stream<asio::ip::tcp::socket> stream{co_await asio::this_coro::executor, context};
  SocketDeadline limit{stream.next_layer(), deadline};
  HandshakeAttempt attempt;
  bool connected = false;
  try {
    co_await stream.next_layer().async_connect(peer, asio::use_awaitable);
    connected = true;
    if (endpoint.starttls != StartTls::none) co_await open_starttls(stream.next_layer(), endpoint.starttls);
    stream.next_layer().set_option(asio::ip::tcp::no_delay{true});
    if (!sni.empty()) SSL_set_tlsext_host_name(stream.native_handle(), sni.c_str());
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    attempt.chain = shown_by(stream.native_handle(), peer);
    if (attempt.chain.certificates.empty()) attempt.trouble = "no certificate is shown";
  } catch (const Failure& failure) {
    attempt.trouble = failure.what();
  } catch (const boost::system::system_error& error) {
    if (limit.expired())
      attempt.trouble = too_long(connected, deadline);
    else if (error.code() == asio::error::operation_aborted)
      throw;
    else if (shown_before_its_refusal(stream.native_handle()))
      attempt.chain = shown_by(stream.native_handle(), peer);
    else
      attempt.trouble = told(error.code());
  }
  co_return attempt;
}

}  // namespace

struct TlsHandshake::Contexts {
  asio::ssl::context ecdsa = context_for(ecdsa_algorithms, "ECDHE+aECDSA:DHE+aECDSA:@SECLEVEL=0");
  asio::ssl::context rsa = context_for(rsa_algorithms, "aRSA:RSA:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0");
};

TlsHandshake::TlsHandshake(Duration deadline) : deadline_(deadline), lookup_(std::make_unique<AddressLookup>()) {}

TlsHandshake::~TlsHandshake() = default;

Task<PeerChain> TlsHandshake::look(const Endpoint& endpoint, const std::string& sni, KeyType key) {
  if (!contexts_) contexts_ = std::make_unique<Contexts>();
  asio::ssl::context& context = key == KeyType::p256 || key == KeyType::p384 ? contexts_->ecdsa : contexts_->rsa;
  const auto end = std::chrono::steady_clock::now() + deadline_;
  std::string trouble = "no address";
  std::vector<std::string> addresses;
  // The look-up is not held to the deadline by itself: the C library gives up after its own.
  addresses = co_await lookup_->addresses(endpoint.host);
  for (const std::string& text : addresses) {
    boost::system::error_code unreadable;
    const auto address = asio::ip::make_address(text, unreadable);
    const auto left = std::chrono::duration_cast<Duration>(end - std::chrono::steady_clock::now());
    if (unreadable || left <= Duration::zero()) continue;
    auto attempt = co_await attempt_handshake(context, {address, endpoint.port}, endpoint, sni, left);
    if (attempt.trouble.empty()) co_return std::move(attempt.chain);
    trouble = std::move(attempt.trouble);
  }
  throw Failure(Failure::Kind::transient,
                fmt::format("TLS handshake with {} ({}, {} key): {}", at(quoted(endpoint.host), endpoint.port),
                            sni.empty() ? std::string{"no SNI"} : "SNI " + quoted(sni), name(key), quoted(trouble)),
                "Check that the address and port are right and may be reached from here.");
}

}  // namespace certferry
