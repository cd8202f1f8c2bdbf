#include "sandbox/load_balancers.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>

#include "base/failure.h"
#include "sandbox/server_certificates.h"
#include "sandbox/strikes.h"

namespace certferry::sandbox {
namespace {

constexpr QueryService kElbV2{"elbv2", "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"};
constexpr std::uint16_t kFirstPort = 443;
constexpr std::size_t kDescribedAtOnce = 20;

std::string short_type(const std::string& type) { return type == "network" ? "net" : "app"; }

std::vector<std::string> parts_of(std::string_view resource) {
  std::vector<std::string> parts;
  for (const auto part : std::views::split(resource, '/')) parts.emplace_back(part.begin(), part.end());
  return parts;
}

std::string listener_of(const std::string& balancer_arn, const std::string& id) {
  constexpr std::string_view word = ":loadbalancer/";
  std::string arn = balancer_arn;
  return arn.replace(arn.find(word), word.size(), ":listener/") + "/" + id;
}

// loadbalancer/app/web/50dc… of a listener's listener/app/web/50dc…/f2f7…
std::string balancer_of(const std::string& listener_arn) {
  std::string arn = listener_arn.substr(0, listener_arn.rfind('/'));
  auto at = arn.find(":listener/");
  return at == std::string::npos ? "" : arn.replace(at, std::string_view{":listener/"}.size(), ":loadbalancer/");
}

void check_listener_arn(const std::string& arn) {
  if (!arn.contains(":listener/"))
    throw Refusal{400, "ValidationError", fmt::format("'{}' is not a valid listener ARN", arn)};
}

[[noreturn]] void refuse_unknown_listener(const std::string& arn) {
  throw Refusal{400, "ListenerNotFound", fmt::format("One or more listeners not found: {}", arn)};
}

void write_balancer(XmlWriter& xml, const SimulatedLoadBalancer& balancer, WallTime created) {
  xml.open("member");
  xml.text("LoadBalancerArn", balancer.arn).text("DNSName", balancer.dns_name);
  xml.text("CreatedTime", iso8601(created)).text("LoadBalancerName", balancer.name).text("Scheme", "internet-facing");
  xml.open("State").text("Code", "active").close();
  xml.text("Type", balancer.type).text("IpAddressType", "ipv4");
  xml.close();
}

void write_certificate(XmlWriter& xml, const std::string& arn, std::optional<bool> is_default) {
  xml.open("member").text("CertificateArn", arn);
  if (is_default) xml.text("IsDefault", *is_default ? "true" : "false");
  xml.close();
}

void write_listener(XmlWriter& xml, const SimulatedLoadBalancer::Entry& entry, const std::string& certificate) {
  xml.open("member");
  xml.text("ListenerArn", entry.arn).text("LoadBalancerArn", balancer_of(entry.arn));
  xml.text("Port", std::to_string(entry.listener.port)).text("Protocol", entry.listener.protocol);
  if (!certificate.empty()) {
    xml.open("Certificates");
    write_certificate(xml, certificate, {});
    xml.close().text("SslPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-06");
  }
  xml.open("DefaultActions").open("member").text("Type", "fixed-response").close().close();
  xml.close();
}

std::vector<std::string> certificates_in(const QueryCall& call) {
  std::vector<std::string> arns;
  while (auto arn = call.find(fmt::format("Certificates.member.{}.CertificateArn", arns.size() + 1)))
    arns.push_back(*arn);
  for (std::size_t index = 1; index <= arns.size(); ++index)
    if (call.find(fmt::format("Certificates.member.{}.IsDefault", index)))
      throw Refusal{400, "ValidationError", "The IsDefault parameter of a certificate cannot be specified"};
  return arns;
}

// A network load balancer takes RSA up to 3072 bits; its API accepts more, and the listener is then dead.
bool served_by(const std::string& protocol, const SimulatedServerCertificate& certificate) {
  return protocol != "TLS" || certificate.content.chain.leaf.public_key().type() != KeyType::rsa4096;
}

// The part of a sorted list of items that one page shows; `next` is where the following one begins.
template <class Item, class NameOf>
std::vector<const Item*> page_of(const std::vector<const Item*>& all, const QueryCall& call, NameOf name_of,
                                 std::string& next) {
  std::size_t page = call.page_size("PageSize", 400, 400);
  std::string from = item_of_marker(call.text("Marker"));
  std::vector<const Item*> shown;
  for (const Item* item : all) {
    if (name_of(*item) < from) continue;
    if (shown.size() == page) {
      next = name_of(*item);
      break;
    }
    shown.push_back(item);
  }
  return shown;
}

}  // namespace

http::Response LoadBalancers::handle(const http::Request& request, WallTime now) {
  return answer_query(world_, kElbV2, request, now, [&](const QueryCall& call, XmlWriter& result) -> Outcome {
    if (call.action() == "DescribeAccountLimits") return describe_limits(call, result);
    if (call.action() == "DescribeLoadBalancers") return describe(call, result);
    if (call.action() == "DescribeListeners") return describe_listeners(call, result);
    if (call.action() == "DescribeListenerCertificates") return describe_certificates(call, result);
    if (call.action() == "ModifyListener") return modify(call, result, now);
    if (call.action() == "AddListenerCertificates") return add_certificates(call, result, now);
    if (call.action() == "RemoveListenerCertificates") return remove_certificates(call, now);
    throw Refusal{400, "InvalidAction",
                  fmt::format("Could not find operation {} for version 2015-12-01", call.action())};
  });
}

// What is limited here, by the names of the real one's answer; its documentation lists others, and not these.
Outcome LoadBalancers::describe_limits(const QueryCall& call, XmlWriter& result) const {
  static const std::string of_application = "certificates-per-application-load-balancer",
                           of_network = "certificates-per-network-load-balancer";
  const std::string most = std::to_string(world_.settings().listed_certificate_quota);
  std::string next;
  result.open("Limits");
  for (const std::string* name :
       page_of<std::string>({&of_application, &of_network}, call, [](const std::string& item) { return item; }, next))
    result.open("member").text("Name", *name).text("Max", most).close();
  result.close();
  if (!next.empty()) result.text("NextMarker", page_marker(next));
  return {};
}

Outcome LoadBalancers::describe(const QueryCall& call, XmlWriter& result) const {
  auto arns = call.members("LoadBalancerArns"), names = call.members("Names");
  if (arns.size() > kDescribedAtOnce)
    throw Refusal{400, "ValidationError",
                  fmt::format("Up to {} load balancers can be described at a time, but {} were specified",
                              kDescribedAtOnce, arns.size())};
  std::vector<const SimulatedLoadBalancer*> found;
  std::size_t matched = 0;
  for (const auto& [name, balancer] : by_name) {
    if (!here(balancer.arn)) continue;
    bool asked_for =
        std::ranges::find(arns, balancer.arn) != arns.end() || std::ranges::find(names, name) != names.end();
    matched += asked_for;
    if (asked_for || (arns.empty() && names.empty())) found.push_back(&balancer);
  }
  if (matched < arns.size() + names.size())
    throw Refusal{400, "LoadBalancerNotFound",
                  arns.empty() ? fmt::format("Load balancers '[{}]' not found", fmt::join(names, ", "))
                               : "One or more load balancers not found"};
  std::string next;
  result.open("LoadBalancers");
  for (const auto* balancer : page_of(found, call, [](const auto& item) { return item.name; }, next))
    write_balancer(result, *balancer, world_.created());
  result.close();
  if (!next.empty()) result.text("NextMarker", page_marker(next));
  std::ranges::copy(arns, std::back_inserter(names));
  return {fmt::format("{}", fmt::join(names, ",")), false};
}

Outcome LoadBalancers::describe_listeners(const QueryCall& call, XmlWriter& result) const {
  std::string balancer_arn = call.text("LoadBalancerArn");
  auto arns = call.members("ListenerArns");
  if (balancer_arn.empty() == arns.empty())
    throw Refusal{400, "ValidationError", "Either listener ARNs or a load balancer ARN must be specified"};
  for (const auto& arn : arns) check_listener_arn(arn);
  std::vector<const SimulatedLoadBalancer::Entry*> found;
  bool balancer_known = false;
  for (const auto& [name, balancer] : by_name) {
    if (!here(balancer.arn)) continue;
    balancer_known = balancer_known || balancer.arn == balancer_arn;
    for (const auto& entry : balancer.listeners)
      if (balancer.arn == balancer_arn || std::ranges::find(arns, entry.arn) != arns.end()) found.push_back(&entry);
  }
  if (!balancer_arn.empty() && !balancer_known)
    throw Refusal{400, "LoadBalancerNotFound", fmt::format("Load balancer '{}' not found", balancer_arn)};
  if (found.size() < arns.size()) refuse_unknown_listener(fmt::format("{}", fmt::join(arns, ", ")));
  auto arn_of = [](const SimulatedLoadBalancer::Entry& entry) { return entry.arn; };
  std::ranges::sort(found, {}, [](const auto* entry) { return entry->arn; });
  std::string next;
  result.open("Listeners");
  for (const auto* entry : page_of(found, call, arn_of, next))
    write_listener(result, *entry, entry->listener.told(world_.now()));
  result.close();
  if (!next.empty()) result.text("NextMarker", page_marker(next));
  return {balancer_arn.empty() ? fmt::format("{}", fmt::join(arns, ",")) : balancer_arn, false};
}

Outcome LoadBalancers::describe_certificates(const QueryCall& call, XmlWriter& result) {
  const auto& entry = required_listener(call);
  std::size_t page = call.page_size("PageSize", 400, 400), written = 0;
  std::string from = item_of_marker(call.text("Marker")), next;
  // Each row's place: the default comes first, and once more where it is in the list too.
  std::vector<std::pair<std::string, bool>> rows;
  if (const std::string& told = entry.listener.told(world_.now()); !told.empty()) rows.emplace_back(told, true);
  for (const auto& arn : entry.sni) rows.emplace_back(arn, false);
  result.open("Certificates");
  for (std::size_t index = 0; index < rows.size(); ++index) {
    std::string place = fmt::format("{:06}", index);
    if (place < from) continue;
    if (written++ == page) {
      next = place;
      break;
    }
    write_certificate(result, rows[index].first, rows[index].second);
  }
  result.close();
  if (!next.empty()) result.text("NextMarker", page_marker(next));
  return {entry.arn, false};
}

Outcome LoadBalancers::modify(const QueryCall& call, XmlWriter& result, WallTime now) {
  auto& entry = required_listener(call);
  auto arns = certificates_in(call);
  for (const auto& [name, value] : call.parameters())
    if (!name.starts_with("Certificates.") && name != "Action" && name != "Version" && name != "ListenerArn")
      throw Refusal{400, "ValidationError",
                    fmt::format("This sandbox changes certificates of listeners alone, not {}", name)};
  if (arns.size() > 1)
    throw Refusal{400, "ValidationError", "You must specify exactly one certificate for the listener"};
  bool changed = false;
  if (!arns.empty()) {
    if (!entry.listener.secure())
      throw Refusal{400, "ValidationError",
                    fmt::format("A certificate cannot be specified for {} listeners", entry.listener.protocol)};
    require_visible(arns[0], now);
    std::string former = entry.listener.certificate;
    changed = former != arns[0];
    if (changed) {
      entry.listener.tell_from(now + world_.settings().described_after, now);
      entry.listener.bind(arns[0], shown_from(world_, now));
      entry.listener.dead = !served_by(entry.listener.protocol, *world_.server_certificates().by_arn(arns[0]));
      if (!former.empty()) world_.server_certificates().released(former, now);
    }
  }
  result.open("Listeners");
  write_listener(result, entry, entry.listener.certificate);
  result.close();
  return {entry.arn, changed};
}

Outcome LoadBalancers::add_certificates(const QueryCall& call, XmlWriter& result, WallTime now) {
  auto& entry = required_listener(call);
  auto arns = certificates_in(call);
  if (arns.empty()) throw Refusal{400, "ValidationError", "At least one certificate must be specified"};
  if (!entry.listener.secure())
    throw Refusal{400, "UnsupportedProtocol", "The specified protocol is not supported for certificates"};
  for (const auto& arn : arns) require_visible(arn, now);
  auto after = entry.sni;
  for (const auto& arn : arns)
    if (std::ranges::find(after, arn) == after.end()) after.push_back(arn);
  if (after.size() > world_.settings().listed_certificate_quota)
    throw Refusal{400, "TooManyCertificates",
                  "You've reached the limit on the number of certificates per load balancer"};
  bool changed = after != entry.sni;
  entry.sni = after;
  result.open("Certificates");
  for (const auto& arn : arns) write_certificate(result, arn, false);
  result.close();
  return {entry.arn, changed};
}

Outcome LoadBalancers::remove_certificates(const QueryCall& call, WallTime now) {
  auto& entry = required_listener(call);
  auto arns = certificates_in(call);
  if (arns.empty()) throw Refusal{400, "ValidationError", "At least one certificate must be specified"};
  for (const auto& arn : arns)
    if (arn == entry.listener.certificate && std::ranges::find(entry.sni, arn) == entry.sni.end())
      throw Refusal{400, "OperationNotPermitted", "Default certificate cannot be removed"};
  std::size_t removed = 0;
  for (const auto& arn : arns) {
    std::size_t count = std::erase(entry.sni, arn);
    if (count > 0 && arn != entry.listener.certificate) world_.server_certificates().released(arn, now);
    removed += count;
  }
  return {entry.arn, removed > 0};
}

SimulatedLoadBalancer& LoadBalancers::balancer(const std::string& name, const std::string& type,
                                               const std::string& id) {
  auto [found, added] = by_name.try_emplace(name);
  auto& balancer = found->second;
  if (!added) return balancer;
  const auto& settings = world_.settings();
  balancer.name = name;
  balancer.type = type;
  balancer.arn = fmt::format("arn:aws:elasticloadbalancing:{}:{}:loadbalancer/{}/{}/{}", settings.region,
                             settings.account, short_type(type), name, id);
  balancer.dns_name = type == "network" ? fmt::format("{}-{}.elb.{}.amazonaws.com", name, id, settings.region)
                                        : fmt::format("{}-{}.{}.elb.amazonaws.com", name,
                                                      2'000'000'000 + by_name.size(), settings.region);
  return balancer;
}

SimulatedLoadBalancer::Entry& LoadBalancers::add(const std::string& name, const std::string& certificate_arn,
                                                 const std::string& type, std::uint16_t port) {
  auto& balancer = this->balancer(name, type, fmt::format("50dc6c495c0c{:04x}", by_name.size() + 1));
  const std::string id = fmt::format("f2f7dc8efc{:02x}{:04x}", balancer.listeners.size() + 1, port);
  return add(balancer, listener_of(balancer.arn, id), port, certificate_arn);
}

SimulatedLoadBalancer::Entry& LoadBalancers::add_listener(const Arn& arn, const std::string& certificate_arn) {
  const auto parts = parts_of(arn.resource());
  if (parts.size() != 5 || parts[0] != "listener")
    throw Failure(Failure::Kind::refused, fmt::format("{} is no listener of a load balancer", quoted(arn.text())),
                  "Write arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener/app/NAME/ID/ID");
  auto& balancer = this->balancer(parts[2], parts[1] == "net" ? "network" : "application", parts[3]);
  balancer.arn = balancer_of(arn.text());
  // The ARN does not tell the port.
  const auto port = static_cast<std::uint16_t>(kFirstPort + balancer.listeners.size());
  return add(balancer, arn.text(), port, certificate_arn);
}

SimulatedLoadBalancer::Entry& LoadBalancers::add(SimulatedLoadBalancer& balancer, const std::string& listener_arn,
                                                 std::uint16_t port, const std::string& certificate_arn) {
  SimulatedLoadBalancer::Entry entry;
  entry.arn = listener_arn;
  entry.listener.port = port;
  entry.listener.protocol = balancer.type == "network" ? "TLS" : "HTTPS";
  entry.listener.certificate = entry.listener.shown = certificate_arn;
  return balancer.listeners.emplace_back(std::move(entry));
}

SimulatedLoadBalancer::Entry* LoadBalancers::listener(const std::string& arn) {
  for (auto& [name, balancer] : by_name)
    for (auto& entry : balancer.listeners)
      if (entry.arn == arn) return &entry;
  return nullptr;
}

SimulatedLoadBalancer::Entry& LoadBalancers::required_listener(const QueryCall& call) {
  std::string arn = call.required("ListenerArn");
  check_listener_arn(arn);
  auto* found = listener(arn);
  if (!found || !here(arn)) refuse_unknown_listener(arn);
  return *found;
}

bool LoadBalancers::here(const std::string& arn) const {
  return world_.asked_region().empty() || Arn::parse(arn).region() == world_.asked_region();
}

void LoadBalancers::require_visible(const std::string& certificate, WallTime now) const {
  if (!world_.server_certificates().visible(certificate, now))
    throw Refusal{400, "CertificateNotFound", fmt::format("Certificate '{}' not found", certificate)};
}

std::string LoadBalancers::user_of(const std::string& arn) const {
  if (arn.empty()) return "";
  for (const auto& [name, balancer] : by_name)
    for (const auto& entry : balancer.listeners)
      if (entry.listener.certificate == arn || std::ranges::find(entry.sni, arn) != entry.sni.end())
        return balancer.arn;
  return "";
}

}  // namespace certferry::sandbox
