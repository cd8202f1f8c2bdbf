#include "real/curl_transport.h"

#include <array>
#include <fmt/format.h>
#include <vector>

#include "real/address_policy.h"
#include "real/curl_exchange.h"
#include "real/curl_multi.h"
#include "real/tls_handshake.h"

namespace certferry {

bool TransportSide::speaks_to(std::string_view address, bool secure) const {
  const bool anywhere = https_anywhere && secure;
  switch (kind_of_address(address)) {
    case AddressKind::global:
      return public_addresses || anywhere;
    case AddressKind::private_use:
      return anywhere || (private_addresses && (public_addresses || is_metadata_address(address)));
    case AddressKind::loopback:
    case AddressKind::link_local:
      return private_addresses || anywhere;
    case AddressKind::other:
      break;
  }
  return false;
}

struct CurlTransport::Impl {
  Impl(Executor executor_, TransportOptions options_)
      : executor(std::move(executor_)), options(std::move(options_)), handshakes(options.handshake_deadline) {}
  ~Impl() {
    for (auto& multi : multis) multi.reset();
    for (CURL* easy : idle) curl_easy_cleanup(easy);
  }

  // A connection made for one side is not used for another: what may be spoken to is asked when it is made.
  CurlMulti& multi_for(http::Trust trust) {
    auto& multi = multis.at(static_cast<std::size_t>(trust));
    if (!multi) multi = std::make_unique<CurlMulti>(executor, options.connections_per_host);
    return *multi;
  }

  std::optional<std::uint16_t> route(std::string_view what, const std::string& host, std::uint16_t port) const {
    if (!options.loopback_route) return std::nullopt;
    auto there = options.loopback_route(host, port);
    if (there) return there;
    throw Failure(Failure::Kind::refused,
                  fmt::format("{} {}:{}: nothing beyond the sandbox is spoken to", what, quoted(host), port),
                  "Leave overridden endpoints and foreign hosts out of what is rehearsed.");
  }

  Executor executor;
  TransportOptions options;
  TlsHandshake handshakes;
  std::vector<CURL*> idle;  // reset, ready for the next request
  std::array<std::unique_ptr<CurlMulti>, 3> multis;
};

namespace {

// An easy handle for one transfer.
class CurlLease {
 public:
  explicit CurlLease(std::vector<CURL*>& idle) : idle_(idle) {
    if (idle_.empty()) {
      easy_ = curl_easy_init();
      if (!easy_) throw Failure(Failure::Kind::transient, "libcurl has no memory", "Give this machine more memory.");
    } else {
      easy_ = idle_.back();
      idle_.pop_back();
    }
  }
  CurlLease(const CurlLease&) = delete;
  CurlLease& operator=(const CurlLease&) = delete;
  ~CurlLease() {
    constexpr std::size_t kept = 64;
    if (idle_.size() >= kept) {
      curl_easy_cleanup(easy_);
      return;
    }
    curl_easy_reset(easy_);
    idle_.push_back(easy_);
  }
  CURL* get() const { return easy_; }

 private:
  std::vector<CURL*>& idle_;
  CURL* easy_ = nullptr;
};

}  // namespace

CurlTransport::CurlTransport(Executor executor, TransportOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}

CurlTransport::~CurlTransport() {
  for (auto& multi : impl_->multis)
    if (multi) multi->shut();
}

Task<http::Response> CurlTransport::send(http::Request request) {
  const auto impl = impl_;  // an abandoned coroutine unwinds after the transport has gone
  const auto loopback = impl->route(request.method, request.url.host(), request.url.port());
  CurlMulti& multi = impl->multi_for(request.trust);
  CurlExchange exchange{request, impl->options, loopback};
  CurlLease lease{impl->idle};
  exchange.set_up(lease.get());
  const CURLcode code = co_await multi.perform(lease.get());
  co_return exchange.outcome(lease.get(), code);
}

Task<PeerChain> CurlTransport::handshake(Endpoint endpoint, std::string sni, KeyType key) {
  if (const auto port = impl_->route("TLS handshake with", endpoint.host, endpoint.port)) {
    endpoint.host = "127.0.0.1";
    endpoint.port = *port;
  }
  co_return co_await impl_->handshakes.look(endpoint, sni, key);
}

}  // namespace certferry
