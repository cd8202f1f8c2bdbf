#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "aws/access.h"
#include "base/failure.h"
#include "deploy/deployment.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/server_certificates.h"

namespace certferry {

// A process that deploys into a simulated world, with credentials of that world.
struct Deployer {
  explicit Deployer(Outside& where)
      : outside(where),
        access(where, std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"), "eu-west-1", {}),
        deployment(where, access) {}
  Outside& outside;
  aws::Access access;
  Deployment deployment;
};

// The Failure that it ends with; empty where it ends well.
inline Task<std::optional<Failure>> failure_of(Work work) {
  try {
    co_await work();
  } catch (const Failure& failure) {
    co_return failure;
  }
  co_return std::nullopt;
}

// A world with load balancers that serve a certificate of some other CA for shop.example, and a new one to install.
class Scene : public ::testing::Test {
 protected:
  sandbox::SimulatedWorld simulation{11};
  sandbox::World& world = simulation.world();
  DomainName shop = DomainName::parse("shop.example");
  sandbox::Presented before = world.foreign({shop}, world.now() - days(60), world.now() + days(30));
  sandbox::Presented fresh = world.foreign({shop}, world.now() - days(1), world.now() + days(89));
  Issued issued{fresh.chain, "https://ca.example/cert/1", 1};
  std::string before_arn = world.server_certificates().put("/", "by-hand", before);

  std::string name_of_issued() const { return "shop.example-20270220-" + issued.fingerprint().text().substr(0, 16); }

  CertificateConfig certificate() {
    CertificateConfig config{.id = CertificateId::parse("shop"), .domains = {shop}};
    return config;
  }
  static InstallConfig on(std::variant<ElbInstall, ListenerInstall, FilesInstall> where,
                          Verify verify = Verify::automatic) {
    InstallConfig install;
    install.where = std::move(where);
    install.verify = verify;
    return install;
  }

  // Lets load balancers find what others have uploaded.
  void settle() { simulation.run_for(minutes(2)); }

  // Runs it in a process of its own; what it throws is thrown. What the process said is in said().
  void run(const std::function<Task<>(Deployer&)>& life) {
    const sandbox::Life whole = [&life](Outside& outside, Store&) -> Task<> {
      Deployer deployer{outside};
      co_await life(deployer);
    };
    const std::size_t process = simulation.start(whole);
    const auto ended = [&] { return simulation.ending(process).has_value(); };
    ASSERT_TRUE(simulation.run_until(ended, hours(1)));
    const auto ending = simulation.ending(process);
    said_ = simulation.said(process);
    if (ending->error) std::rethrow_exception(ending->error);
    ASSERT_EQ(ending->how, sandbox::Ending::How::finished);
  }
  bool heard(std::string_view words) const {
    return std::ranges::any_of(said_, [&](const std::string& line) { return line.contains(words); });
  }

  // Whatever is asked in these words strikes that fault, and nothing else any.
  void lose(const std::string& words, int sandbox::Faults::* fault) {
    simulation.network().heard_request = [this, words, fault](const http::Request& request) {
      const bool meant = request.body.contains(words);
      simulation.faults().*fault = meant ? 100 : 0;
      if (meant) ++lost;
    };
  }
  int lost = 0;

  // Puts the new certificate on the target's shelf and binds it.
  Task<Shelved> installed(Target& target, const Serving& seen) {
    Shelved next = co_await target.shelf().put(issued, fresh.key, {});
    co_await target.bind(next, seen);
    co_return next;
  }

  // As the first one that it is given: what it served is of somebody else.
  Task<Proof> proof_of(Target& target, Serving former = {}) {
    co_return co_await target.verify(issued, former, [](const std::string&) -> Task<bool> { co_return false; });
  }

 private:
  std::vector<std::string> said_;
};

}  // namespace certferry
