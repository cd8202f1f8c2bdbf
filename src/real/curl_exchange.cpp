#include "real/curl_exchange.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/limits/http.h"
#include "real/address_policy.h"
#include "wire/user_information.h"

namespace certferry {

namespace {

const TransportSide& side_of(const TransportOptions& options, http::Trust trust) {
  switch (trust) {
    case http::Trust::ca:
      return options.ca;
    case http::Trust::aws:
      return options.aws;
    case http::Trust::metadata:
      break;
  }
  return options.metadata;
}

std::string subject_of(const http::Request& request) {
  return fmt::format("{} {}", quoted(request.method, 20), quoted(request.url.origin()));
}

void check_scheme(const http::Request& request, const TransportSide& side) {
  if (request.url.secure() ? side.https : side.http) return;
  throw Failure(Failure::Kind::refused,
                fmt::format("{}: {} is not spoken there", subject_of(request), request.url.secure() ? "https" : "http"),
                request.url.secure() ? "Use an http:// URL there." : "Use an https:// URL there.");
}

// What would end a line of the head early, or is no token (RFC 9110 section 5.6.2).
void check_head(const http::Request& request) {
  auto token = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 127 && c != ':'; });
  };
  bool good = token(request.method);
  for (const auto& [name, value] : request.headers.fields())
    good = good && token(name) && value.find_first_of(std::string_view{"\r\n\0", 3}) == value.npos;
  if (good) return;
  throw Failure(Failure::Kind::refused, fmt::format("{}: a header field that cannot be sent", subject_of(request)),
                "Remove line ends and blanks from what was configured for this host.");
}

// In words for people: curl's own of a kept connection that dies tell of the second sending that we do not let it do.
std::string_view own_words(CURLcode code) {
  return code == CURLE_GOT_NOTHING || code == CURLE_SEND_FAIL_REWIND ? "the connection was closed without an answer"
                                                                     : "";
}

// What curl says, without the user's name and password that stand in the proxy's URL.
std::string without_password(std::string words, const std::string& proxy) {
  if (!proxy.contains('@')) return words;
  // curl cuts its words at CURL_ERROR_SIZE octets, and with them the URL.
  constexpr std::size_t surely_whole = 128;
  const std::size_t found = words.find(proxy.substr(0, surely_whole));
  if (found == words.npos) return words;
  const std::string shown = without_user_information(proxy);
  const std::size_t length = std::min(proxy.size(), words.size() - found);
  return words.replace(found, length, shown);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

CurlExchange::CurlExchange(const http::Request& request, const TransportOptions& options,
                           std::optional<std::uint16_t> loopback)
    : request_(request), options_(options), side_(side_of(options, request.trust)), loopback_(loopback) {
  check_scheme(request, side_);
  check_head(request);
  if (side_.proxied && !loopback_ && !spared_by_no_proxy(options.no_proxy, request.url.host()))
    proxy_ = request.url.secure() ? options.https_proxy : options.http_proxy;
  unsent_ = request.body;
}

CurlExchange::~CurlExchange() {
  curl_slist_free_all(header_list_);
  curl_slist_free_all(connect_to_);
}

void CurlExchange::set_up(CURL* easy) {
  set_request(easy);
  set_safety(easy);
  set_roots(easy);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &CurlExchange::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &CurlExchange::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words_.data());
}

void CurlExchange::set_request(CURL* easy) {
  const std::string& method = request_.method;
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.text().c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // it may be signed
  const std::string agent = options_.user_agent + (side_.application.empty() ? "" : " app/" + side_.application);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, agent.c_str());
  auto add = [this](const std::string& line) { header_list_ = curl_slist_append(header_list_, line.c_str()); };
  for (const auto& [name, value] : request_.headers.fields())
    add(trimmed(value).empty() ? name + ";" : fmt::format("{}: {}", name, value));

  if (method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    // Read through a function that cannot be rewound: so curl never sends a body a second time on a new connection when
    // the kept one dies. Sent or not is then ours to find out.
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &CurlExchange::on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, this);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
    if (!request_.headers.get("Content-Type")) add("Content-Type:");
    add("Expect:");
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_list_);

  const long deadline = std::max<long>(1, static_cast<long>(request_.deadline.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, deadline);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   std::min(deadline, static_cast<long>(limits::http::connect_deadline.count())));
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  if (request_.url.secure()) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
}

void CurlExchange::set_safety(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a cancelled look-up is not waited for
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlExchange::on_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  // Always set, or curl would read the environment on its own.
  curl_easy_setopt(easy, CURLOPT_PROXY, proxy_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!loopback_) return;
  const std::string elsewhere = fmt::format("::127.0.0.1:{}", *loopback_);
  connect_to_ = curl_slist_append(nullptr, elsewhere.c_str());
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_);
}

void CurlExchange::set_roots(CURL* easy) {
  if (!request_.url.secure()) return;
  if (!side_.roots.empty()) {
    // The blob stands instead of curl's default file; the system's directory of roots is still looked at.
    curl_blob blob{const_cast<char*>(side_.roots.data()), side_.roots.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  } else if (!side_.bundle.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, side_.bundle.c_str());
  }
  if (!side_.bundle.empty() || !side_.system_roots) curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
}

std::size_t CurlExchange::on_read(char* data, std::size_t size, std::size_t count, void* self) {
  auto& unsent = static_cast<CurlExchange*>(self)->unsent_;
  const std::size_t taken = std::min(size * count, unsent.size());
  std::memcpy(data, unsent.data(), taken);
  unsent.remove_prefix(taken);
  return taken;
}

