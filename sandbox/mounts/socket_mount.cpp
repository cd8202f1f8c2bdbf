#include "sandbox/mounts/socket_mount.h"

#include <fmt/format.h>
#include <set>
#include <vector>

#include "base/failure.h"
#include "crypto/certificate_template.h"
#include "real/dns_listener.h"
#include "real/http_listener.h"
#include "sandbox/authorities.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/invariants.h"
#include "sandbox/load_balancers.h"
#include "sandbox/mounts/held_request.h"
#include "sandbox/mounts/name_service.h"

namespace certferry::sandbox {
namespace {

constexpr const char* kLoopback = "127.0.0.1";
constexpr std::uint32_t kAddressTtl = 60;
constexpr std::uint16_t kHttps = 443;

http::Response plain(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

// "localhost", "127.0.0.1" and, for buckets, names below localhost; with this port.
bool is_ours(const std::string& host_field, std::uint16_t port) {
  auto colon = host_field.rfind(':');
  if (colon == std::string::npos || host_field.substr(colon + 1) != std::to_string(port)) return false;
  std::string host = host_field.substr(0, colon);
  return host == "localhost" || host == kLoopback || host.ends_with(".localhost");
}

// The server certificate of the CA's own web server, under a root of its own.
struct ServerCredentials {
  std::string root_pem;
  std::shared_ptr<const ServerIdentity> identity;

  static ServerCredentials make(Entropy& entropy, WallTime now) {
    Authority authority = Authority::make("certferry sandbox", now, entropy);
    PrivateKey key = PrivateKey::generate(KeyType::p256);
    Chain chain = authority.issue(key.public_part(), {DomainName::parse("localhost")}, now - hours(1), now + days(365),
                                  random_serial(entropy));
    return {authority.root.pem(), ServerIdentity::from_pem(chain.pem(), key.pem())};
  }
};

// What reached the world by now, what TXT record sets its zones hold, and which invariants were broken.
Json seen_by(World& world, const Invariants& invariants) {
  Json requests = Json::object(), violations = Json::array();
  std::map<std::string, int> counts;
  int changes = 0, stored = 0, txt_sets = 0;
  for (const Event& event : world.events()) {
    ++counts[fmt::format("{} {}", event.service, event.operation)];
    if (event.changed) ++(event.service == "s3" ? stored : changes);
  }
  for (const auto& [what, count] : counts) requests[what] = count;
  for (const SimulatedZone& zone : world.zones().all)
    for (const auto& [key, set] : zone.sets) txt_sets += set.type == "TXT" ? 1 : 0;
  for (const std::string& violation : invariants.violations()) violations.push_back(violation);
  return Json::object({{"changes", changes},
                       {"requests", std::move(requests)},
                       {"stored", stored},
                       {"txt_sets", txt_sets},
                       {"violations", std::move(violations)}});
}

constexpr const char* kSeenPath = "/sandbox/seen";

bool elliptic(KeyType type) { return type == KeyType::p256 || type == KeyType::p384; }

}  // namespace

struct SocketMount::State {
  Executor executor;
  World& world;
  Clock& clock;
  Invariants invariants;
  HeldRequest held;
  Addresses addresses;
  SocketPlaces places;
  ServerCredentials credentials;
  std::uint16_t ca_port = 0, aws_port = 0;
  std::map<std::string, std::shared_ptr<const ServerIdentity>> identities;  // by the leaf's fingerprint
  std::vector<std::unique_ptr<HttpListener>> listeners;
  std::unique_ptr<DnsListener> dns, resolver;

  State(Executor of, World& in, Clock& by)
      : executor(std::move(of)),
        world(in),
        clock(by),
        invariants(in),
        addresses(in),
        credentials(ServerCredentials::make(in.entropy(), by.now())) {}

  enum class Of { ca, aws };
  HttpHandler to_the_world(Of of, const std::uint16_t& port) {
    return [this, of, &port](const http::ParsedRequest& parsed) -> Task<http::Response> {
      std::string host = parsed.headers.get("Host").value_or("");
      if (!is_ours(host, port)) co_return plain(421, "This sandbox answers to localhost alone.\n");
      if (of == Of::ca && parsed.target == kSeenPath) co_return plain(200, seen_by(world, invariants).dump() + "\n");
      if (of == Of::ca && HeldRequest::is_about(parsed)) co_return co_await held.answer(parsed);
      if (!co_await held.before_the_world()) co_return plain(503, "Dropped, as was asked for.\n");
      http::Response response = answered(host, parsed);
      co_await held.after_the_world();
      co_return response;
    };
  }

  // AWS's port stands for its TLS endpoints: no network lies between, and what policies say of TLS is met.
  http::Response answered(const std::string& host, const http::ParsedRequest& parsed) {
    try {
      http::Request request{.method = parsed.method,
                            .url = Url::parse(fmt::format("https://{}{}", host, parsed.target)),
                            .headers = parsed.headers,
                            .body = parsed.body};
      return world.handle(request, clock.now());
    } catch (const Failure& failure) {
      return plain(400, fmt::format("{}\n", failure.what()));
    }
  }

