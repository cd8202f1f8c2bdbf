#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "cli/commands/commands.h"
#include "cli/rehearsal.h"
#include "cli/said.h"
#include "sandbox/hosted_zones.h"
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

// The whole story, told act by act. What is not as promised is remembered, and is the exit code.
class Demo {
 public:
  Demo(Stage& stage, std::string root)
      : stage_(stage),
        rehearsal_(stage, Estate{{kApex}, {"classic"}, {"web"}}),
        mounted_(stage.executor, rehearsal_.world(), rehearsal_.mount(), stage.clock, stage.entropy, stage.log, root),
        silent_{[](std::string_view) {}, stage.console.err},
        inner_{.executor = stage.executor,
               .console = stage.json ? silent_ : stage.console,
               .log = stage.log,
               .host = mounted_.host(),
               .clock = stage.clock,
               .entropy = stage.entropy,
               .open = [this](const Config&) -> Task<Outside*> { co_return &mounted_.outside(); },
               .disk_root = root,
               .roots = rehearsal_.world().roots()} {}

  Task<int> play() {
    began_ = stage_.clock.steady();
    co_await prepare();
    co_await act("certferry apply", "obtain one certificate for example.com and *.example.com, install it twice",
                 apply({}));
    co_await act("certferry check example.com www.example.com", "look at what both show now", check());
    const std::size_t orders = orders_made();
    co_await act("certferry apply", "again: there is nothing to do", apply({}));
    promise(orders_made() == orders && orders == 1, "the second apply made no order");
    co_await renew_under_load();
    promise(orders_made() == 2, "the renewal made one order");
    promise(rehearsal_.world().zones().txt("_acme-challenge.example.com").empty(), "no TXT record is left behind");
    co_return finish();
  }

 private:
  Task<> prepare() {
    say("certferry demo: a CA, Route 53, IAM and two load balancers on this machine's loopback; nothing in it is "
        "real,\n"
        "nothing is left behind.\n");
    rehearsal_.point(kApex, kApex, "classic");
    rehearsal_.point(kApex, kWww, "web");
    const std::string text = rehearsal_.configuration("/etc/certferry/ca.pem", "/var/lib/certferry");
    co_await inner_.host.replace("/etc/certferry/ca.pem", rehearsal_.mount().places().ca_pem, FileMode{0644});
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
    const std::string classic = rehearsal_.mount().addresses().of(rehearsal_.dns_name("classic"));
    const std::string web = rehearsal_.mount().addresses().of(rehearsal_.dns_name("web"));
    const auto renewing = [&]() -> Task<> {
      co_await act("certferry apply --renew www", "while clients connect to both all the time", apply({"www"}));
      visitors.go_home();
    };
    const auto visiting = [&]() -> Task<> {
      std::vector<Work> works;
      works.push_back([&]() -> Task<> { co_await visitors.visit(classic, kApex); });
      works.push_back([&]() -> Task<> { co_await visitors.visit(web, kWww); });
      co_await all_settled(std::move(works));
    };
    co_await race(renewing, visiting);
    handshakes_ = visitors.handshakes();
    failed_handshakes_ = visitors.complaints().size();
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
  std::size_t orders_made() { return rehearsal_.world().count("acme", "newOrder"); }

  Stage& stage_;
  Rehearsal rehearsal_;
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
  const std::string root = co_await make_scratch_directory(stage, "demo");
  std::exception_ptr failed;
  int exit = 1;
  try {
    Demo demo{stage, stage.disk_root + root};
    exit = co_await demo.play();
  } catch (...) {
    failed = std::current_exception();
  }
  co_await shield_from_cancellation();
  co_await stage.host.remove(root);
  if (failed) std::rethrow_exception(failed);
  co_return exit;
}

}  // namespace certferry
