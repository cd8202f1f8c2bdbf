#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "cli/commands/commands.h"
#include "cli/companion.h"
#include "cli/play.h"
#include "cli/rehearsal.h"

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

CommandLine apply(std::vector<std::string> renew) {
  return {.command = ApplyCommand{{}, Request{.renew = std::move(renew)}, limits::renewal::claim_wait}};
}

CommandLine check() { return {.command = CheckCommand{.hosts = {kApex, kWww}}}; }

Task<> prepare(Play& play, const sandbox::SocketPlaces& places) {
  play.say(
      "certferry demo: a CA, Route 53, IAM and two load balancers, in a process of their own, on this machine's\n"
      "loopback. Nothing in it is real, nothing is left behind.\n");
  const std::string text = rehearsal_configuration(places, "/etc/certferry/ca.pem", "/var/lib/certferry");
  co_await play.stage().host.replace("/etc/certferry/ca.pem", places.ca_pem, FileMode{0644});
  co_await play.stage().host.replace("/etc/certferry/certferry.toml", text, FileMode{0644});
  play.say("\n/etc/certferry/certferry.toml:\n");
  play.say_indented(text);
}

// A forced renewal under clients that connect all the time; what they saw.
Task<Json::Object> renew_under_load(Play& play) {
  Stage& stage = play.stage();
  Visitors visitors{play.outside(), *stage.roots};
  const std::string apex = (co_await play.outside().resolver.addresses(kApex)).front();
  const std::string www = (co_await play.outside().resolver.addresses(kWww)).front();
  const SteadyTime since = stage.clock.steady();
  const auto renewing = [&]() -> Task<> {
    co_await play.act("certferry apply --renew www", "while clients connect to both all the time", apply({"www"}));
    visitors.go_home();
  };
  const auto visiting = [&]() -> Task<> {
    std::vector<Work> works;
    works.push_back([&]() -> Task<> { co_await visitors.visit(apex, kApex); });
    works.push_back([&]() -> Task<> { co_await visitors.visit(www, kWww); });
    co_await all_settled(std::move(works));
  };
  stage.log.step_begun("clients", "handshakes");
  co_await race(renewing, visiting);
  const std::size_t failed = visitors.complaints().size();
  stage.log.step_ended("clients", "handshakes", failed == 0 ? "done" : "failed", stage.clock.steady() - since);
  play.say(fmt::format("  {} TLS handshakes meanwhile, {} certificates seen: {} failed handshakes\n",
                       visitors.handshakes(), visitors.certificates_seen(), failed));
  play.promise(failed == 0, failed == 0 ? "no handshake failed"
                                        : "no handshake failed; the first that did: " + visitors.complaints().front());
  play.promise(visitors.certificates_seen() == 2, "clients saw the old certificate and then the new one, and no other");
  co_return Json::Object{{"handshakes", visitors.handshakes()}, {"failed_handshakes", static_cast<long>(failed)}};
}

// The whole story, told act by act.
Task<int> play_demo(Play& play, const sandbox::SocketPlaces& places) {
  co_await prepare(play, places);
  co_await play.act("certferry apply", "obtain one certificate for example.com and *.example.com, install it twice",
                    apply({}));
  co_await play.act("certferry check example.com www.example.com", "look at what both show now", check());
  const Play::Seen before = co_await play.seen();
  co_await play.act("certferry apply", "again: there is nothing to do", apply({}));
  const Play::Seen after = co_await play.seen();
  play.promise(before.orders == 1 && after.orders == 1, "the second apply made no order");
  play.promise(before.changes == after.changes, "the second apply changed nothing");
  Json::Object handshakes = co_await renew_under_load(play);
  const Play::Seen last = co_await play.seen();
  play.promise(last.orders == 2, "the renewal made one order");
  play.promise(last.txt_sets == 0, "no TXT record is left behind");
  co_return play.finish("Now write your own configuration (docs/configuration.md), and rehearse it: certferry rehearse",
                        std::move(handshakes));
}

}  // namespace

Task<int> do_demo(Stage& stage, const DemoCommand&) {
  int exit = 1;
  const WorkInSandbox work = [&](const sandbox::SocketPlaces& places, const std::string& root) -> Task<> {
    Play play{stage, places, root};
    exit = co_await play_demo(play, places);
  };
  co_await beside_a_sandbox(stage, {}, work);
  co_return exit;
}

}  // namespace certferry
