#include "deploy/examination.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

#include "aws/elbv2.h"
#include "aws/iam.h"
#include "base/failure.h"
#include "base/limits/elb.h"
#include "config/keys_taken.h"
#include "deploy/iam_shelf.h"
#include "deploy/reloads.h"
#include "wire/host_port.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

// What is served now, in a few words.
std::string served_text(const Serving& serving) {
  const Chain* chain = serving.certificate();
  if (serving.empty()) return "serves nothing yet";
  if (chain == nullptr) return fmt::format("serves {}, which cannot be read", quoted(serving.reference, 300));
  return fmt::format("serves a certificate until {}", iso8601(chain->leaf.not_after()));
}

// The account whose certificate is served where that is another one than the shelf's; "" where it is not.
std::string other_account(const Serving& serving, Target& target) {
  const auto ours = IamShelf::account_in(target.shelf().id());
  const auto theirs = server_certificate_account(serving.reference);
  return ours && theirs && *ours != *theirs ? *theirs : "";
}

// What would let us read what is there.
std::string reading_takes(const InstallConfig& install, const Serving& serving, Target& target) {
  const std::string until = serving.ours ? "it is ours, and gives way to the next one unread, if that is trusted"
                                         : "until then it counts as trusted, and keeps its place";
  if (const auto* files = std::get_if<FilesInstall>(&install.where)) {
    const std::string link = files->directory + "/live";
    const bool leads_there = serving.reference != link;
    return fmt::format("Let certferry read {}, or {} {}; {}", quoted(serving.reference, 300),
                       leads_there ? "remove the link" : "move away", quoted(link, 300),
                       leads_there ? "what it leads to stays; " + until : until);
  }
  if (const std::string account = other_account(serving, target); !account.empty())
    return fmt::format(
        "Run certferry with credentials of account {}, or name a `role` of it in [[certificate.install]]; {}", account,
        until);
  if (serving.reference.contains(":iam:")) return "Allow iam:GetServerCertificate on it; " + until;
  return "Open its port to this machine, that a handshake may show it (none is made where verify is \"api\"): here "
         "certificates are read in IAM alone; " +
         until;
}

// What to write where a name means other machines, too.
std::string only_here(const FilesInstall& files) {
  const auto place = parse_host_port(files.connect, HostPort{}.port);
  return fmt::format("Write connect = \"localhost:{}\", unless they are a load balancer's before this machine alone",
                     place ? place->port : HostPort{}.port);
}

// Why no certificate could be put there; empty where, as far as can be seen, one could.
Task<std::optional<Failure>> no_place_at(Target& target) {
  try {
    co_await target.require_place();
  } catch (const Failure& failure) {
    co_return failure;
  }
  co_return std::nullopt;
}

std::string list_subject(const std::string& load_balancer) { return "certificate list of " + load_balancer; }

Task<Finding> examine_list(aws::ElbV2 elb, Arn load_balancer, int most) {
  const auto there = co_await elb.load_balancer(load_balancer);
  std::set<std::string> listed;
  for (const aws::Listener& listener : co_await elb.listeners(load_balancer))
    for (const std::string& certificate : co_await elb.certificates(listener.arn))
      if (certificate != listener.certificate) listed.insert(certificate);
  const std::string name = there ? there->name : load_balancer.text();
  Finding finding{Verdict::green, "quota", list_subject(name),
                  fmt::format("{} of {} besides the default ones, which certferry replaces and which do not count",
                              listed.size(), most),
                  ""};
  if (std::cmp_less(listed.size(), most)) co_return finding;
  finding.verdict = Verdict::yellow;
  finding.found += ": it is full, and takes no further one";
  finding.next = "Take certificates that no name needs off its listeners, or ask AWS for a higher quota";
  co_return finding;
}