  void open_ca() {
    HttpListenerOptions options;
    options.identity = [this](const ClientWish&) { return credentials.identity; };
    listeners.push_back(std::make_unique<HttpListener>(executor, std::move(options), to_the_world(Of::ca, ca_port)));
    ca_port = listeners.back()->port();
    world.settings().ca_url = fmt::format("https://localhost:{}", ca_port);
    places.ca_directory = world.ca().directory_url();
    places.ca_pem = credentials.root_pem;
    places.roots_pem = world.roots_pem();
    places.seen = world.settings().ca_url + kSeenPath;
  }

  void open_aws() {
    HttpListenerOptions options;
    options.body_limit = 4 << 20;
    listeners.push_back(std::make_unique<HttpListener>(executor, std::move(options), to_the_world(Of::aws, aws_port)));
    aws_port = listeners.back()->port();
    places.aws_endpoint = fmt::format("http://{}:{}", kLoopback, aws_port);
    places.region = world.settings().region;
  }

  void open_dns() {
    dns = std::make_unique<DnsListener>(executor, DnsListenerOptions{},
                                        [this](const dns::Message& query) { return named(query); });
    places.dns_port = dns->port();
    resolver = std::make_unique<DnsListener>(executor, DnsListenerOptions{},
                                             [this](const dns::Message& query) { return resolved(query); });
    places.resolver_port = resolver->port();
  }

  dns::Message resolved(const dns::Message& query) {
    dns::Message reply = named(query);
    if (query.questions.size() != 1) return reply;
    dns::Answer answer = resolved_in(world, query.questions.front(), clock.now());
    if (!reply.answers.empty() && answer.answers.empty()) return reply;  // the address of a load balancer
    reply.authoritative = false;
    reply.rcode = answer.rcode;
    reply.answers = std::move(answer.answers);
    reply.authorities = std::move(answer.authorities);
    return reply;
  }

  // What the zones say, and where load balancers are for whoever asks from outside: here.
  dns::Message named(const dns::Message& query) {
    dns::Message answer = world.answer(query, clock.now());
    bool unknown = answer.rcode == dns::Rcode::refused && !query.questions.empty();
    if (!unknown || query.questions[0].type != dns::Type::a || addresses.of(query.questions[0].name).empty())
      return answer;
    answer.rcode = dns::Rcode::no_error;
    answer.answers.push_back({query.questions[0].name, dns::Type::a, kAddressTtl, kLoopback});
    return answer;
  }

  std::shared_ptr<const ServerIdentity> identity_for(const std::string& host, std::uint16_t port,
                                                     const ClientWish& wish) {
    auto presented = world.presented(host, port, wish.sni, clock.now());
    if (!presented) return nullptr;
    if (!(elliptic(presented->key.type()) ? wish.accepts_ecdsa : wish.accepts_rsa)) return nullptr;
    auto& identity = identities[presented->chain.leaf.fingerprint().text()];
    if (!identity) identity = ServerIdentity::from_pem(presented->chain.pem(), presented->key.pem());
    return identity;
  }

  void open_listener(const std::string& host, std::uint16_t port) {
    if (places.listeners.contains({host, port})) return;
    HttpListenerOptions options;
    options.identity = [this, host, port](const ClientWish& wish) { return identity_for(host, port, wish); };
    listeners.push_back(std::make_unique<HttpListener>(
        executor, std::move(options), always(plain(200, fmt::format("{}:{} of the certferry sandbox\n", host, port)))));
    places.listeners[{host, port}] = listeners.back()->port();
    places.addresses[host] = addresses.of(host);
  }
};

SocketMount::SocketMount(Executor executor, World& world, Clock& clock)
    : state_(std::make_unique<State>(std::move(executor), world, clock)) {
  state_->open_ca();
  state_->open_aws();
  state_->open_dns();
  refresh();
}

SocketMount::~SocketMount() = default;

const SocketPlaces& SocketMount::places() const { return state_->places; }

Addresses& SocketMount::addresses() { return state_->addresses; }

void SocketMount::refresh() {
  SocketPlaces& places = state_->places;
  places.zones.clear();
  places.classic.clear();
  places.listener_arns.clear();
  for (const SimulatedZone& zone : state_->world.zones().all) places.zones.push_back(zone.name);
  for (const auto& [name, balancer] : state_->world.classic().by_name)
    for (const auto& [port, listener] : balancer.listeners) {
      if (!listener.secure()) continue;
      places.classic.push_back(port == kHttps ? name : fmt::format("{}:{}", name, port));
      state_->open_listener(balancer.dns_name, port);
    }
  for (const auto& [name, balancer] : state_->world.load_balancers().by_name)
    for (const auto& entry : balancer.listeners) {
      if (!entry.listener.secure()) continue;
      places.listener_arns.push_back(entry.arn);
      state_->open_listener(balancer.dns_name, entry.listener.port);
    }
}

std::optional<std::uint16_t> SocketMount::route(const std::string& host, std::uint16_t port) const {
  return sandbox::route(state_->places, host, port);
}

}  // namespace certferry::sandbox