std::size_t CurlExchange::on_header(char* data, std::size_t, std::size_t size, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  exchange.head_size_ += size;
  exchange.head_too_long_ = exchange.head_size_ > limits::http::headers;
  if (exchange.head_too_long_) return 0;
  exchange.header_line({data, size});
  return size;
}

void CurlExchange::header_line(std::string_view line) {
  if (line.starts_with("HTTP/")) {  // anew: what came before was a 1xx
    response_.headers = {};
    head_done_ = false;
    return;
  }
  if (trimmed(line).empty()) {
    head_done_ = true;
    return;
  }
  const auto colon = line.find(':');
  if (head_done_ || colon == line.npos) return;  // trailers are nobody's business
  response_.headers.add(std::string{trimmed(line.substr(0, colon))}, std::string{trimmed(line.substr(colon + 1))});
}

std::size_t CurlExchange::on_body(char* data, std::size_t, std::size_t size, void* self) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  Bytes& body = exchange.response_.body;
  exchange.body_too_long_ = body.size() + size > exchange.request_.body_limit;
  if (exchange.body_too_long_) return 0;
  body.append(data, size);
  return size;
}

bool CurlExchange::may_speak_to(const std::string& address, std::uint16_t port) {
  if (loopback_) return address == "127.0.0.1" && port == *loopback_;
  if (!proxy_.url.empty()) return true;  // this is the proxy's address
  return side_.speaks_to(address, request_.url.secure());
}

curl_socket_t CurlExchange::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<CurlExchange*>(self);
  std::array<char, INET6_ADDRSTRLEN> text{};
  std::uint16_t port = 0;
  if (address->family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address->addr, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    port = ntohs(v4.sin_port);
  } else if (address->family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address->addr, std::min<std::size_t>(sizeof v6, address->addrlen));
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    port = ntohs(v6.sin6_port);
  }
  if (!exchange.may_speak_to(text.data(), port)) {
    exchange.forbidden_ = text.data();
    return CURL_SOCKET_BAD;
  }
  exchange.spoke_ = true;
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

http::Response CurlExchange::outcome(CURL* easy, CURLcode code) {
  if (code != CURLE_OK) throw failure(easy, code);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

// It was answered, so it may have been done.
std::optional<Failure> CurlExchange::too_long() const {
  if (!head_too_long_ && !body_too_long_) return std::nullopt;
  const std::string which = head_too_long_ ? "the answer's head is over 32 KiB"
                                           : fmt::format("the answer is longer than {} bytes", request_.body_limit);
  return Failure(Failure::Kind::outcome_unknown, fmt::format("{}: {}", subject_of(request_), which),
                 "Check that this URL is the service that you mean.");
}

std::optional<Failure> CurlExchange::forbidden() const {
  if (forbidden_.empty() || spoke_) return std::nullopt;
  const std::string what =
      fmt::format("{}: its address {} is {}", subject_of(request_), forbidden_, name(kind_of_address(forbidden_)));
  if (request_.trust == http::Trust::metadata && !request_.url.secure())
    return Failure(Failure::Kind::refused,
                   what + ": metadata is taken in the clear from loopback and link-local ones alone",
                   "Give a URL with https, or with such an address.");
  return Failure(Failure::Kind::refused, what + ", which is not spoken to there", "Check the name's address records.");
}

// What to do where nobody could be spoken to.
std::string CurlExchange::reach_it() const {
  if (proxy_.url.empty()) return "Check that this machine may reach that host and port.";
  return fmt::format("Check that the proxy of {} can be reached.", proxy_.said_by);
}

Failure CurlExchange::failure(CURL* easy, CURLcode code) const {
  using Kind = Failure::Kind;
  if (const auto ours = too_long()) return *ours;
  if (const auto ours = forbidden()) return *ours;
  const std::string_view ours = own_words(code);
  const char* curls = words_[0] ? words_.data() : curl_easy_strerror(code);
  const std::string what = fmt::format("{}: {}", subject_of(request_),
                                       !ours.empty() ? std::string{ours} : quoted(without_password(curls, proxy_.url)));
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return Failure(Kind::refused, what,
                     request_.trust == http::Trust::ca
                         ? "Check the directory's URL and this machine's clock, or name the CA's own roots in [ca] "
                           "trust (--trust)."
                         : "Check the endpoint and this machine's clock, or name its roots in AWS_CA_BUNDLE.");
    case CURLE_SSL_CACERT_BADFILE:
      return Failure(Kind::refused, what,
                     fmt::format("Check that the file {} exists, is readable and is PEM.",
                                 side_.bundle.empty() ? "of trusted roots" : "that AWS_CA_BUNDLE names"));
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Failure(Kind::refused, what, "Correct the URL.");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Failure(Kind::transient, what, fmt::format("Correct the proxy in {}.", proxy_.said_by));
    case CURLE_COULDNT_RESOLVE_HOST:
      return Failure(Kind::transient, what, "Check the name and that this machine's resolver answers.");
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return Failure(Kind::transient, what, reach_it());
    case CURLE_SSL_CONNECT_ERROR:
      return Failure(Kind::transient, what, "Check that the other side speaks TLS 1.2 or newer on that port.");
    default:
      break;
  }
  long proxy_said = 0, request_octets = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_said);
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_octets);
  if (proxy_said >= 300)
    return Failure(proxy_said == 403 || proxy_said == 407 ? Kind::refused : Kind::transient,
                   fmt::format("{} (the proxy of {} answered {})", what, proxy_.said_by, proxy_said),
                   "Ask whoever runs the proxy.");
  if (request_octets == 0) return Failure(Kind::transient, what, reach_it());
  return Failure(Kind::outcome_unknown, what, "Run it again: it looks first whether the request was carried out.");
}

}  // namespace certferry
