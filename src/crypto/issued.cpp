#include "crypto/issued.h"

#include <limits>

#include "base/failure.h"

namespace certferry {

Json to_json(const Issued& issued) {
  return Json::object({{"pem", issued.chain.pem()}, {"url", issued.url}, {"generation", issued.generation}});
}

template <>
Issued from_json<Issued>(const Json& json) {
  const std::int64_t generation = json.at("generation").as_integer();
  if (generation < 0 || generation > std::numeric_limits<int>::max())
    throw Failure(Failure::Kind::refused, "Reading an issued certificate's record: its generation is out of range",
                  "Restore the record from a backup of the store.");
  return {parse_chain(BytesView{json.at("pem").as_text()}), json.at("url").as_text(), static_cast<int>(generation)};
}

}  // namespace certferry
