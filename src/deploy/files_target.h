#pragma once

#include <set>
#include <string>

#include "config/config.h"
#include "deploy/files_shelf.h"
#include "deploy/load_balancer_target.h"
#include "deploy/reloads.h"
#include "deploy/target.h"

namespace certferry {

// A program that reads its certificate through <directory>/live and is told to read it again.
class FilesTarget final : public Target {
 public:
  FilesTarget(Outside& outside, FilesShelf& shelf, Reloads& reloads, Proving proving, FilesInstall where);
  std::string_view id() const override { return id_; }  // "files/<host id>/<directory>", as its shelf's
  static std::string name_of(const std::string& directory) { return "files " + directory; }
  std::string name() const override { return name_of(shelf_.directory()); }
  Shelf& shelf() override { return shelf_; }
  std::string reloaded_by() const override;
  Task<Serving> look() override;
  std::string doubt() const override;
  Task<> require_place() override;
  // Switches the link, and has the program read it in any case: who was killed in between never told it to.
  Task<> bind(const Shelved& next, const Serving& seen) override;
  Task<Proof> verify(const Issued& issued, const Serving& former, const Given& given) override;
  // A program that cannot be told of it is logged: the link is back all the same.
  Task<bool> restore(const Serving& former, const Shelved& bound) override;
  Duration restore_deadline() const override;  // as long for the command as otherwise, and for one that runs already

 private:
  Task<> read_body(Serving& serving);
  Task<> look_for_damage(Serving& serving);
  Task<> look_from_outside(Serving& serving);
  Task<> await_shown_by(std::string host, std::uint16_t port, const Certificate& wanted);
  Task<> switch_to(const std::string& reference);
  Task<> reload();
  Task<> reload_former(const std::string& reference);
  Task<bool> is_there(const Serving& former);
  Task<> verify_files(const Issued& issued);
  Outside& outside_;
  FilesShelf& shelf_;
  Reloads& reloads_;
  Proving proving_;
  FilesInstall where_;
  std::string id_;
  std::set<std::string> answered_;  // the addresses of `connect` that showed a certificate at the last look
  std::size_t others_ = 0;          // then, of `connect`: several addresses, none of them this machine's
};

}  // namespace certferry
