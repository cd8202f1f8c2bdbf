#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "cli/commands/commands.h"
#include "cli/companion.h"
#include "cli/rehearsal.h"
#include "cli/said.h"
#include "sandbox/mounts/mounted_outside.h"

namespace certferry {
namespace {

constexpr const char *kApex = "example.com", *kWww = "www.example.com";
constexpr Duration kBetweenHandshakes = milliseconds(10);

// Clients that connect to a load balancer again and again, and look whether what they see is to be trusted.
class Visitors {
 public:
  Visitors(Outside& outside, const Roots& roots) : outside_(outside), roots_(roots) {}
  // Until it is cancelled.
  Task<> visit(std::string address, std::string host) {
    for (;;) {
      const auto complaint = co_await handshake(address, host);
      if (over_) co_return;
      ++handshakes_;
      if (complaint) complaints_.push_back(*complaint);
      co_await outside_.clock.sleep(kBetweenHandshakes);
    }
  }
  void go_home() { over_ = true; }
  long handshakes() const { return handshakes_; }
  const std::vector<std::string>& complaints() const { return complaints_; }
  std::size_t certificates_seen() const { return seen_.size(); }

 private:
  Task<std::optional<std::string>> handshake(const std::string& address, const std::string& host) {
    try {
      const PeerChain peer = co_await outside_.transport.handshake({address, 443}, host, KeyType::p256);
      const Chain chain = parse_chain(peer.certificates);
      seen_.insert(chain.leaf.fingerprint());
      if (const auto objection = roots_.objection(chain, outside_.clock.now())) co_return *objection;
      co_return std::nullopt;
    } catch (const Failure& failure) {
      co_return failure.what();
    }
  }

  Outside& outside_;
  const Roots& roots_;
  bool over_ = false;
  long handshakes_ = 0;
  std::set<Fingerprint> seen_;
  std::vector<std::string> complaints_;
};

// What the sandbox saw of us by now, from its own side.
struct Seen {
  std::int64_t orders = 0, changes = 0, txt_sets = 0;
};

// The whole story, told act by act. What is not as promised is remembered, and is the exit code.
class Demo {
 public:
  // The sandbox, which is another process, is known by its places alone. root: a directory on the disk.
  Demo(Stage& stage, const sandbox::SocketPlaces& places, const std::string& root)
      : stage_(stage),
        places_(places),
        mounted_(stage.executor, places, stage.clock, stage.entropy, stage.log, root),
        silent_{[](std::string_view) {}, stage.console.err},
        inner_{.executor = stage.executor,
               .console = stage.json ? silent_ : stage.console,
               .log = stage.log,
               .host = mounted_.host(),
               .clock = stage.clock,
               .entropy = stage.entropy,
               .open = [this](const Config&) -> Task<Outside*> { co_return &mounted_.outside(); },
               .disk_root = root,
               .roots = Roots::from_pem(places.roots_pem)} {}

  Task<int> play() {
    began_ = stage_.clock.steady();
    co_await prepare();
    co_await act("certferry apply", "obtain one certificate for example.com and *.example.com, install it twice",
                 apply({}));
    co_await act("certferry check example.com www.example.com", "look at what both show now", check());
    const Seen before = co_await seen();
    co_await act("certferry apply", "again: there is nothing to do", apply({}));
    const Seen after = co_await seen();
    promise(before.orders == 1 && after.orders == 1, "the second apply made no order");
    promise(before.changes == after.changes, "the second apply changed nothing");
    co_await renew_under_load();
    const Seen last = co_await seen();
    promise(last.orders == 2, "the renewal made one order");
    promise(last.txt_sets == 0, "no TXT record is left behind");
    co_return finish();
  }

 private:
  Task<> prepare() {
    say("certferry demo: a CA, Route 53, IAM and two load balancers, in a process of their own, on this machine's\n"
        "loopback. Nothing in it is real, nothing is left behind.\n");
    const std::string text = rehearsal_configuration(places_, "/etc/certferry/ca.pem", "/var/lib/certferry");
    co_await inner_.host.replace("/etc/certferry/ca.pem", places_.ca_pem, FileMode{0644});
    co_await inner_.host.replace("/etc/certferry/certferry.toml", text, FileMode{0644});
    say("\n/etc/certferry/certferry.toml:\n");
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      say(fmt::format("    {}\n", text.substr(at, end - at)));
      at = end + 1;
    }
  }

