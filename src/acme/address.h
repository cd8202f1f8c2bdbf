#pragma once

#include <string>
#include <string_view>

#include "wire/url.h"

namespace certferry::acme {

// A URL that the CA gave, fit to be asked: https, and of the directory's registered domain (the same host where that is
// an address or a single label). Everything else could make us speak to hosts of somebody's choice. Throws Failure
// (refused) that says where it came from.
Url checked_url(std::string_view text, const Url& directory, std::string_view operation);

}  // namespace certferry::acme
