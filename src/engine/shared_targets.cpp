#include "engine/shared_targets.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "config/misconfigured.h"

namespace certferry {
namespace {

constexpr int links_most = 40;  // as the kernel follows

// An absolute path with every link in it followed, as far as it is there; as it is written where links go in circles.
Task<Path> real_path(Host& host, const Path& written) {
  Path done, rest = written;
  for (int links = 0; links < links_most;) {
    const auto from = rest.find_first_not_of('/');
    if (from == Path::npos) co_return done;
    const auto end = std::min(rest.find('/', from), rest.size());
    const Path part = rest.substr(from, end - from), here = done + "/" + part;
    rest.erase(0, end);
    if (part == ".") continue;
    if (part == "..") {
      done.erase(std::min(done.rfind('/'), done.size()));
    } else if (const auto target = co_await host.link_target(here)) {
      rest.insert(0, target->starts_with('/') ? *target : done + "/" + *target);
      done.clear();
      ++links;
    } else {
      done = here;
    }
  }
  co_return written;
}

// What is the same for two installs that are one target.
Task<std::string> identity(Host& host, const InstallConfig& install, const ObservedTarget& seen) {
  const auto* files = std::get_if<FilesInstall>(&install.where);
  if (!files) co_return seen.id;
  try {
    co_return co_await real_path(host, files->directory);
  } catch (const Failure&) {
    // A directory on the way that we may not read: whether it is a link is not known.
  }
  co_return files->directory;
}

struct Claimed {
  const CertificateConfig* certificate;
  const InstallConfig* install;
};

Misconfigured shared(const Claimed& first, const Claimed& second, const std::string& name) {
  const bool same = first.certificate == second.certificate;
  const std::string place = first.install->place.text();
  const std::string what =
      same ? fmt::format("{} stands at {} already", name, place)
           : fmt::format("{} serves certificate \"{}\" already, at {}", name, first.certificate->id.text(), place);
  return Misconfigured{Failure{Failure::Kind::refused, what,
                               same ? "Leave one of the two away" : "Leave it in one certificate: a slot serves one"}
                           .within(second.install->place.text())};
}

Task<std::vector<Misconfigured>> shared_targets(Host& host, const Config& config,
                                                const std::vector<ObservedCertificate>& seen) {
  std::vector<Misconfigured> all;
  std::map<std::string, Claimed> taken;
  for (const ObservedCertificate& one : seen) {
    const auto certificate = std::ranges::find(config.certificates, one.id, &CertificateConfig::id);
    if (certificate == config.certificates.end()) continue;
    for (std::size_t i = 0; i < certificate->install.size(); ++i) {  // targets stand in their order
      const InstallConfig& install = certificate->install[i];
      if (!one.targets[i].serving) continue;
      const Claimed claimed{&*certificate, &install};
      const auto [first, fresh] = taken.emplace(co_await identity(host, install, one.targets[i]), claimed);
      if (!fresh) all.push_back(shared(first->second, claimed, one.targets[i].name));
    }
  }
  co_return all;
}

// As far as it is needed to compare them.
Task<ObservedTarget> known(Deployment& deployment, const CertificateConfig& certificate, const InstallConfig& install) {
  ObservedTarget target{.id = install.slot(), .name = name_of(install), .serving = {}, .trouble = {}, .remedy = {}};
  try {
    Target* there = co_await deployment.target(certificate, install);
    target.id = there->id();
    target.name = there->name();
    target.serving.emplace();
  } catch (const Failure&) {
    // It has its own finding.
  }
  co_return target;
}

}  // namespace

Task<> refuse_shared_targets(Host& host, const Config& config, const std::vector<ObservedCertificate>& seen) {
  const auto shared = co_await shared_targets(host, config, seen);
  if (!shared.empty()) throw Misconfigured{shared.front()};
}

Task<Findings> examine_shared_targets(Host& host, Deployment& deployment, const Config& config) {
  std::vector<ObservedCertificate> seen;
  for (const CertificateConfig& certificate : config.certificates) {
    seen.push_back(ObservedCertificate{certificate.id, config.spec(certificate), {}, {}});
    for (const InstallConfig& install : certificate.install)
      seen.back().targets.push_back(co_await known(deployment, certificate, install));
  }
  Findings findings;
  for (const Misconfigured& one : co_await shared_targets(host, config, seen))
    findings.push_back({Finding::Verdict::red, "target", "targets", one.what(), one.next()});
  co_return findings;
}

}  // namespace certferry
