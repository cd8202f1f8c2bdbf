#include "state/journal.h"

#include <fmt/format.h>

#include "base/limits/store.h"
#include "state/numbered.h"
#include "state/swap.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

constexpr int journal_format = 1;

void require_steps(const Json& steps) {
  for (const auto& [name, step] : steps.as_object()) {
    const std::string& state = step.at("state").as_text();
    if (state != "intended" && state != "done")
      throw Failure(Failure::Kind::refused,
                    fmt::format("step \"{}\" is in no state that exists: \"{}\"", quoted(name, 60), quoted(state, 60)),
                    "Restore the journal as certferry wrote it");
    from_json<WallTime>(step.at("at"));
    if (state == "done") step.at("value");
  }
}

std::string journal_name(const CertificateId& id, int generation) {
  return fmt::format("journal of {}, generation {}", id.text(), generation);
}

Failure taken_over(const std::string& what, const std::string& how) {
  return {Failure::Kind::fenced, fmt::format("{}: another instance took over ({})", what, how),
          "Leave the certificate to that instance; `certferry status` tells how far it is"};
}

}  // namespace

std::string journals_of(const CertificateId& id) { return fmt::format("certificate/{}/generation/", id.text()); }

std::string journal_key(const CertificateId& id, int generation) {
  return fmt::format("{}{}", journals_of(id), generation);
}

Task<std::vector<int>> journaled_generations(Store& store, const CertificateId& id) {
  co_return co_await numbers_below(store, journals_of(id));
}

JournalView parse_journal(BytesView text, const std::string& what) {
  Json json = Json::parse(text, what, limits::store::value_longest);
  require_format(json, journal_format, what);
  try {
    JournalView read{.certificate = from_json<CertificateId>(json.at("certificate")),
                     .generation = stored_count(json, "generation"),
                     .specification = from_json<CertificateSpec>(json.at("specification")),
                     .epoch = json.at("epoch").as_integer(),
                     .account = json.text("account").value_or(""),
                     .steps = json.at("steps"),
                     .notes = json.at("notes")};
    require_steps(read.steps);
    read.notes.as_object();
    return read;
  } catch (const Failure& failure) {
    throw failure.within(what);
  }
}

Task<std::optional<JournalView>> read_journal(Store& store, const CertificateId& id, int generation) {
  std::optional<Store::Entry> entry = co_await store.get(journal_key(id, generation));
  if (!entry) co_return std::nullopt;
  co_return parse_journal(entry->value, journal_name(id, generation));
}

Task<std::unique_ptr<Journal>> Journal::open(Store& store, const Lease& lease, Clock& clock, Now now, Log& log,
                                             Begin begin) {
  std::unique_ptr<Journal> journal{new Journal(store, clock, std::move(now), log, std::move(begin))};
  for (int attempt = 0; attempt < limits::store::journal_open_attempts; ++attempt)
    if (co_await journal->adopt(lease)) co_return journal;
  throw Failure(Failure::Kind::conflict, journal->what() + ": somebody else keeps changing it",
                "See with `certferry status` who else works on it");
}

Task<bool> Journal::adopt(const Lease& lease) {
  std::optional<Store::Entry> entry = co_await store_.get(journal_key(begin_.certificate, begin_.generation));
  content_ = entry ? read(entry->value) : Content{};
  version_ = entry ? std::optional{entry->version} : std::nullopt;
  require_lease(lease, Duration::zero(), "taking up the " + what());
  auto outcome = co_await store_.put(journal_key(begin_.certificate, begin_.generation), stored(content_), version_);
  if (std::holds_alternative<Conflict>(outcome)) co_return false;
  version_ = std::get<Store::Version>(outcome);
  co_return true;
}

Journal::Content Journal::read(BytesView text) {
  JournalView read = parse_journal(text, what());
  former_epoch_ = read.epoch;
  if (read.certificate != begin_.certificate || read.generation != begin_.generation)
    throw Failure(
        Failure::Kind::refused,
        fmt::format("{}: what is stored there is the {}", what(), journal_name(read.certificate, read.generation)),
        "Restore the store as certferry wrote it");
  if (read.epoch > begin_.epoch)
    throw taken_over(what(), fmt::format("its epoch is {}, ours {}", read.epoch, begin_.epoch));
  if (read.specification != begin_.specification)
    throw Failure(Failure::Kind::refused, what() + ": it was begun for another specification",
                  "Close this generation and begin the next one");
  if (!read.account.empty() && read.account != begin_.account)
    throw Failure(Failure::Kind::refused, what() + ": it was begun by another account",
                  "Close this generation and begin the next one");
  return {std::move(read.steps), std::move(read.notes)};
}

std::string Journal::what() const { return journal_name(begin_.certificate, begin_.generation); }

Bytes Journal::stored(const Content& content) const {
  Json whole = Json::object({{"format", journal_format},
                             {"certificate", to_json(begin_.certificate)},
                             {"generation", begin_.generation},
                             {"specification", to_json(begin_.specification)},
                             {"epoch", Json{begin_.epoch}},
                             {"account", begin_.account}});
  whole["steps"] = content.steps;
  whole["notes"] = content.notes;
  return whole.dump();
}

const Json* Journal::finished(std::string_view name) const {
  const Json* step = content_.steps.find(name);
  return step != nullptr && step->text("state") == "done" ? step->find("value") : nullptr;
}

std::optional<WallTime> Journal::done_at(std::string_view name) const {
  if (finished(name) == nullptr) return {};
  return from_json<WallTime>(content_.steps.at(name).at("at"));
}

std::optional<WallTime> Journal::intended_at(std::string_view name) const {
  const Json* step = content_.steps.find(name);
  if (step == nullptr || step->text("state") != "intended") return {};
  return from_json<WallTime>(step->at("at"));
}

Task<> Journal::record_intent(std::string name) {
  co_await write(
      [&](Content& content) { content.steps[name] = Json::object({{"state", "intended"}, {"at", to_json(now_())}}); });
}

Task<> Journal::record_outcome(std::string name, Json value) {
  co_await write([&](Content& content) {
    content.steps[name] = Json::object({{"state", "done"}, {"at", to_json(now_())}});
    content.steps[name]["value"] = value;
  });
}

Task<> Journal::note(std::string name, Json value) {
  co_await write([&](Content& content) { content.notes[name] = value; });
}

Task<> Journal::write(std::function<void(Content&)> change) {
  Turn::Held held = co_await turn_.take();
  Content next = content_;
  change(next);
  for (const auto& [name, value] : along_.as_object()) next.notes[name] = value;
  // A write that is cut off in the middle would leave us without its version, and fence ourselves.
  Work put = [&]() -> Task<> {
    const std::string key = journal_key(begin_.certificate, begin_.generation);
    if (!on(Guard::fencing)) version_ = co_await version_there(store_, key);
    auto outcome = co_await store_.put(key, stored(next), version_);
    if (std::holds_alternative<Conflict>(outcome)) throw taken_over(what(), "it was written meanwhile");
    version_ = std::get<Store::Version>(outcome);
    content_ = std::move(next);
    along_ = Json::object();
  };
  co_await to_its_end(put);
}

}  // namespace certferry
