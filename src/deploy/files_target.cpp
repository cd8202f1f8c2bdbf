#include "deploy/files_target.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/reload.h"
#include "base/limits/renewal.h"
#include "crypto/digest.h"
#include "outside/timed_step.h"
#include "probe/live_look.h"
#include "wire/base64.h"
#include "wire/host_port.h"

namespace certferry {
namespace {

constexpr std::uint16_t https_port = 443;

// What a shell would be typed, for people.
std::string typed(const std::vector<std::string>& argv) { return fmt::format("{}", fmt::join(argv, " ")); }

// What a command said, for the end of a sentence; the line end that it said last is nothing to quote.
std::string said_at_the_end(std::string_view output) {
  const auto last = output.find_last_not_of("\r\n\t ");
  if (last == std::string_view::npos) return "";
  return ": " + quoted(output.substr(0, last + 1));
}

}  // namespace

FilesTarget::FilesTarget(Outside& outside, FilesShelf& shelf, Reloads& reloads, Proving proving, FilesInstall where)
    : outside_(outside),
      shelf_(shelf),
      reloads_(reloads),
      proving_(std::move(proving)),
      where_(std::move(where)),
      id_(shelf.id()) {}

Task<Serving> FilesTarget::look() {
  Serving serving;
  serving.reference = co_await shelf_.live();
  const bool no_link = serving.reference.empty();
  if (no_link && co_await outside_.host.status(shelf_.link())) serving.reference = shelf_.link();  // not of our making
  if (!serving.reference.empty()) co_await read_body(serving);
  serving.ours = shelf_.ours(serving.reference);
  if (serving.ours) co_await look_for_damage(serving);
  answered_.clear();
  others_ = 0;
  if (!where_.connect.empty() && proving_.verify != Verify::api) co_await look_from_outside(serving);
  co_return serving;
}

std::string FilesTarget::reloaded_by() const {
  if (where_.reload.empty()) return "";
  return hex(sha256(fmt::format("{}", fmt::join(where_.reload, std::string_view{"\0", 1}))));
}

Task<> FilesTarget::require_place() {
  for (const std::string& directory : {shelf_.directory(), shelf_.generations()})
    co_await outside_.host.require_writable(directory);
  const auto there = co_await outside_.host.status(shelf_.link());
  if (there && there->directory)
    throw Failure(Failure::Kind::refused,
                  fmt::format("{}: {} is a directory, which no link can take the place of", name(), shelf_.link()),
                  fmt::format("Move {} away", quoted(shelf_.link(), 300)));
  if (const auto unfit = co_await unfit_reload(outside_.host, where_.reload)) throw unfit->within(name());
}

Task<> FilesTarget::read_body(Serving& serving) {
  try {
    serving.body = co_await shelf_.read(serving.reference);
    if (!serving.body && shelf_.ours(serving.reference))
      serving.body = co_await shelf_.read_in_parts(serving.reference);
    if (!serving.body) serving.note = fmt::format("{} holds no fullchain.pem", serving.reference);
  } catch (const Failure& failure) {
    serving.unreadable = true;
    serving.note = failure.what();
  }
}

// Before a server finds it, which reads its files when it starts again, perhaps in weeks.
Task<> FilesTarget::look_for_damage(Serving& serving) {
  std::string damage = co_await shelf_.damage(serving.reference);
  if (damage.empty()) co_return;
  serving.damaged = true;
  serving.note = std::move(damage);
}

Task<> FilesTarget::look_from_outside(Serving& serving) {
  const auto place = parse_host_port(where_.connect, https_port);
  if (!place) co_return;
  const KeyType served =
      serving.body ? serving.body->leaf.public_key().type().value_or(proving_.key_type) : proving_.key_type;
  std::string trouble;
  try {
    const auto seen = co_await look_at_with_any_key(outside_, place->host, place->port, proving_.sni, served,
                                                    StartTls::none, Among::ours);
    answered_ = answering(seen);
    const auto ours = [&](const Shown& one) { return is_ours(outside_.host, parse_host_port(one.address, 0)->host); };
    others_ = seen.size() > 1 && std::ranges::none_of(seen, ours) ? seen.size() : 0;
    for (const Shown& shown : seen) {
      const bool tells = serving.body && shown.chain && shown.chain->leaf == serving.body->leaf;
      if (shown.chain && (!serving.shown || !tells)) serving.shown = shown.chain;
      if (!shown.chain) trouble = shown.trouble;
    }
  } catch (const Failure& failure) {
    trouble = failure.what();
  }
  if (!trouble.empty()) serving.note += (serving.note.empty() ? "" : "; ") + trouble;
}

Task<> FilesTarget::bind(const Shelved& next, const Serving& seen) {
  const Work binding = [&]() -> Task<> {
    const std::string now = co_await shelf_.live();
    const bool as_seen = now == seen.reference || (now.empty() && seen.reference == shelf_.link());
    if (now != next.reference && !as_seen)
      throw Failure(
          Failure::Kind::conflict,
          fmt::format("{}: live points to {} where {} was expected: somebody else changed it", name(),
                      now.empty() ? "nothing" : quoted(now), seen.reference.empty() ? "nothing" : seen.reference),
          "Run certferry again: it looks at what is there now");
    co_await switch_to(next.reference);  // again where it is there: who made it may have died before it was on the disk
    co_await reload();
  };
  co_await timed_step(outside_.log, outside_.clock, id_, "bind", binding);
}

// Relative where it can be, so that the whole directory may be mounted elsewhere.
Task<> FilesTarget::switch_to(const std::string& reference) {
  const std::string inside = shelf_.directory() + "/";
  const bool relative = reference.starts_with(inside);
  shelf_.require_lease("switching the link");
  co_await outside_.host.link(shelf_.link(), relative ? reference.substr(inside.size()) : reference);
}

// It may outlast a lease: whoever reads its certificate late reads what `live` leads to by then.
Task<> FilesTarget::reload() {
  if (where_.reload.empty()) co_return;
  const Exit exit = co_await reloads_.run(
      Command{.argv = where_.reload, .deadline = where_.reload_timeout, .patience = limits::reload::patience},
      [this] { shelf_.require_lease("reloading"); });
  if (exit.status == 0 && !exit.timed_out) co_return;
  const std::string command = typed(where_.reload), time = humane(where_.reload_timeout);
  const std::string ended = exit.timed_out ? fmt::format("did not end within {}, and was stopped", time)
                                           : fmt::format("ended with {}", exit.status);
  const std::string longer =
      exit.timed_out ? fmt::format(" within {}, or write a longer `reload_timeout` beside `reload`", time) : "";
  throw Failure(Failure::Kind::refused,
                fmt::format("{}: `{}` {}{}", name(), command, ended, said_at_the_end(exit.output)),
                fmt::format("Make `{}` succeed{}, and run `certferry apply --retry`", command, longer));
}

Duration FilesTarget::restore_deadline() const {
  using limits::renewal::clean_up_deadline;
  return where_.reload.empty() ? clean_up_deadline : 2 * (clean_up_deadline + where_.reload_timeout);
}

Task<> FilesTarget::reload_former(const std::string& reference) {
  try {
    co_await reload();
  } catch (const Failure& failure) {
    outside_.log.error(fmt::format("{}; live leads to {} again", failure.what(), reference));
  }
}

Task<Proof> FilesTarget::verify(const Issued& issued, const Serving&, const Given&) {
  const auto place = where_.connect.empty() ? std::nullopt : parse_host_port(where_.connect, https_port);
  const bool by_handshake = place && proving_.verify != Verify::api;
  if (!by_handshake && proving_.verify == Verify::handshake)
    outside_.log.warn(fmt::format("{}: verified by its files alone, for `connect` names no host:port", name()));
  const Work verifying = [&]() -> Task<> {
    co_await verify_files(issued);
    if (by_handshake) co_await await_shown_by(place->host, place->port, issued.chain.leaf);
  };
  co_await timed_step(outside_.log, outside_.clock, id_, "verify", verifying);
  co_return by_handshake ? Proof::handshake : Proof::files;
}

std::string FilesTarget::doubt() const {
  if (others_ == 0) return "";
  return fmt::format("`connect` names {} addresses, none of them this machine's, which serves these files", others_);
}

// By this machine, where `connect` names others beside it: they have their own files, and their own turn.
Task<> FilesTarget::await_shown_by(std::string host, std::uint16_t port, const Certificate& wanted) {
  try {
    co_await await_shown(outside_, host, port, proving_.sni, wanted, answered_, limits::renewal::verified_in_a_row,
                         limits::renewal::verify_deadline, Among::ours);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::transient || others_ == 0) throw;
    throw Failure(
        failure.kind(), fmt::format("{}; {}", failure.what(), doubt()),
        fmt::format("{}; if they are other machines, write connect = \"localhost:{}\"", failure.next(), port));
  }
}

