#include "wire/json_names.h"

#include "base/failure.h"

namespace certferry {
namespace {

[[noreturn]] void refuse_record(const std::string& what) {
  throw Failure(Failure::Kind::refused, what,
                "Restore this record as certferry wrote it, or run the certferry version that wrote it");
}

// A member read strictly; what goes wrong inside is told with the member's name.
template <class T>
T strict_member(const Json& object, std::string_view key) {
  const Json& value = object.at(key);
  try {
    return from_json<T>(value);
  } catch (const Failure& failure) {
    throw failure.within("\"" + std::string{key} + "\"");
  }
}

std::string text_member(const Json& object, std::string_view key) {
  const Json& value = object.at(key);
  if (!value.is_string()) refuse_record("JSON: \"" + std::string{key} + "\" is not text");
  return value.as_text();
}

}  // namespace

Json to_json(const DomainName& name) { return name.text(); }

Json to_json(WallTime time) { return iso8601(time); }

Json to_json(const CertificateSpec& spec) {
  Json names = Json::array();
  for (const DomainName& domain : spec.names) names.push_back(to_json(domain));
  return Json::object(
      {{"names", names}, {"key_type", name(spec.key_type)}, {"profile", spec.profile}, {"directory", spec.directory}});
}

Json to_json(const ChallengeRecord& record) {
  return Json::object({{"domain", to_json(record.domain)}, {"value", record.value}});
}

Json to_json(const KeyRef& ref) {
  return Json::object(
      {{"certificate", to_json(ref.certificate)}, {"generation", ref.generation}, {"public_key", ref.public_key}});
}

template <>
DomainName from_json<DomainName>(const Json& json) {
  return DomainName::parse(json.as_text());
}

template <>
WallTime from_json<WallTime>(const Json& json) {
  auto time = parse_iso8601(json.as_text());
  if (!time) refuse_record("JSON: \"" + quoted(json.as_text(), 60) + "\" is no time");
  return *time;
}

template <>
CertificateSpec from_json<CertificateSpec>(const Json& json) {
  CertificateSpec spec;
  for (const Json& domain : json.at("names").as_array()) spec.names.push_back(from_json<DomainName>(domain));
  std::string key_type = text_member(json, "key_type");
  auto known = parse_key_type(key_type);
  if (!known) refuse_record("JSON: \"" + quoted(key_type, 60) + "\" is no key type");
  spec.key_type = *known;
  spec.profile = text_member(json, "profile");
  spec.directory = text_member(json, "directory");
  return spec;
}

template <>
ChallengeRecord from_json<ChallengeRecord>(const Json& json) {
  return {.domain = strict_member<DomainName>(json, "domain"), .value = text_member(json, "value")};
}

template <>
KeyRef from_json<KeyRef>(const Json& json) {
  std::int64_t generation = json.at("generation").as_integer();
  if (generation < 0 || generation > 1'000'000'000) refuse_record("JSON: \"generation\" is out of range");
  return {.certificate = strict_member<CertificateId>(json, "certificate"),
          .generation = static_cast<int>(generation),
          .public_key = text_member(json, "public_key")};
}

template <>
OrderUrl from_json<OrderUrl>(const Json& json) {
  return OrderUrl::parse(json.as_text());
}

template <>
HostedZoneId from_json<HostedZoneId>(const Json& json) {
  return HostedZoneId::parse(json.as_text());
}

template <>
ChangeId from_json<ChangeId>(const Json& json) {
  return ChangeId::parse(json.as_text());
}

template <>
CertificateId from_json<CertificateId>(const Json& json) {
  return CertificateId::parse(json.as_text());
}

template <>
Fingerprint from_json<Fingerprint>(const Json& json) {
  return Fingerprint::parse(json.as_text());
}

}  // namespace certferry
