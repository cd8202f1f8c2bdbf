#include "state/envelope.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

constexpr int envelope_format = 1;

Bytes octets_at(const Json& json, std::string_view key) {
  auto bytes = parse_base64(json.at(key).as_text());
  if (!bytes)
    throw Failure(Failure::Kind::refused, fmt::format("JSON: \"{}\" is no base64", key),
                  "Restore the secret as certferry wrote it");
  return std::move(*bytes);
}

}  // namespace

Bytes to_bytes(const Envelope& envelope) {
  Json json = Json::object({{"format", envelope_format},
                            {"sealing", envelope.sealing},
                            {"key", envelope.key},
                            {"sealed", base64(envelope.sealed)}});
  if (!envelope.key_arn.empty()) json["key_arn"] = envelope.key_arn;
  if (!envelope.data_key.empty()) json["data_key"] = base64(envelope.data_key);
  return json.dump();
}

std::string seal_of(BytesView text) {
  try {
    return Json::parse(text, "sealed secret", limits::store::value_longest).text("sealing").value_or("");
  } catch (const Failure&) {
    return "";
  }
}

Envelope parse_envelope(BytesView text, std::string_view sealing, std::string_view context) {
  const std::string what = fmt::format("sealed secret {}", context);
  Json json = Json::parse(text, what, limits::store::value_longest);
  require_format(json, envelope_format, what);
  try {
    Envelope envelope{.sealing = json.at("sealing").as_text(),
                      .key = json.at("key").as_text(),
                      .key_arn = json.text("key_arn").value_or(""),
                      .data_key = json.find("data_key") != nullptr ? octets_at(json, "data_key") : Bytes{},
                      .sealed = octets_at(json, "sealed")};
    if (envelope.sealing == sealing) return envelope;
    throw Failure(Failure::Kind::refused,
                  fmt::format("it was sealed by \"{}\", key {}, and is to be opened by \"{}\"",
                              quoted(envelope.sealing, 20), quoted(envelope.key, 300), sealing),
                  envelope.sealing == "kms"
                      ? "Let certferry ask AWS for that key: `certferry doctor` says what is missing"
                      : "Put the state back to where the store.key that sealed it is");
  } catch (const Failure& failure) {
    throw failure.within(what);
  }
}

}  // namespace certferry
