#include "crypto/serving.h"

namespace certferry {
namespace {

std::optional<Chain> chain_at(const Json& json, std::string_view key) {
  const Json* pem = json.find(key);
  if (pem == nullptr || pem->is_null()) return {};
  return parse_chain(BytesView{pem->as_text()});
}

// A server goes on showing what it read before its slot was emptied: a handshake tells what the slot refers to only
// where something is there.
const Chain* referred_to(const Serving& serving) {
  if (serving.body) return &*serving.body;
  return serving.unreadable && serving.shown ? &*serving.shown : nullptr;
}

}  // namespace

bool Serving::shows(const Issued& issued) const {
  const Chain* referenced = referred_to(*this);
  return !damaged && referenced != nullptr && referenced->leaf == issued.chain.leaf &&
         (!shown || shown->leaf == issued.chain.leaf);
}

bool Serving::shows(const Fingerprint& wanted) const {
  const Chain* referenced = referred_to(*this);
  return !damaged && referenced != nullptr && referenced->leaf.fingerprint() == wanted &&
         (!shown || shown->leaf.fingerprint() == wanted);
}

Json to_json(const Serving& serving) {
  Json json = Json::object({{"reference", serving.reference},
                            {"ours", serving.ours},
                            {"unreadable", serving.unreadable},
                            {"note", serving.note}});
  if (serving.body) json["body"] = serving.body->pem();
  if (serving.shown) json["shown"] = serving.shown->pem();
  if (serving.damaged) json["damaged"] = true;
  return json;
}

template <>
Serving from_json<Serving>(const Json& json) {
  const Json* damaged = json.find("damaged");
  return {json.at("reference").as_text(),
          chain_at(json, "body"),
          chain_at(json, "shown"),
          json.at("ours").as_bool(),
          json.at("unreadable").as_bool(),
          json.at("note").as_text(),
          damaged != nullptr && damaged->as_bool()};
}

}  // namespace certferry
