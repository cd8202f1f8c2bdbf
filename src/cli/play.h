#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/stage.h"
#include "sandbox/mounts/mounted_outside.h"

namespace certferry {

// Commands run in a sandbox, told act by act on the console. What is not as promised is remembered, and is the exit
// code.
class Play {
 public:
  // What the sandbox saw of us by now, from its own side.
  struct Seen {
    std::int64_t orders = 0, changes = 0, txt_sets = 0;
  };

  // The sandbox, which is another process, is known by its places alone. root: a directory on the disk.
  Play(Stage& stage, const sandbox::SocketPlaces& places, const std::string& root);

  Stage& stage() { return inner_; }  // that of the commands
  Outside& outside() { return mounted_.outside(); }
  void say(const std::string& text) { inner_.console.out(text); }
  void say_indented(const std::string& text);
  // Runs it as if somebody had typed it. Its exit code; other than 0 is not as promised.
  Task<int> act(std::string typed, std::string why, CommandLine line);
  Task<Seen> seen();
  void promise(bool kept, const std::string& what);
  // The last words, and with --json the result with these members beside. The exit code.
  int finish(const std::string& farewell, Json::Object more = {});

 private:
  Stage& stage_;
  const sandbox::SocketPlaces& places_;
  sandbox::MountedOutside mounted_;
  Console silent_;
  Stage inner_;
  SteadyTime began_;
  std::vector<std::string> broken_;
};

}  // namespace certferry
