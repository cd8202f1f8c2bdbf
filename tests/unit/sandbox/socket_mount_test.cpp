#include "sandbox/mounts/socket_mount.h"

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "real/curl_transport.h"
#include "real/system_clock.h"
#include "real/system_entropy.h"
#include "real/system_resolver.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/mounts/mounted_outside.h"
#include "sandbox/mounts/mounted_resolver.h"
#include "sandbox/server_certificates.h"

namespace certferry::sandbox {
namespace {

// A mounted world with one classic and one application load balancer, and a client that reaches nothing else.
struct Mounted {
  boost::asio::io_context io{1};
  SystemClock clock;
  SystemEntropy entropy;
  World world{Settings{.shown_after = Duration{0}}, entropy, clock.now()};
  Presented first = pair(), second = pair();
  std::string first_arn = world.server_certificates().put("/", "first", first);
  std::string second_arn = world.server_certificates().put("/", "second", second);
  std::string classic_host = world.classic().add("old", first_arn).dns_name;
  std::string listener = world.load_balancers().add("web", second_arn).arn;
  SocketMount mount{io.get_executor(), world, clock};
  CurlTransport transport{io.get_executor(), options()};

  Presented pair() {
    return world.foreign({DomainName::parse("example.com")}, clock.now() - days(1), clock.now() + days(60));
  }
  TransportOptions options() {
    TransportOptions options;
    options.ca = {
        .public_addresses = false, .private_addresses = true, .system_roots = false, .roots = mount.places().ca_pem};
    options.aws = {.http = true, .public_addresses = false, .private_addresses = true};
    options.loopback_route = [this](const std::string& host, std::uint16_t port) { return mount.route(host, port); };
    return options;
  }
  http::Response get(const std::string& url, http::Trust trust, http::Headers headers = {}) {
    http::Response response;
    run([&]() -> Task<> {
      response = co_await transport.send({.url = Url::parse(url), .headers = headers, .trust = trust});
    });
    return response;
  }
  Bytes leaf_shown_at(const Endpoint& endpoint, KeyType key = KeyType::p256) {
    Bytes leaf;
    run([&]() -> Task<> {
      PeerChain chain = co_await transport.handshake(endpoint, "example.com", key);
      leaf = chain.certificates.at(0);
    });
    return leaf;
  }
  void run(Work work) {
    std::exception_ptr failed;
    bool ended = false;
    spawn(io.get_executor(), std::move(work), [&](std::exception_ptr outcome) {
      failed = std::move(outcome);
      ended = true;
    });
    io.restart();
    while (!ended) io.run_one();
    if (failed) std::rethrow_exception(failed);
  }
};

TEST(SocketMount, ServesTheDirectoryUnderItsOwnRootAlone) {
  Mounted mounted;
  auto directory = mounted.get(mounted.mount.places().ca_directory, http::Trust::ca);
  EXPECT_EQ(directory.status, 200);
  EXPECT_TRUE(directory.body.contains("newOrder"));
  EXPECT_THROW(mounted.get(mounted.mount.places().ca_directory, http::Trust::aws), Failure);
}

TEST(SocketMount, AnswersForAwsAndRefusesForeignHosts) {
  Mounted mounted;
  auto unsigned_request =
      mounted.get(mounted.mount.places().aws_endpoint + "/?Action=GetCallerIdentity", http::Trust::aws);
  EXPECT_EQ(unsigned_request.status, 403);
  auto foreign = mounted.get(mounted.mount.places().aws_endpoint + "/", http::Trust::aws, {{"Host", "evil.example"}});
  EXPECT_EQ(foreign.status, 421);
}

TEST(SocketMount, HoldsARequestBackUntilItIsDroppedOrReleased) {
  Mounted mounted;
  auto ask = [&](const std::string& path, const std::string& method) -> Task<int> {
    auto url = Url::parse(Url::parse(mounted.mount.places().seen).origin() + path);
    co_return (co_await mounted.transport.send({.method = method, .url = url, .trust = http::Trust::ca})).status;
  };
  auto directory = Url::parse(mounted.mount.places().ca_directory).path();
  std::vector<int> statuses;
  mounted.run([&]() -> Task<> {
    for (std::string end : {"drop", "release"}) {
      EXPECT_EQ(co_await ask("/sandbox/hold?before=2", "POST"), 204);
      EXPECT_EQ(co_await ask(directory, "GET"), 200) << "the first is not held";
      auto held_then_let_go = [&]() -> Task<> {
        EXPECT_EQ(co_await ask("/sandbox/held", "GET"), 200);
        EXPECT_EQ(co_await ask("/sandbox/" + end, "POST"), 204);
      };
      auto held = [&]() -> Task<> { statuses.push_back(co_await ask(directory, "GET")); };
      co_await all_settled({held_then_let_go, held});
    }
    EXPECT_EQ(co_await ask("/sandbox/held", "GET"), 404) << "nothing is awaited";
  });
  EXPECT_EQ(statuses, (std::vector{503, 200}));
}

TEST(SocketMount, ShowsAtEachHandshakeWhatTheListenerShowsByNow) {
  Mounted mounted;
  EXPECT_EQ(mounted.leaf_shown_at({mounted.classic_host, 443}), mounted.first.chain.leaf.der());
  auto address = mounted.mount.addresses().of(mounted.world.load_balancers().by_name.at("web").dns_name);
  EXPECT_EQ(mounted.leaf_shown_at({address, 443}), mounted.second.chain.leaf.der());
  mounted.world.classic().by_name.at("old").listeners.at(443).bind(mounted.second_arn, mounted.clock.now());
  EXPECT_EQ(mounted.leaf_shown_at({mounted.classic_host, 443}), mounted.second.chain.leaf.der());
  EXPECT_THROW(mounted.leaf_shown_at({mounted.classic_host, 443}, KeyType::rsa2048), Failure);
}

TEST(SocketMount, OpensPortsForWhatCameLaterAndRoutesNothingElse) {
  Mounted mounted;
  std::string host = mounted.world.classic().add("late", mounted.first_arn).dns_name;
  EXPECT_FALSE(mounted.mount.route(host, 443));
  mounted.mount.refresh();
  EXPECT_TRUE(mounted.mount.route(host, 443));
  EXPECT_FALSE(mounted.mount.route("route53.amazonaws.com", 443));
  EXPECT_FALSE(mounted.mount.route("127.0.0.1", 22));
}

TEST(SocketMount, AnswersDnsForItsZones) {
  Mounted mounted;
  mounted.world.zones().add("example.com");
  mounted.world.zones().put("example.com",
                            {.name = "www.example.com", .type = "TXT", .ttl = 60, .values = {"\"hello\""}});
  SystemResolver resolver{mounted.entropy};
  dns::Answer answer;
  mounted.run([&]() -> Task<> {
    answer = co_await resolver.ask({"www.example.com", dns::Type::txt}, {"127.0.0.1", mounted.mount.places().dns_port});
  });
  ASSERT_EQ(answer.answers.size(), 1U);
  EXPECT_EQ(answer.answers[0].data, "hello");
  EXPECT_TRUE(answer.authoritative);
  MountedResolver inside{mounted.mount.places(), mounted.entropy};
  std::vector<std::string> addresses;
  mounted.run([&]() -> Task<> { addresses = co_await inside.addresses(mounted.classic_host); });
  EXPECT_EQ(addresses, std::vector<std::string>{mounted.mount.addresses().of(mounted.classic_host)});
}

TEST(SocketMount, HasAResolverThatFollowsAliasesAndKnowsNoOtherNames) {
  Mounted mounted;
  mounted.world.zones().add("example.com");
  mounted.world.zones().add("example.net");
  mounted.world.zones().put("example.com",
                            {.name = "www.example.com", .type = "CNAME", .ttl = 60, .values = {"edge.example.net."}});
  mounted.world.zones().put(
      "example.net", {.name = "edge.example.net", .type = "CAA", .ttl = 60, .values = {"0 issue \"ca.example\""}});
  SystemResolver resolver{mounted.entropy, {.servers = {{"127.0.0.1", mounted.mount.places().resolver_port}}}};
  dns::Answer followed, unknown;
  mounted.run([&]() -> Task<> {
    followed = co_await resolver.ask({"www.example.com", dns::Type::caa}, {});
    unknown = co_await resolver.ask({"www.example.org", dns::Type::caa}, {});
  });
  ASSERT_EQ(followed.answers.size(), 2U);
  EXPECT_EQ(followed.answers[1].data, "0 issue ca.example");
  EXPECT_FALSE(followed.authoritative);
  EXPECT_EQ(unknown.rcode, dns::Rcode::name_error);
}

// A directory of its own, gone at the end.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "certferry-mount-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(SocketMount, IsDescribedWholeInJson) {
  Mounted mounted;
  mounted.world.zones().add("example.com");
  mounted.mount.refresh();
  const SocketPlaces& places = mounted.mount.places();
  const auto described = Json::parse(to_json(places).dump(), "the description");
  EXPECT_EQ(from_json<SocketPlaces>(described), places);
  EXPECT_EQ(places.listener_arns,
            std::vector<std::string>{mounted.world.load_balancers().by_name.at("web").listeners.at(0).arn});
}

TEST(SocketMount, TellsWhatTheWorldSaw) {
  Mounted mounted;
  mounted.world.zones().add("example.com");
  mounted.world.zones().put("example.com", {.name = "example.com", .type = "TXT", .ttl = 60, .values = {"\"here\""}});
  mounted.get(mounted.mount.places().ca_directory, http::Trust::ca);
  const Json seen = Json::parse(mounted.get(mounted.mount.places().seen, http::Trust::ca).body, "what was seen");
  EXPECT_EQ(seen.at("requests").integer("acme directory"), 1);
  EXPECT_EQ(seen.integer("changes"), 0);
  EXPECT_EQ(seen.integer("txt_sets"), 1);
}

TEST(MountedOutside, ReachesTheMountAndNothingElse) {
  Mounted mounted;
  Folder folder;
  QuietLog log;
  MountedOutside doors{mounted.io.get_executor(), mounted.mount.places(), mounted.clock, mounted.entropy, log,
                       folder.path.string()};
  Outside& outside = doors.outside();
  EXPECT_EQ(outside.host.environment("AWS_ENDPOINT_URL"), mounted.mount.places().aws_endpoint);
  EXPECT_FALSE(outside.host.environment("PATH"));
  mounted.run([&]() -> Task<> {
    http::Request directory{.url = Url::parse(mounted.mount.places().ca_directory), .trust = http::Trust::ca};
    EXPECT_EQ((co_await outside.transport.send(directory)).status, 200);
  });
  for (const char* elsewhere : {"https://iam.amazonaws.com/", "http://127.0.0.1:1/", "http://169.254.169.254/latest"})
    EXPECT_THROW(mounted.run([&]() -> Task<> {
      co_await outside.transport.send({.url = Url::parse(elsewhere), .trust = http::Trust::aws});
    }),
                 Failure);
  EXPECT_THROW(mounted.run([&]() -> Task<> { co_await outside.resolver.addresses("example.net"); }), Failure);
}

TEST(MountedOutside, KeepsFilesInItsDirectoryAndRunsNothing) {
  Mounted mounted;
  Folder folder;
  QuietLog log;
  MountedOutside doors{mounted.io.get_executor(), mounted.mount.places(), mounted.clock, mounted.entropy, log,
                       folder.path.string()};
  Host& host = doors.outside().host;
  mounted.run([&]() -> Task<> {
    co_await host.replace("/etc/ssl/www/one/cert.pem", "certificate", {0644});
    co_await host.link("/etc/ssl/www/live", "/etc/ssl/www/one");
    EXPECT_EQ(co_await host.read("/etc/ssl/www/live/cert.pem"), "certificate");
    EXPECT_EQ(co_await host.link_target("/etc/ssl/www/live"), "/etc/ssl/www/one");
    EXPECT_EQ((co_await host.run({{"touch", (folder.path / "ran").string()}})).status, 0);
  });
  EXPECT_TRUE(std::filesystem::exists(folder.path / "etc/ssl/www/one/cert.pem"));
  EXPECT_FALSE(std::filesystem::exists(folder.path / "ran"));
  EXPECT_EQ(doors.host().commands.size(), 1U);
  EXPECT_THROW(mounted.run([&]() -> Task<> { co_await host.read("/etc/../../passwd"); }), Failure);
}

}  // namespace
}  // namespace certferry::sandbox
