#include "config/config.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "wire/url.h"

namespace certferry {

std::string Place::text() const { return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column); }

std::string InstallConfig::slot() const {
  struct {
    std::string operator()(const ElbInstall& elb) const {
      return fmt::format("elb/{}:{}", elb.load_balancer, elb.port);
    }
    std::string operator()(const ListenerInstall& listener) const { return "listener/" + listener.arn.text(); }
    std::string operator()(const FilesInstall& files) const { return "files/" + files.directory; }
  } name;
  return std::visit(name, where);
}

CertificateSpec Config::spec(const CertificateConfig& certificate) const {
  return CertificateSpec{sorted_names(certificate.domains), certificate.key_type, certificate.profile, ca.url};
}

bool is_letsencrypt(const CaConfig& ca) {
  return ca.url == directory_url("letsencrypt") || ca.url == directory_url("letsencrypt-staging");
}

std::optional<std::string> directory_url(const std::string& word) {
  // source: https://letsencrypt.org/docs/acme-protocol-updates/ and https://letsencrypt.org/docs/staging-environment/
  if (word == "letsencrypt") return "https://acme-v02.api.letsencrypt.org/directory";
  if (word == "letsencrypt-staging") return "https://acme-staging-v02.api.letsencrypt.org/directory";
  if (!word.starts_with("https://")) return {};
  try {
    Url::parse(word);
    return word;
  } catch (const Failure&) {
    return {};
  }
}

}  // namespace certferry
