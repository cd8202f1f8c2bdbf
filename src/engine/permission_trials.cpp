#include "engine/permission_trials.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <string_view>

#include "aws/access_denied.h"
#include "aws/elb.h"
#include "aws/elbv2.h"
#include "aws/iam.h"
#include "aws/route53.h"
#include "base/failure.h"
#include "base/limits/route53.h"
#include "state/random_token.h"

namespace certferry {
namespace {

using End = Trial::End;

constexpr auto denials =
    std::to_array<std::string_view>({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"});
// Said of what is not there, or does not fit, to somebody whom IAM let in.
constexpr auto proofs =
    std::to_array<std::string_view>({"InvalidChangeBatch", "NoSuchChange", "NoSuchHostedZone", "NoSuchEntity",
                                     "LoadBalancerNotFound", "ListenerNotFound", "CertificateNotFound"});
constexpr std::uint16_t highest_port = 65535;

Task<End> end_of(Work call) {
  try {
    co_await call();
    co_return End::allowed;
  } catch (const Failure& failure) {
    const auto is = [&](std::string_view code) { return failure.code() == code; };
    if (std::ranges::any_of(denials, is))
      co_return aws::denies_explicitly(failure.what()) ? End::forbidden : End::denied;
    if (std::ranges::any_of(proofs, is)) co_return End::allowed;
  }
  co_return End::untold;
}

// What stands behind the last slash: "Z0123" of "arn:aws:route53:::hostedzone/Z0123".
std::string last_part(const std::string& arn) { return arn.substr(arn.rfind('/') + 1); }

bool is_pattern(const std::string& resource) { return resource.contains('*'); }

std::uint16_t unused_port(const aws::ClassicLoadBalancer& balancer) {
  std::uint16_t port = highest_port;
  while (std::ranges::find(balancer.listeners, port, &aws::ClassicLoadBalancer::Listener::port) !=
         balancer.listeners.end())
    --port;
  return port;
}

class Trier {
 public:
  Trier(Outside& outside, const PolicyOwner& owner)
      : owner_(owner), absent_("certferry-" + random_token(outside.entropy)) {}

  Task<End> attempt(const std::string& action, const std::string& resource) {
    const auto found = std::ranges::find(attempts, action, &Attempt::action);
    if (found == attempts.end()) co_return End::untold;
    co_return co_await (this->*found->how)(resource);
  }

 private:
  struct Attempt {
    std::string_view action;
    Task<End> (Trier::*how)(const std::string& resource);
  };
  static const std::array<Attempt, 13> attempts;

  Task<End> list_zones(const std::string&) {
    co_return co_await end_of([this]() -> Task<> { co_await aws::Route53{client()}.zones(); });
  }
  Task<End> get_zone(const std::string&) {
    const HostedZoneId nobodys = HostedZoneId::parse("Z00000000000000000000");
    co_return co_await end_of([&]() -> Task<> { co_await aws::Route53{client()}.name_servers(nobodys); });
  }
  Task<End> list_record_sets(const std::string& zone) {
    if (is_pattern(zone)) co_return End::untold;
    co_return co_await end_of([&]() -> Task<> {
      co_await aws::Route53{client()}.record_sets(HostedZoneId::parse(last_part(zone)), absent_, "TXT");
    });
  }
  Task<End> change_record_sets(const std::string& zone);
  Task<End> get_change(const std::string&) {
    const ChangeId nobodys = ChangeId::parse("C00000000000000000000");
    co_return co_await end_of([&]() -> Task<> { co_await aws::Route53{client()}.get_change(nobodys); });
  }

  Task<End> get_certificate(const std::string&) {
    co_return co_await end_of([this]() -> Task<> { co_await aws::Iam{client()}.get(absent_); });
  }
  Task<End> delete_certificate(const std::string&) {
    const End end = co_await end_of([this]() -> Task<> { co_await aws::Iam{client()}.remove(absent_); });
    co_return end == End::allowed ? end : End::untold;
  }

  Task<End> describe_load_balancers(const std::string&) {
    co_return co_await end_of([this]() -> Task<> { co_await aws::Elb{client_at(a_listener())}.describe(absent_); });
  }
  Task<End> describe_listeners(const std::string&) {
    const Arn listener = a_listener();
    co_return co_await end_of([&]() -> Task<> { co_await aws::ElbV2{client_at(listener)}.listener(listener); });
  }
  Task<End> describe_certificates(const std::string&) {
    const Arn listener = a_listener();
    co_return co_await end_of([&]() -> Task<> { co_await aws::ElbV2{client_at(listener)}.certificates(listener); });
  }
  Task<End> bind_classic(const std::string& balancer);
  Task<End> modify_listener(const std::string& listener) {
    if (is_pattern(listener)) co_return End::untold;
    const Arn arn = Arn::parse(listener);
    co_return co_await end_of([&]() -> Task<> { co_await aws::ElbV2{client_at(arn)}.modify_nothing(arn); });
  }
  Task<End> remove_from_list(const std::string& listener) {
    if (is_pattern(listener)) co_return End::untold;
    const Arn arn = Arn::parse(listener);
    co_return co_await end_of(
        [&]() -> Task<> { co_await aws::ElbV2{client_at(arn)}.remove_certificate(arn, nobodys()); });
  }

  aws::Client& client() const { return owner_.client(""); }
  aws::Client& client_at(const Arn& resource) const {
    const std::string region{resource.region()};
    return owner_.client(is_pattern(region) ? "" : region);
  }
  std::string nobodys() const;  // the ARN of a server certificate that does not exist
  // One that the owner binds, or else one that is not there.
  Arn a_listener() const;

  const PolicyOwner& owner_;
  std::string absent_;  // the name of nothing that exists
};

const std::array<Trier::Attempt, 13> Trier::attempts{{
    {"route53:ListHostedZones", &Trier::list_zones},
    {"route53:GetHostedZone", &Trier::get_zone},
    {"route53:ListResourceRecordSets", &Trier::list_record_sets},
    {"route53:ChangeResourceRecordSets", &Trier::change_record_sets},
    {"route53:GetChange", &Trier::get_change},
    {"iam:GetServerCertificate", &Trier::get_certificate},
    {"iam:DeleteServerCertificate", &Trier::delete_certificate},
    {"elasticloadbalancing:DescribeLoadBalancers", &Trier::describe_load_balancers},
    {"elasticloadbalancing:DescribeListeners", &Trier::describe_listeners},
    {"elasticloadbalancing:DescribeListenerCertificates", &Trier::describe_certificates},
    {"elasticloadbalancing:SetLoadBalancerListenerSSLCertificate", &Trier::bind_classic},
    {"elasticloadbalancing:ModifyListener", &Trier::modify_listener},
    {"elasticloadbalancing:RemoveListenerCertificates", &Trier::remove_from_list},
}};

std::string Trier::nobodys() const {
  const Arn us = Arn::parse(owner_.principal);
  return fmt::format("arn:{}:iam::{}:server-certificate/certferry/{}", us.partition(), us.account(), absent_);
}

Arn Trier::a_listener() const {
  for (const PolicyStatement& statement : owner_.policy.statements)
    for (const std::string& resource : statement.resources)
      if (resource.contains(":listener/") && !is_pattern(resource)) return Arn::parse(resource);
  const Arn us = Arn::parse(owner_.principal);
  return Arn::parse(
      fmt::format("arn:{}:elasticloadbalancing:{}:{}:listener/app/certferry/0000000000000000/0000000000000000",
                  us.partition(), client().region(), us.account()));
}

// All names that the owner writes in this zone; refused as a whole where one may not be written.
Task<End> Trier::change_record_sets(const std::string& zone) {
  if (is_pattern(zone)) co_return End::untold;
  const HostedZoneId id = HostedZoneId::parse(last_part(zone));
  std::set<std::string> names;
  for (const PlacedChallenge& place : owner_.challenges)
    if (std::ranges::find(place.zones, id) != place.zones.end()) names.insert(place.written.text());
  std::vector<aws::Change> changes;
  End end = End::untold;
  for (auto name = names.begin(); name != names.end();) {
    changes.push_back({aws::Change::Action::remove,
                       {.name = *name,
                        .type = "TXT",
                        .ttl = limits::route53::challenge_ttl,
                        .values = {aws::txt_quoted(absent_)},
                        .set_identifier = {},
                        .other = {}}});
    if (++name != names.end() && changes.size() < limits::route53::batch_records / 2) continue;
    end = co_await end_of([&]() -> Task<> {
      co_await aws::Route53{client()}.change(id, changes, "certferry doctor: asks whether it would be let in");
    });
    if (end != End::allowed) co_return end;
    changes.clear();
  }
  co_return end;
}

Task<End> Trier::bind_classic(const std::string& balancer) {
  const Arn arn = Arn::parse(balancer);
  const std::string name = last_part(balancer);
  aws::Elb elb{client_at(arn)};
  std::uint16_t port = 0;
  const End seen = co_await end_of([&]() -> Task<> {
    const auto found = co_await elb.describe(name);
    port = found ? unused_port(*found) : highest_port;
  });
  if (seen != End::allowed) co_return End::untold;
  co_return co_await end_of([&]() -> Task<> { co_await elb.set_certificate(name, port, nobodys()); });
}

}  // namespace

Task<std::vector<Trial>> try_statement(Outside& outside, const PolicyOwner& owner, PolicyStatement statement) {
  Trier trier{outside, owner};
  std::vector<Trial> trials;
  for (const std::string& action : statement.actions)
    for (const std::string& resource : statement.resources)
      trials.push_back({co_await trier.attempt(action, resource), action, fmt::format("{} on {}", action, resource)});
  co_return trials;
}

}  // namespace certferry
