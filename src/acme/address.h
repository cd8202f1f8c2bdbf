#pragma once

#include <string>
#include <string_view>

#include "wire/url.h"

namespace certferry::acme {

// Whether both are of one registered domain (of the same host where that is an address or a single label).
bool same_registered_domain(const Url& url, const Url& directory);

enum class Domain { of_the_directory, any };

// A URL that the CA gave, fit to be asked: https, and of the directory's registered domain unless any will do.
// Everything else could make us speak to hosts of somebody's choice. Throws Failure (refused) that says where it came
// from.
Url checked_url(std::string_view text, const Url& directory, std::string_view operation,
                Domain domain = Domain::of_the_directory);

}  // namespace certferry::acme
