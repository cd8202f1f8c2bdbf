#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/hosted_zones.h"
#include "wire/xml.h"

namespace certferry::sandbox {

struct ZoneChange {
  std::string action;  // CREATE, DELETE, UPSERT
  ZoneRecordSet set;
};

// A ChangeResourceRecordSetsRequest, element by element in the order that the API reference gives. Throws Refusal
// (MalformedInput, InvalidInput).
struct ChangeBatch {
  std::string comment;
  std::vector<ZoneChange> changes;
};
ChangeBatch parse_change_batch(const std::string& body);

// What a zone's sets are after a batch; or, where any change is wrong, why, and nothing has changed.
struct BatchOutcome {
  RecordSets after;
  std::vector<std::string> messages;
};
BatchOutcome apply_batch(const SimulatedZone& zone, const std::vector<ZoneChange>& changes);

// The octets that a TXT value stands for: one or more quoted strings with one blank between them, escapes \" \\ and
// \ooo (octal). Empty where it is none such, or a string is over 255 octets.
std::optional<Bytes> txt_octets(std::string_view value);

// A name as callers write it ("\052.Example.com.") as we keep it, and the other way round: with a final dot, everything
// but a-z 0-9 - _ . as \ooo. Throws Refusal (InvalidInput) on a broken escape.
std::string kept_name(std::string_view written);
std::string written_name(std::string_view kept);
// Whether `name` is `zone` or below it.
bool name_within(std::string_view name, std::string_view zone);
// What listings sort by: labels from the last to the first, as ListResourceRecordSets describes.
std::string reversed_name(std::string_view kept);

}  // namespace certferry::sandbox
