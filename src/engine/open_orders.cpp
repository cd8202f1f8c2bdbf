#include "engine/open_orders.h"

#include <fmt/format.h>
#include <vector>

#include "base/failure.h"
#include "state/journal.h"
#include "state/records.h"

namespace certferry {
namespace {

std::optional<OrderUrl> order_in(const JournalView& journal) {
  const Json* step = journal.steps.find("order");
  const Json* url = step ? step->find("value") : nullptr;
  if (!url || !url->is_string()) return {};
  return OrderUrl::parse(url->as_text());
}

bool asks_for_an_order(const JournalView& journal) {
  const Json* step = journal.steps.find("order");
  return step && step->text("state") == "intended";
}

// Those that other certificates' open generations go on with, at the same CA. Failure: transient where one of them may
// have an order that it does not know yet: its intent is written before it asks.
Task<std::vector<OrderUrl>> open_orders_of_others(Store& store, const CertificateId& id, const std::string& directory) {
  std::vector<OrderUrl> urls;
  for (const StoredRecord& stored : co_await load_records(store)) {
    const Record& record = stored.record;
    if (record.id == id || !record.open_generation || record.specification.directory != directory) continue;
    const auto journal = co_await read_journal(store, record.id, *record.open_generation);
    if (!journal) continue;
    if (asks_for_an_order(*journal))
      throw Failure(Failure::Kind::transient, record.id.text() + " is asking for an order that may share with it", "");
    if (auto url = order_in(*journal)) urls.push_back(std::move(*url));
  }
  co_return urls;
}

Task<bool> is_order_of(Store& store, const CertificateId& id, const CertificateSpec& wanted, const OrderUrl& url) {
  const auto stored = co_await load_record(store, id);
  if (!stored) co_return false;
  const Record& record = stored->record;
  if (record.specification.directory != wanted.directory || record.specification.names != wanted.names) co_return false;
  if (record.open_generation && co_await order_of(store, id, *record.open_generation) == url) co_return true;
  co_return record.newest&& co_await order_of(store, id, record.newest->key.generation) == url;
}

}  // namespace

Task<std::optional<OrderUrl>> order_of(Store& store, const CertificateId& id, int generation) {
  const auto journal = co_await read_journal(store, id, generation);
  co_return journal ? order_in(*journal) : std::nullopt;
}

Task<bool> ordered_by_another(Store& store, const CertificateId& id, const CertificateSpec& wanted, OrderUrl url) {
  for (const auto& [other, last] : co_await certificates_with_records(store)) {
    if (other == id) continue;
    try {
      if (co_await is_order_of(store, other, wanted, url)) co_return true;
    } catch (const Failure& failure) {
      if (failure.kind() != Failure::Kind::refused) throw;  // what cannot be read is its own trouble, and no evidence
    }
  }
  co_return false;
}

Task<bool> give_up_order(Store& store, acme::CertificateAuthority& ca, Log& log, CertificateId id, int generation) {
  if (!ca.has_account()) co_return false;
  try {
    const auto journal = co_await read_journal(store, id, generation);
    const auto url = journal ? order_in(*journal) : std::nullopt;
    if (!url || journal->specification.directory != ca.directory_url()) co_return false;
    co_return co_await ca.abandon(*url, [&] { return open_orders_of_others(store, id, ca.directory_url()); });
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    log.warn(fmt::format("{}: its order is left to end by itself: {}", id.text(), failure.what()));
  }
  co_return false;
}

}  // namespace certferry