  CommandLine apply(std::vector<std::string> renew) {
    return {.command = ApplyCommand{{}, Request{.renew = std::move(renew)}, limits::renewal::claim_wait}};
  }
  CommandLine check() { return {.command = CheckCommand{.hosts = {kApex, kWww}}}; }

  Task<> act(std::string command, std::string what, CommandLine line) {
    say(fmt::format("\n$ {}    # {}\n", command, what));
    const SteadyTime since = stage_.clock.steady();
    const int exit = co_await run_command(inner_, line);
    say(fmt::format("  ({}, exit code {})\n", humane(stage_.clock.steady() - since), exit));
    promise(exit == 0, fmt::format("{} ends with 0", command));
  }

  Task<> renew_under_load() {
    Visitors visitors{mounted_.outside(), *inner_.roots};
    const std::string apex = (co_await mounted_.outside().resolver.addresses(kApex)).front();
    const std::string www = (co_await mounted_.outside().resolver.addresses(kWww)).front();
    const SteadyTime since = stage_.clock.steady();
    const auto renewing = [&]() -> Task<> {
      co_await act("certferry apply --renew www", "while clients connect to both all the time", apply({"www"}));
      visitors.go_home();
    };
    const auto visiting = [&]() -> Task<> {
      std::vector<Work> works;
      works.push_back([&]() -> Task<> { co_await visitors.visit(apex, kApex); });
      works.push_back([&]() -> Task<> { co_await visitors.visit(www, kWww); });
      co_await all_settled(std::move(works));
    };
    stage_.log.step_begun("clients", "handshakes");
    co_await race(renewing, visiting);
    handshakes_ = visitors.handshakes();
    failed_handshakes_ = visitors.complaints().size();
    stage_.log.step_ended("clients", "handshakes", failed_handshakes_ == 0 ? "done" : "failed",
                          stage_.clock.steady() - since);
    say(fmt::format("  {} TLS handshakes meanwhile, {} certificates seen: {} failed handshakes\n", handshakes_,
                    visitors.certificates_seen(), failed_handshakes_));
    promise(failed_handshakes_ == 0, failed_handshakes_ == 0
                                         ? "no handshake failed"
                                         : "no handshake failed; the first that did: " + visitors.complaints().front());
    promise(visitors.certificates_seen() == 2, "clients saw the old certificate and then the new one, and no other");
  }

  int finish() {
    const Duration took = stage_.clock.steady() - began_;
    Json list = Json::array();
    for (const std::string& what : broken_) list.push_back(what);
    if (stage_.json) {
      say_result(stage_, "",
                 Json::object({{"as_promised", broken_.empty()},
                               {"handshakes", handshakes_},
                               {"failed_handshakes", failed_handshakes_},
                               {"broken_promises", std::move(list)},
                               {"took_ms", static_cast<long>(took.count())}}));
    }
    for (const std::string& what : broken_) say(fmt::format("\nNot as promised: {}", what));
    say(fmt::format("\n{} in {}. Now write your own configuration: docs/configuration.md\n",
                    broken_.empty() ? "All as promised," : "Something went wrong,", humane(took)));
    return broken_.empty() ? 0 : 1;
  }

  void promise(bool kept, const std::string& what) {
    if (!kept) broken_.push_back(what);
  }
  void say(const std::string& text) { inner_.console.out(text); }
  Task<Seen> seen() {
    const http::Response page =
        co_await mounted_.outside().transport.send({.url = Url::parse(places_.seen), .trust = http::Trust::ca});
    const Json json = Json::parse(page.body, "what the sandbox saw");
    co_return Seen{.orders = json.at("requests").integer("acme newOrder").value_or(0),
                   .changes = json.at("changes").as_integer(),
                   .txt_sets = json.at("txt_sets").as_integer()};
  }

  Stage& stage_;
  const sandbox::SocketPlaces& places_;
  sandbox::MountedOutside mounted_;
  Console silent_;
  Stage inner_;
  SteadyTime began_{};
  long handshakes_ = 0;
  std::size_t failed_handshakes_ = 0;
  std::vector<std::string> broken_;
};

}  // namespace

Task<int> do_demo(Stage& stage, const DemoCommand&) {
  int exit = 1;
  const WorkInSandbox play = [&](const sandbox::SocketPlaces& places, const std::string& directory) -> Task<> {
    const std::string root = directory + "/machine";
    co_await stage.host.make_directory(root, FileMode{0700});
    Demo demo{stage, places, stage.disk_root + root};
    exit = co_await demo.play();
  };
  co_await beside_a_sandbox(stage, play);
  co_return exit;
}

}  // namespace certferry
