#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace certferry {

// An absolute http or https URL (RFC 3986), kept byte for byte as it was given: ACME signs it.
class Url {
 public:
  // Throws Failure (refused): another scheme, user information, a fragment, control characters, a bad port, over 4 KiB.
  static Url parse(std::string_view text);

  const std::string& text() const { return text_; }
  bool secure() const { return secure_; }
  const std::string& host() const { return host_; }    // lower case; IPv6 without brackets
  std::uint16_t port() const { return port_; }         // the scheme's where none was given
  std::string origin() const;                          // "https://host:port", port only where not the scheme's
  std::string authority() const;                       // what a Host header says
  const std::string& path() const { return path_; }    // as given, "/" where empty, still encoded
  const std::string& query() const { return query_; }  // after "?", still encoded, "" where none
  auto operator<=>(const Url&) const = default;

 private:
  Url() = default;
  std::string text_, host_, path_, query_;
  std::uint16_t port_ = 0;
  bool secure_ = false;
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;
std::string percent_encoded(std::string_view text,
                            std::string_view keep = "-._~");        // RFC 3986 unreserved kept; upper-case hex
std::optional<std::string> percent_decoded(std::string_view text);  // empty on a broken escape; "+" stays
std::string form_encoded(const QueryParameters& parameters);        // a=b&c=d; blank as %20
QueryParameters parse_query(std::string_view query,
                            bool plus_is_blank = false);  // decoded; broken escapes kept as they are

}  // namespace certferry
