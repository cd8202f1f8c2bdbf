#include "deploy/files_shelf.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <utility>

#include "base/failure.h"
#include "deploy/object_name.h"
#include "outside/timed_step.h"
#include "state/random_token.h"
#include "wire/url.h"

namespace certferry {
namespace {

constexpr FileMode for_everybody{0644}, for_us_alone{0600}, open_directory{0755};
constexpr std::string_view kept_in_ids = "-._~/";
constexpr std::string_view files_of = "files/", host_prefix = "host/", id_file = ".certferry-id",
                           without_id = "host/unmarked";

constexpr int links_followed_at_most = 40;  // as Linux does

// "/etc/ssl/www", without a slash at its end.
std::string checked_directory(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  const bool climbs = (directory + "/").contains("/../");
  if (directory.size() > 1 && directory.starts_with('/') && !climbs) return directory;
  throw Failure(Failure::Kind::refused, fmt::format("files {}: this is no absolute path", quoted(directory)),
                "Write `files` as an absolute path without \"..\"");
}

// "/a//b/./c/" as "/a/b/c": by hand a link is written so, and means the same directory. What ".." means is the file
// system's to say.
std::string plain_path(std::string_view path) {
  std::string out;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (!part.empty() && part != ".") out.append("/").append(part);
    at = end + 1;
  }
  return out;
}

bool belongs(const Secret& key, const Certificate& certificate) {
  try {
    return PrivateKey::from_pem(key).public_part() == certificate.public_key();
  } catch (const Failure&) {
    return false;
  }
}

// Which of a generation's files, and whether its key, are not as write() makes them for the certificate in
// fullchain.pem; "" where all are.
std::string misfit_among(const std::string& place, const std::map<std::string, Bytes>& files,
                         const std::optional<Secret>& key) {
  const auto is = [&](const char* name, const Bytes& content) {
    return !files.contains(name) || files.at(name) == content;
  };
  try {
    const Chain chain = parse_chain(BytesView{files.at("fullchain.pem")});
    for (const auto& [name, content] :
         {std::pair{"cert.pem", chain.leaf_pem()}, {"chain.pem", chain.intermediates_pem()}})
      if (!is(name, content)) return fmt::format("{} in {} is not that of its fullchain.pem", name, place);
    if (key && !belongs(*key, chain.leaf))
      return fmt::format("privkey.pem in {} does not belong to its certificate", place);
  } catch (const Failure& failure) {
    return fmt::format("fullchain.pem in {}: {}", place, failure.what());
  }
  return "";
}

std::string id_file_in(const std::string& directory) { return fmt::format("{}/{}", directory, id_file); }

bool is_host_id(std::string_view text) {
  const bool named = text.starts_with(host_prefix) && text.size() > host_prefix.size();
  return named && std::ranges::all_of(text.substr(host_prefix.size()),
                                      [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Of whom a directory is: of this machine, or, where that is another at every start, of itself.
std::string host_of(const Host& host, const std::string& directory) {
  if (host.id_lasts()) return host.id();
  std::string marked = host.first_line(id_file_in(directory));
  return is_host_id(marked) ? marked : std::string{without_id};
}

// What a link points to, as live() says it.
Task<std::string> target_of(Host& host, std::string link) {
  const auto target = co_await host.link_target(link);
  if (!target) co_return "";
  co_return plain_path(target->starts_with('/') ? *target : link.substr(0, link.rfind('/') + 1) + *target);
}

// The first place for which `wanted` holds: this one, or one that it leads to from link to link; "" where none is.
Task<std::string> first_on_the_way(Host& host, std::string place, std::function<bool(const std::string&)> wanted) {
  for (int links = 1; links < links_followed_at_most && !place.empty() && !wanted(place); ++links)
    place = co_await target_of(host, place);
  co_return !place.empty() && wanted(place) ? place : "";
}

bool one_directory_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && !name.contains('/');
}

}  // namespace

FilesShelf::FilesShelf(Outside& outside, std::string directory, const Lease* lease)
    : outside_(outside),
      directory_(checked_directory(std::move(directory))),
      id_(id_of(outside.host, directory_)),
      lease_(lease) {}

void FilesShelf::require_lease(std::string_view what) const {
  if (lease_) ::certferry::require_lease(*lease_, Duration::zero(), fmt::format("files {}: {}", directory_, what));
}

std::string FilesShelf::id_of(const Host& host, const std::string& directory) {
  const std::string checked = checked_directory(directory);
  return fmt::format("{}{}{}", files_of, host_of(host, checked), percent_encoded(checked, kept_in_ids));
}

std::optional<std::string> FilesShelf::directory_in(const Host& host, const std::string& id) {
  const auto path = id.find('/', files_of.size() + host_prefix.size());
  if (!id.starts_with(files_of) || path == std::string::npos) return {};
  auto directory = percent_decoded(id.substr(path));
  if (!directory || id.substr(files_of.size(), path - files_of.size()) != host_of(host, *directory)) return {};
  return directory;
}

Task<> FilesShelf::identify() {
  Host& host = outside_.host;
  if (host_of(host, directory_) != without_id) co_return;
  require_lease("making it");
  co_await host.make_directory(directory_, open_directory);
  require_lease("giving it an id");
  co_await host.create(id_file_in(directory_), fmt::format("{}{}\n", host_prefix, random_token(outside_.entropy)),
                       for_everybody);
  id_ = id_of(host, directory_);  // perhaps what another one gave it meanwhile
  if (host_of(host, directory_) == without_id)
    throw Failure(Failure::Kind::refused, fmt::format("files {}: {} holds no id", directory_, id_file_in(directory_)),
                  fmt::format("Remove {}, and run certferry again", id_file_in(directory_)));
}

std::string FilesShelf::name_for(const Issued& issued) const { return object_name(issued); }

Task<std::string> FilesShelf::live() {
  const std::string first = co_await target_of(outside_.host, link());
  std::string generation;
  try {
    generation = co_await first_on_the_way(outside_.host, first, [&](const std::string& place) { return ours(place); });
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;  // outside, not everything may be looked at
  }
  co_return generation.empty() ? first : generation;
}

Task<> FilesShelf::write(const std::string& place, const Issued& issued, const PrivateKey& key) {
  Host& host = outside_.host;
  if (!host.id_lasts()) co_await host.sync(id_file_in(directory_));  // who marked it may have died before it was
  for (const std::string& directory : {directory_, generations(), place}) {
    require_lease("making its directories");
    co_await host.make_directory(directory, open_directory);
  }
  const auto put = [&](std::string_view name, Bytes content, FileMode mode) -> Task<> {
    require_lease("writing a generation");
    co_await host.replace(fmt::format("{}/{}", place, name), std::move(content), mode);
  };
  co_await put("privkey.pem", Bytes{key.pem().reveal()}, for_us_alone);
  co_await put("cert.pem", issued.chain.leaf_pem(), for_everybody);
  co_await put("chain.pem", issued.chain.intermediates_pem(), for_everybody);
  co_await put("fullchain.pem", issued.chain.pem(), for_everybody);  // last: with it, it is whole
  co_await host.sync(place);  // and the directories that a run made which was killed before they were
}

Task<Shelved> FilesShelf::put(const Issued& issued, const PrivateKey& key, std::optional<Shelved>) {
  const std::string name = name_for(issued);
  const Work writing = [&]() -> Task<> { co_await write(place_of(name), issued, key); };
  co_await timed_step(outside_.log, outside_.clock, id_, "upload", writing);
  co_return Shelved{id_, place_of(name), name, issued.fingerprint()};
}

Task<std::optional<Shelved>> FilesShelf::find(const Issued& issued) {
  const std::string name = name_for(issued);
  const auto there = co_await read(place_of(name));
  if (!there || there->leaf != issued.chain.leaf) co_return std::nullopt;
  co_return Shelved{id_, place_of(name), name, issued.fingerprint()};
}

Task<std::optional<Chain>> FilesShelf::read(const std::string& reference) {
  const auto pem = co_await outside_.host.read(reference + "/fullchain.pem");
  if (!pem) co_return std::nullopt;
  co_return parse_chain(BytesView{*pem});
}

Task<std::optional<Chain>> FilesShelf::read_in_parts(const std::string& reference) {
  try {
    const auto leaf = co_await outside_.host.read(reference + "/cert.pem");
    const auto intermediates = co_await outside_.host.read(reference + "/chain.pem");
    if (leaf) co_return parse_chain(*leaf + intermediates.value_or(""));
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
  }
  co_return std::nullopt;
}

Task<std::string> FilesShelf::damage(const std::string& reference) {
  std::map<std::string, Bytes> there;  // without what may not be read
  std::optional<Secret> key;
  for (const std::string name : {"fullchain.pem", "cert.pem", "chain.pem", "privkey.pem"}) {
    try {
      auto content = co_await outside_.host.read(fmt::format("{}/{}", reference, name));
      if (!content) co_return fmt::format("{} holds no {}", reference, name);
      if (name == "privkey.pem")
        key.emplace(std::move(*content));
      else
        there.emplace(name, std::move(*content));
    } catch (const Failure& failure) {
      if (failure.kind() != Failure::Kind::refused) throw;
    }
  }
  co_return there.contains("fullchain.pem") ? misfit_among(reference, there, key) : "";
}

bool FilesShelf::ours(const std::string& reference) const {
  const std::string ours = place_of("");
  return reference.starts_with(ours) && one_directory_name(reference.substr(ours.size()));
}

Task<bool> FilesShelf::remove(const std::string& name, const std::string& reference) {
  if (!one_directory_name(name)) co_return false;
  const std::string place = place_of(name);
  if (!reference.empty() && reference != place) co_return false;
  // By its name alone, which no other generation has: however the link leads there.
  const auto is_it = [&](const std::string& led_to) { return led_to.ends_with("/" + name); };
  const std::string first = co_await target_of(outside_.host, link());
  if (!(co_await first_on_the_way(outside_.host, first, is_it)).empty()) co_return false;
  require_lease("removing a generation");
  co_await outside_.host.remove(place);
  co_return true;
}

}  // namespace certferry
