#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/certificate_spec.h"
#include "base/failure.h"
#include "base/guards.h"
#include "base/lease.h"
#include "base/log.h"
#include "outside/clock.h"
#include "outside/store.h"
#include "outside/timed_step.h"
#include "wire/json.h"
#include "wire/json_names.h"

namespace certferry {

template <class T>
struct TaskResult;  // the T of a Task<T>
template <class T>
struct TaskResult<Task<T>> {
  using type = T;
};

// Does `effect`; where its outcome is unknown `probe` looks for it, and empty means that it did not happen: once more.
template <class T, class Effect, class Probe>
Task<T> probed_if_unknown(Effect& effect, Probe& probe) {
  std::exception_ptr lost;
  for (int tries = 0; tries < 2; ++tries) {
    try {
      co_return co_await effect();
    } catch (const Failure& failure) {
      if (failure.kind() != Failure::Kind::outcome_unknown) throw;
      lost = std::current_exception();
    }
    if (!on(Guard::probe)) continue;
    if (std::optional<T> outcome = co_await probe()) co_return std::move(*outcome);
  }
  std::rethrow_exception(lost);
}

// certificate/<id>/generation/<n>: what happened in one attempt to obtain a certificate. A finished step returns what
// was recorded; an interrupted one that may not be repeated is probed first. One record, one version, one writer at a
// time. The format is docs/journal.md; the name of a step is its address there.
class Journal {
 public:
  struct Begin {
    CertificateId certificate;
    int generation;
    CertificateSpec specification;
    std::int64_t epoch;
    std::string account;  // URL of the CA's account: its order is no other's
  };
  // Opens the journal of a generation, or makes it. Writes the new epoch before anything is read from it, so that a
  // former holder's next write conflicts. Failure: refused where the recorded specification or account is another one;
  // fenced where `lease` has ended: whoever took over may have closed the generation, and nothing would ever take a
  // journal away that is made then; or it is of the next life of a certificate that was forgotten meanwhile, whose
  // epochs begin anew. `now` dates the steps.
  using Now = std::function<WallTime()>;
  static Task<std::unique_ptr<Journal>> open(Store& store, const Lease& lease, Clock& clock, Now now, Log& log,
                                             Begin begin);

  int generation() const { return begin_.generation; }
  std::int64_t epoch() const { return begin_.epoch; }
  // Of who wrote it last before; empty where nobody did.
  std::optional<std::int64_t> former_epoch() const { return former_epoch_; }
  const CertificateId& certificate() const { return begin_.certificate; }
  const std::string& account() const { return begin_.account; }

  // `effect` may safely happen twice: it is recorded after.
  template <class Effect>
  auto step(std::string_view name, Effect effect) -> std::invoke_result_t<Effect>;

  // It may not: the intent is recorded before. Where an intent is found, or the outcome is unknown, `probe` (a
  // Task<std::optional<T>>) runs first; empty means that it did not happen.
  template <class Effect, class Probe>
  auto step(std::string_view name, Effect effect, Probe probe) -> std::invoke_result_t<Effect>;

  bool begun(std::string_view step) const { return intended_at(step) || finished(step) != nullptr; }
  std::optional<WallTime> intended_at(std::string_view step) const;  // empty where it is not begun, or done
  std::optional<WallTime> done_at(std::string_view step) const;      // empty where it is not done

  // Small facts beside the steps, for whoever reads the journal (JournalView, or noted(): null where there is none):
  // written at once.
  Task<> note(std::string name, Json value);
  // Goes with the next write of anything: in one write with the outcome of the step in whose effect it is called.
  void note_with_next_write(const std::string& name, Json value) { along_[name] = std::move(value); }
  const Json* noted(std::string_view name) const { return content_.notes.find(name); }

 private:
  Journal(Store& store, Clock& clock, Now now, Log& log, Begin begin)
      : store_(store), clock_(clock), now_(std::move(now)), log_(log), begin_(std::move(begin)) {}
  struct Content {
    Json steps = Json::object();  // name → {"state": "intended" | "done", "at", "value"}
    Json notes = Json::object();
  };
  std::string what() const;              // "journal of www, generation 3", for messages
  Bytes stored(const Content&) const;    // the whole record, as docs/journal.md has it
  Content read(BytesView text);          // Failure: fenced where the recorded epoch is above ours; refused
  Task<bool> adopt(const Lease& lease);  // puts our epoch into what is stored; false where somebody was faster
  const Json* finished(std::string_view name) const;  // the recorded value
  Task<> record_intent(std::string name);
  Task<> record_outcome(std::string name, Json value);
  // Stores `change` of the content; known here only once it is stored. Failure: fenced on a conflict.
  Task<> write(std::function<void(Content&)> change);

  Store& store_;
  Clock& clock_;
  Now now_;
  Log& log_;
  Begin begin_;
  Content content_;
  Json along_ = Json::object();  // notes that go with the next write
  std::optional<Store::Version> version_;
  std::optional<std::int64_t> former_epoch_;
  Turn turn_;
};

std::string journal_key(const CertificateId&, int generation);  // "certificate/www/generation/3"
std::string journals_of(const CertificateId&);                  // what the keys of all of them begin with
Task<std::vector<int>> journaled_generations(Store& store, const CertificateId& id);  // that have one, ascending

// What a generation's journal says, for reading alone: sweep, status and forget.
struct JournalView {
  CertificateId certificate;
  int generation = 0;
  CertificateSpec specification;
  std::int64_t epoch = 0;
  std::string account;  // "" where nobody wrote it down
  Json steps, notes;
};
// Throws Failure (refused) that begins with `what`: whatever is no whole journal of a format that we know.
JournalView parse_journal(BytesView text, const std::string& what);
Task<std::optional<JournalView>> read_journal(Store& store, const CertificateId& id, int generation);

template <class Effect>
auto Journal::step(std::string_view name, Effect effect) -> std::invoke_result_t<Effect> {
  using T = typename TaskResult<std::invoke_result_t<Effect>>::type;
  if (const Json* value = finished(name)) co_return from_json<T>(*value);
  const auto recorded = [&]() -> Task<T> {
    T outcome = co_await effect();
    co_await record_outcome(std::string{name}, to_json(outcome));
    co_return outcome;
  };
  co_return co_await timed_step(log_, clock_, begin_.certificate.text(), std::string{name}, recorded);
}

template <class Effect, class Probe>
auto Journal::step(std::string_view name, Effect effect, Probe probe) -> std::invoke_result_t<Effect> {
  using T = typename TaskResult<std::invoke_result_t<Effect>>::type;
  if (const Json* value = finished(name)) co_return from_json<T>(*value);
  const auto recorded = [&]() -> Task<T> {
    std::optional<T> outcome;
    const bool may_have_been_done = intended_at(name).has_value();
    if (!may_have_been_done && on(Guard::intent_before_effect)) co_await record_intent(std::string{name});
    if (may_have_been_done && on(Guard::probe)) outcome = co_await probe();
    if (!outcome) outcome = co_await probed_if_unknown<T>(effect, probe);
    co_await record_outcome(std::string{name}, to_json(*outcome));
    co_return std::move(*outcome);
  };
  co_return co_await timed_step(log_, clock_, begin_.certificate.text(), std::string{name}, recorded);
}

}  // namespace certferry