Task<> FilesTarget::verify_files(const Issued& issued) {
  const std::string live = co_await shelf_.live();
  std::optional<Chain> there;
  if (!live.empty()) there = co_await shelf_.read(live);
  if (!there || there->leaf != issued.chain.leaf)
    throw Failure(Failure::Kind::conflict,
                  fmt::format("{}: live points to {}, which is not the certificate that it was given", name(),
                              live.empty() ? "nothing" : quoted(live)),
                  "Run certferry again: it looks at what is there now");
  if (const std::string damage = co_await shelf_.damage(live); !damage.empty())
    throw Failure(Failure::Kind::refused, fmt::format("{}: {}", name(), damage),
                  fmt::format("Remove {} and run certferry again", quoted(live)));
}

// It may have been retired since, or moved away: a link that leads to nothing is worse than any certificate. What is
// not ours may hold another by now, which nobody has judged.
Task<bool> FilesTarget::is_there(const Serving& former) {
  if (shelf_.ours(former.reference)) {
    const bool whole = (co_await shelf_.damage(former.reference)).empty();
    co_return whole;
  }
  if (!former.body) co_return (co_await outside_.host.status(former.reference)).has_value();
  Serving now{.reference = former.reference};
  co_await read_body(now);
  co_return now.body&& now.body->leaf == former.body->leaf;
}

Task<bool> FilesTarget::restore(const Serving& former, const Shelved& bound) {
  if (former.reference.empty() || former.reference == shelf_.link()) co_return false;
  if (co_await shelf_.live() != bound.reference) co_return false;
  if (former.reference == bound.reference) co_return true;
  if (!co_await is_there(former)) co_return false;
  const Work restoring = [&]() -> Task<> {
    co_await switch_to(former.reference);
    co_await reload_former(former.reference);
  };
  co_await timed_step(outside_.log, outside_.clock, id_, "restore", restoring);
  co_return true;
}

}  // namespace certferry
