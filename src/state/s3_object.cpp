#include "state/s3_object.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/s3.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry {
namespace {

// What JSON gives back octet for octet whoever writes it.
bool plain_text(BytesView value) {
  return std::ranges::all_of(value, [](char octet) { return (octet >= ' ' && octet <= '~') || octet == '\n'; });
}

// Whether it is such text, and no longer with its quotes escaped than base64 would be.
bool short_as_text(BytesView value) {
  const auto escaped = static_cast<std::size_t>(
      std::ranges::count_if(value, [](char octet) { return octet == '"' || octet == '\\' || octet == '\n'; }));
  return plain_text(value) && escaped <= value.size() / 3;
}

}  // namespace

Bytes to_bytes(const S3Body& body) {
  Json json = Json::object({{"token", body.token}});
  if (short_as_text(body.value))
    json["value"] = body.value;
  else
    json["base64"] = base64(body.value);
  return json.dump();
}

S3Body parse_s3_body(BytesView body, const std::string& at) {
  Json json = Json::parse(body, at, limits::s3::object_longest);
  auto token = json.text("token");
  auto text = json.text("value");
  auto encoded = json.text("base64");
  std::optional<Bytes> value = text ? text : encoded ? parse_base64(*encoded) : std::nullopt;
  if (!token || !value)
    throw Failure(Failure::Kind::refused, fmt::format("{}: no object that certferry stored", at),
                  "Give `store` a prefix of its own");
  return {.token = std::move(*token), .value = std::move(*value)};
}

std::string s3_prefix(std::string prefix) {
  while (prefix.ends_with('/')) prefix.pop_back();
  return prefix.empty() ? prefix : prefix + "/";
}

}  // namespace certferry