// The load balancer of a listener, as its ARN tells: …:loadbalancer/app/web/50dc… of …:listener/app/web/50dc…/f2f7…
Arn load_balancer_of(const Arn& listener) {
  std::string text = listener.text().substr(0, listener.text().rfind('/'));
  constexpr std::string_view word = ":listener/";
  const auto at = text.find(word);
  return Arn::parse(at == std::string::npos ? text : text.replace(at, word.size(), ":loadbalancer/"));
}

}  // namespace

Task<std::vector<Finding>> examine_target(Deployment& deployment, Host& host, const CertificateConfig& certificate,
                                          const InstallConfig& install) {
  Target* target = co_await deployment.target(certificate, install);
  const Serving serving = co_await target->look();
  std::vector<Finding> findings;
  const auto tell = [&](Verdict verdict, std::string found, std::string next = "") {
    findings.push_back({verdict, "target", target->name(), std::move(found), std::move(next)});
  };
  const std::string key{name(certificate.key_type)};
  if (!takes(install, certificate.key_type))
    tell(Verdict::red, fmt::format("does not take {}: it takes {}", key, keys_taken(install)),
         "Write key = \"p256\", or \"rsa2048\" where old clients need RSA");
  const auto* files = std::get_if<FilesInstall>(&install.where);
  if (const auto why = co_await no_place_at(*target)) {
    tell(Verdict::red, why->what(), why->next());
    const auto unfit = files != nullptr ? co_await unfit_reload(host, files->reload) : std::nullopt;
    if (unfit && !std::string_view{why->what()}.ends_with(unfit->what()))
      tell(Verdict::red, unfit->what(), unfit->next());
  }
  if (serving.damaged)
    tell(Verdict::yellow, fmt::format("what it serves is damaged: {}", serving.note),
         "Run `certferry apply`: it puts there again what it issued last");
  else if (!serving.empty() && serving.certificate() == nullptr)
    tell(Verdict::yellow, fmt::format("{} ({})", served_text(serving), serving.note),
         reading_takes(install, serving, *target));
  if (std::string doubt = target->doubt(); !doubt.empty() && files != nullptr)
    tell(Verdict::yellow, std::move(doubt), only_here(*files));
  if (findings.empty()) tell(Verdict::green, fmt::format("{}; takes {}", served_text(serving), key));
  co_return findings;
}

Task<Finding> examine_iam_quota(aws::Client& client, int certificates) {
  const aws::CertificateQuota quota = co_await aws::Iam{client}.quota();
  const int free = quota.most - quota.used;
  Finding finding{Verdict::green, "quota", "IAM server certificates",
                  fmt::format("{} of {}: room for {} more", quota.used, quota.most, std::max(free, 0)), ""};
  if (free >= certificates) co_return finding;
  finding.verdict = free <= 0 ? Verdict::red : Verdict::yellow;
  finding.found += fmt::format(", and {} are configured: each needs a free place to be renewed", certificates);
  finding.next = "Delete server certificates that nothing uses, or ask AWS for a higher quota";
  co_return finding;
}

Task<std::vector<Finding>> examine_certificate_lists(std::function<aws::Client&(std::string)> client_in,
                                                     std::vector<Arn> listeners) {
  std::set<Arn> load_balancers;
  for (const Arn& listener : listeners) load_balancers.insert(load_balancer_of(listener));
  std::map<std::string, std::map<std::string, int>> limits;  // by region
  std::vector<Finding> findings;
  for (const Arn& load_balancer : load_balancers) {
    const std::string region{load_balancer.region()};
    aws::ElbV2 elb{client_in(region)};
    if (!limits.contains(region)) limits[region] = co_await elb.account_limits();
    const bool network = load_balancer.resource().starts_with("loadbalancer/net/");
    const auto limit = limits[region].find(network ? "certificates-per-network-load-balancer"
                                                   : "certificates-per-application-load-balancer");
    const int most = limit == limits[region].end() ? limits::elb::certificates_per_load_balancer : limit->second;
    findings.push_back(co_await examine_list(elb, load_balancer, most));
  }
  co_return findings;
}

}  // namespace certferry
