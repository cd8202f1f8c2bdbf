#pragma once

#include "base/lease.h"
#include "deploy/shelf.h"
#include "outside/outside.h"

namespace certferry {

// A directory of this machine: <directory>/generations/<name>/{cert,chain,fullchain,privkey}.pem, a fresh directory
// for each certificate, never changed once it is whole. Which of them is served is the link that files_target.h
// switches.
class FilesShelf final : public Shelf {
 public:
  // Throws Failure (refused) where the directory is no absolute path without "..". lease: null where nobody else can be
  // at work.
  FilesShelf(Outside& outside, std::string directory, const Lease* lease = nullptr);
  // "files/host/3f2a…/etc/ssl/www", by the machine's id. Where the machine's does not last, by that which identify()
  // gave the directory; "files/host/unmarked/…" before that, which is never installed to.
  static std::string id_of(const Host& host, const std::string& directory);
  // The directory that an id names; empty where it is none, or one of another machine.
  static std::optional<std::string> directory_in(const Host& host, const std::string& id);

  // Has the directory keep an id, where the machine's does not last: made once, and then read, by whatever container it
  // is mounted in. May be repeated. Failure: refused where that cannot be written, or something else stands there.
  Task<> identify();

  std::string_view id() const override { return id_; }
  const std::string& directory() const { return directory_; }
  static std::string place_in(const std::string& directory, const std::string& name) {
    return directory + "/generations/" + name;
  }
  std::string generations() const { return directory_ + "/generations"; }
  std::string link() const { return directory_ + "/live"; }
  // The directory that the link points to, absolute and without "//", "/." or a slash at its end; "" where there is no
  // link. Where it points to a link of somebody else's that leads to a generation of ours: that.
  Task<std::string> live();
  // Asked before anything in the directory, or whoever reads it, is touched. Failure: fenced. It is over in an instant,
  // so the lease need only not have ended; and a program that reloads late reads what `live` says by then.
  void require_lease(std::string_view what) const;

  std::string name_for(const Issued& issued) const override;
  Task<Shelved> put(const Issued& issued, const PrivateKey& key, std::optional<Shelved> replaces) override;
  Task<std::optional<Shelved>> find(const Issued& issued) override;
  Task<std::optional<Chain>> read(const std::string& reference) override;
  bool ours(const std::string& reference) const override;
  // Of a generation of ours that has lost its fullchain.pem: by cert.pem and chain.pem; empty where they do not say.
  Task<std::optional<Chain>> read_in_parts(const std::string& reference);
  // What of a generation is missing, or does not belong to its certificate, in words; "" where it is whole, as far as
  // we may read it.
  Task<std::string> damage(const std::string& reference);
  Task<bool> remove(const std::string& name, const std::string& reference) override;

 private:
  std::string place_of(const std::string& name) const { return place_in(directory_, name); }
  Task<> write(const std::string& place, const Issued& issued, const PrivateKey& key);
  Outside& outside_;
  std::string directory_, id_;
  const Lease* lease_;
};

}  // namespace certferry
