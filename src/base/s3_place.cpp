#include "base/s3_place.h"

namespace certferry {
namespace {

constexpr std::string_view s3_scheme = "s3://";

}  // namespace

bool in_s3(std::string_view place) { return place.starts_with(s3_scheme); }

std::optional<S3Place> S3Place::parse(std::string_view text) {
  if (!in_s3(text)) return std::nullopt;
  text.remove_prefix(s3_scheme.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return S3Place{std::string{text}, ""};
  return S3Place{std::string{text.substr(0, slash)}, std::string{text.substr(slash + 1)}};
}

std::string S3Place::prefix() const { return key.empty() || key.ends_with('/') ? key : key + "/"; }

}  // namespace certferry
