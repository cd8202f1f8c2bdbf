#include "bytes_oracle.h"

#include <exception>
#include <fmt/format.h>
#include <stdexcept>
#include <vector>

#include "base/failure.h"
#include "plan/record.h"
#include "state/envelope.h"
#include "state/index.h"
#include "state/journal.h"
#include "state/shelf_ledger.h"
#include "state/zone_ledger.h"

namespace certferry::simulation {
namespace {

constexpr std::size_t prefix_stride = 7919;  // a prime: over many writes, every place of a value is cut at

// parsed: where that is known, the JSON that `bytes` are.
void read_as_the_product_does(const StoredChange& at, BytesView bytes, const Json& parsed = {}) {
  if (at.is_journal())
    parse_journal(bytes, at.key);
  else if (at.is_record())
    static_cast<void>(parsed.is_null() ? from_json<Record>(Json::parse(bytes, at.key)) : from_json<Record>(parsed));
  else if (at.is_secret())
    parse_envelope(bytes, Json::parse(bytes, at.key).at("sealing").as_text(), at.key);
  else if (at.key.starts_with("zone/"))
    parse_zone_ledger(bytes, at.key);
  else if (at.key.starts_with("shelf/"))
    parse_shelf_ledger(bytes, at.key);
  else if (at.key.starts_with("index/"))
    parse_index_shard(bytes, at.key);
  else if (at.key.starts_with("account/"))
    Json::parse(bytes, at.key);
  else if (at.key.contains('/') && !at.key.starts_with("instance/"))  // a heartbeat's being there is all that is read
    throw std::logic_error("of a kind that nobody reads");
}

}  // namespace

void BytesOracle::changed(const StoredChange& change) {
  if (change.value == nullptr || change.value->empty()) return;
  const Bytes& value = *change.value;
  std::vector<std::size_t> lengths;
  if (step_ > 0) {
    for (std::size_t length = tried_ % step_; length < value.size(); length += step_) lengths.push_back(length);
  } else if (heard_++ % writes_ == 0) {
    lengths.push_back(heard_ * prefix_stride % value.size());
  }
  try {
    read_as_the_product_does(change, value, change.after);
  } catch (const std::exception& thrown) {
    const bool derived = change.key.starts_with("index/");  // what another version wrote there costs a read, no more
    if (!derived || dynamic_cast<const Failure*>(&thrown) == nullptr)
      complain_(fmt::format("journal: {} cannot be read back: {}", change.key, thrown.what()));
  }
  for (const std::size_t length : lengths) {
    ++tried_;
    try {
      read_as_the_product_does(change, BytesView{value}.substr(0, length));
    } catch (const Failure& failure) {
      if (failure.kind() != Failure::Kind::refused)
        complain_(
            fmt::format("journal: {} cut after {} octets is not refused: {}", change.key, length, failure.what()));
    } catch (const std::exception& thrown) {
      complain_(fmt::format("journal: {} cut after {} octets: {}", change.key, length, thrown.what()));
    }
  }
}

}  // namespace certferry::simulation
