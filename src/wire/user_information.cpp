#include "wire/user_information.h"

namespace certferry {

std::string without_user_information(std::string_view url) {
  const std::size_t at = url.rfind('@');  // a password may hold any of "@/?#", though it should not
  if (at == std::string_view::npos) return std::string{url};
  const std::size_t scheme_end = url.find("://");
  const std::size_t from = scheme_end < at ? scheme_end + 3 : 0;
  return std::string{url.substr(0, from)} + "***" + std::string{url.substr(at)};
}

}  // namespace certferry
