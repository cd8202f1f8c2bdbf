#include "crypto/shelved.h"

namespace certferry {

Json to_json(const Shelved& shelved) {
  return Json::object({{"shelf", shelved.shelf},
                       {"reference", shelved.reference},
                       {"name", shelved.name},
                       {"fingerprint", shelved.fingerprint.text()}});
}

template <>
Shelved from_json<Shelved>(const Json& json) {
  return {json.at("shelf").as_text(), json.at("reference").as_text(), json.at("name").as_text(),
          Fingerprint::parse(json.at("fingerprint").as_text())};
}

}  // namespace certferry
