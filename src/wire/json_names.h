#pragma once

#include "base/certificate_spec.h"
#include "base/challenge_record.h"
#include "base/key_ref.h"
#include "base/names.h"
#include "base/time.h"
#include "wire/json.h"

namespace certferry {

// The ground's own words as JSON: names as text, times as RFC 3339, specifications and references as objects.
Json to_json(const DomainName&);
Json to_json(WallTime);
Json to_json(const CertificateSpec&);
Json to_json(const ChallengeRecord&);
Json to_json(const KeyRef&);
template <class Tag>
Json to_json(const Word<Tag>& word) {
  return word.text();
}

template <>
DomainName from_json<DomainName>(const Json&);
template <>
WallTime from_json<WallTime>(const Json&);
template <>
CertificateSpec from_json<CertificateSpec>(const Json&);
template <>
ChallengeRecord from_json<ChallengeRecord>(const Json&);
template <>
KeyRef from_json<KeyRef>(const Json&);
template <>
OrderUrl from_json<OrderUrl>(const Json&);
template <>
HostedZoneId from_json<HostedZoneId>(const Json&);
template <>
ChangeId from_json<ChangeId>(const Json&);
template <>
CertificateId from_json<CertificateId>(const Json&);
template <>
Fingerprint from_json<Fingerprint>(const Json&);

}  // namespace certferry
