#include "acme/address.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/names.h"

namespace certferry::acme {
namespace {

// Empty for an address and for a single label, which are no part of any domain.
std::string domain_of(const Url& url) {
  try {
    const DomainName name = DomainName::parse(url.host());
    return name.parent() ? registered_domain(name).text() : "";
  } catch (const Failure&) {
    return "";
  }
}

}  // namespace

bool same_registered_domain(const Url& url, const Url& directory) {
  if (url.host() == directory.host()) return true;
  const std::string domain = domain_of(directory);
  return !domain.empty() && domain_of(url) == domain;
}

Url checked_url(std::string_view text, const Url& directory, std::string_view operation, Domain domain) {
  const auto refuse = [&](std::string_view why) {
    return Failure(Failure::Kind::refused,
                   fmt::format("{}: the CA at {} gave the URL \"{}\", which {}", operation, quoted(directory.host()),
                               quoted(text, 200), why),
                   "Check [ca] directory; a CA's URLs are https and of its directory's domain");
  };
  std::optional<Url> url;
  try {
    url = Url::parse(text);
  } catch (const Failure&) {
    throw refuse("is none");
  }
  if (!url->secure()) throw refuse("is not https");
  if (domain == Domain::of_the_directory && !same_registered_domain(*url, directory))
    throw refuse("is of another domain");
  return *url;
}

}  // namespace certferry::acme
