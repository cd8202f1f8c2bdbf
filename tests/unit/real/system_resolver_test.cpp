#include "real/system_resolver.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <thread>

#include "machine.h"
#include "real/address_policy.h"
#include "real/dns_listener.h"
#include "real/system_entropy.h"
#include "system_call_filter.h"

namespace certferry {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

dns::Message txt_answer(const dns::Message& query, std::size_t count) {
  dns::Message reply;
  reply.authoritative = true;
  for (std::size_t i = 0; i < count; ++i)
    reply.answers.push_back({query.questions[0].name, dns::Type::txt, 60, "value " + std::to_string(i)});
  return reply;
}

struct SystemResolverTest : ::testing::Test {
  Machine machine;
  SystemEntropy entropy;
  SystemResolver resolver{entropy, {.timeout = milliseconds(100)}};
  const dns::Question question{"_acme-challenge.shop.example", dns::Type::txt};
};

TEST_F(SystemResolverTest, AsksByUdpAndByTcpWhereTheAnswerIsCut) {
  for (const std::size_t count : {1U, 200U}) {
    DnsListener server{machine.executor(), {}, [&](const dns::Message& query) { return txt_answer(query, count); }};
    const dns::Answer answer = machine.run(resolver.ask(question, {"127.0.0.1", server.port()}));
    EXPECT_EQ(answer.rcode, dns::Rcode::no_error);
    EXPECT_TRUE(answer.authoritative);
    ASSERT_EQ(answer.answers.size(), count);
    EXPECT_EQ(answer.answers.back().data, "value " + std::to_string(count - 1));
  }
}

TEST_F(SystemResolverTest, TellsANameErrorFromAServerThatFails) {
  DnsListener server{machine.executor(), {}, [](const dns::Message& query) {
                       dns::Message reply;
                       if (query.questions[0].name == "broken.example") throw std::runtime_error("oops");
                       reply.rcode = dns::Rcode::name_error;
                       return reply;
                     }};
  const dns::Nameserver there{"127.0.0.1", server.port()};
  EXPECT_EQ(machine.run(resolver.ask(question, there)).rcode, dns::Rcode::name_error);
  EXPECT_EQ(machine.run(resolver.ask({"broken.example", dns::Type::a}, there)).rcode, dns::Rcode::server_failure);
}

TEST_F(SystemResolverTest, PassesOverAnswersToOtherQuestionsAndIds) {
  boost::asio::ip::udp::socket server{machine.io, {boost::asio::ip::address_v4::loopback(), 0}};
  Work liar = [&]() -> Task<> {
    std::array<char, 1024> buffer;
    boost::asio::ip::udp::endpoint sender;
    const std::size_t size =
        co_await server.async_receive_from(boost::asio::buffer(buffer), sender, boost::asio::use_awaitable);
    const auto query = dns::parse({buffer.data(), size});
    dns::Message reply = txt_answer(*query, 1);
    reply.response = true;
    reply.questions = query->questions;
    reply.id = static_cast<std::uint16_t>(query->id + 1);
    co_await server.async_send_to(boost::asio::buffer(dns::encode(reply)), sender, boost::asio::use_awaitable);
    reply.id = query->id;
    reply.questions[0].name = "other.example";
    co_await server.async_send_to(boost::asio::buffer(dns::encode(reply)), sender, boost::asio::use_awaitable);
    co_await server.async_send_to(boost::asio::buffer("rubbish", 7), sender, boost::asio::use_awaitable);
    reply.questions = query->questions;
    reply.answers[0].data = "the truth";
    co_await server.async_send_to(boost::asio::buffer(dns::encode(reply)), sender, boost::asio::use_awaitable);
  };
  spawn(machine.executor(), liar, [](std::exception_ptr) {});
  const dns::Answer answer = machine.run(resolver.ask(question, {"127.0.0.1", server.local_endpoint().port()}));
  ASSERT_EQ(answer.answers.size(), 1U);
  EXPECT_EQ(answer.answers[0].data, "the truth");
}

TEST_F(SystemResolverTest, IsTransientWhereNoAnswerComes) {
  boost::asio::ip::udp::socket silent{machine.io, {boost::asio::ip::address_v4::loopback(), 0}};
  const auto failure = failure_of(machine, resolver.ask(question, {"127.0.0.1", silent.local_endpoint().port()}));
  EXPECT_EQ(failure->kind(), Failure::Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("for TXT _acme-challenge.shop.example: no answer within 100 ms"));
}

TEST_F(SystemResolverTest, StopsWhenCancelled) {
  boost::asio::ip::udp::socket silent{machine.io, {boost::asio::ip::address_v4::loopback(), 0}};
  SystemResolver patient{entropy, {.timeout = hours(1)}};
  Work ask = [&]() -> Task<> { co_await patient.ask(question, {"127.0.0.1", silent.local_endpoint().port()}); };
  Work soon = []() -> Task<> { co_await pause_for(milliseconds(10)); };
  EXPECT_EQ(machine.run(race(ask, soon)), 1U);
}

TEST_F(SystemResolverTest, AsksTheServersOfResolvConfWhereNoneIsNamed) {
  TemporaryDirectory directory;
  std::ofstream{directory / "resolv.conf"} << "# mine\nsearch example\nnameserver not-an-address\n";
  SystemResolver configured{entropy, {.resolv_conf = directory / "resolv.conf", .timeout = milliseconds(50)}};
  EXPECT_THAT(failure_of(machine, configured.ask(question, {}))->what(), HasSubstr("Asking not-an-address port 53"));
}

dns::Message answer_of(dns::Rcode rcode) {
  dns::Message reply;
  reply.rcode = rcode;
  return reply;
}

// As the C library does: a resolver that answers its own network's names alone may stand before one that answers all.
TEST_F(SystemResolverTest, GoesOnToTheNextServerWhereOneFailsOrRefuses) {
  DnsListener good{machine.executor(), {}, [](const dns::Message& query) { return txt_answer(query, 1); }};
  for (const dns::Rcode rcode : {dns::Rcode::server_failure, dns::Rcode::not_implemented, dns::Rcode::refused}) {
    DnsListener bad{machine.executor(), {}, [rcode](const dns::Message&) { return answer_of(rcode); }};
    SystemResolver both{
        entropy, {.servers = {{"127.0.0.1", bad.port()}, {"127.0.0.1", good.port()}}, .timeout = milliseconds(100)}};
    const dns::Answer answer = machine.run(both.ask(question, {}));
    EXPECT_EQ(answer.rcode, dns::Rcode::no_error);
    EXPECT_EQ(answer.answers.size(), 1U);
    EXPECT_EQ(machine.run(both.ask(question, {"127.0.0.1", bad.port()})).rcode, rcode) << "whoever is named is asked";
  }
}

TEST_F(SystemResolverTest, BelievesTheFirstServerThatSaysThatThereIsNothing) {
  DnsListener good{machine.executor(), {}, [](const dns::Message& query) { return txt_answer(query, 1); }};
  DnsListener denies{machine.executor(), {}, [](const dns::Message&) { return answer_of(dns::Rcode::name_error); }};
  SystemResolver both{entropy, {.servers = {{"127.0.0.1", denies.port()}, {"127.0.0.1", good.port()}}}};
  EXPECT_EQ(machine.run(both.ask(question, {})).rcode, dns::Rcode::name_error);
}

TEST_F(SystemResolverTest, AnswersAsTheLastServerDoesWhereAllFailOrRefuse) {
  DnsListener refuses{machine.executor(), {}, [](const dns::Message&) { return answer_of(dns::Rcode::refused); }};
  DnsListener fails{machine.executor(), {}, [](const dns::Message&) { return answer_of(dns::Rcode::server_failure); }};
  SystemResolver both{entropy, {.servers = {{"127.0.0.1", refuses.port()}, {"127.0.0.1", fails.port()}}}};
  EXPECT_EQ(machine.run(both.ask(question, {})).rcode, dns::Rcode::server_failure);
}

// Whether it would have refused as well nobody knows.
TEST_F(SystemResolverTest, IsTransientWhereOneServerRefusesAndAnotherIsSilent) {
  DnsListener refuses{machine.executor(), {}, [](const dns::Message&) { return answer_of(dns::Rcode::refused); }};
  boost::asio::ip::udp::socket silent{machine.io, {boost::asio::ip::address_v4::loopback(), 0}};
  const dns::Nameserver first{"127.0.0.1", refuses.port()}, second{"127.0.0.1", silent.local_endpoint().port()};
  for (const auto& servers : {std::vector{first, second}, std::vector{second, first}}) {
    SystemResolver both{entropy, {.servers = servers, .timeout = milliseconds(50)}};
    const auto failure = failure_of(machine, both.ask(question, {}));
    EXPECT_EQ(failure->kind(), Failure::Kind::transient);
    EXPECT_THAT(failure->what(), HasSubstr("no answer within 50 ms"));
  }
}

TEST_F(SystemResolverTest, FindsAddressesAsProgramsHereDo) {
  EXPECT_THAT(machine.run(resolver.addresses("localhost")), Contains("127.0.0.1"));
  EXPECT_THAT(machine.run(resolver.addresses("::1")), Contains("::1"));
  const auto failure = failure_of(machine, resolver.addresses("no such name"));
  EXPECT_EQ(failure->kind(), Failure::Kind::transient);
}

// As where a limit of processes is reached: every thread counts.
TEST_F(SystemResolverTest, IsTransientWhereNoThreadCanBeHad) {
  bool possible = false;
  std::optional<Failure> failure;
  std::thread{[&] {  // a filter is its thread's, and stays
    possible = forbid_system_call(SYS_clone3) && forbid_system_call(SYS_clone);
    failure = failure_of(machine, resolver.addresses("localhost"));
  }}
      .join();
  if (!possible) GTEST_SKIP() << "no filter of system calls may be set here";
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("Looking up localhost: Operation not permitted"));
  EXPECT_THAT(machine.run(resolver.addresses("localhost")), Contains("127.0.0.1")) << "once there are some";
}

TEST(AddressPolicy, KnowsWhatAnAddressIsFor) {
  EXPECT_EQ(kind_of_address("8.8.8.8"), AddressKind::global);
  EXPECT_EQ(kind_of_address("127.9.9.9"), AddressKind::loopback);
  EXPECT_EQ(kind_of_address("169.254.169.254"), AddressKind::link_local);
  EXPECT_EQ(kind_of_address("172.31.0.1"), AddressKind::private_use);
  EXPECT_EQ(kind_of_address("172.32.0.1"), AddressKind::global);
  EXPECT_EQ(kind_of_address("0.0.0.0"), AddressKind::other);
  EXPECT_EQ(kind_of_address("255.255.255.255"), AddressKind::other);
  EXPECT_EQ(kind_of_address("2600::1"), AddressKind::global);
  EXPECT_EQ(kind_of_address("::1"), AddressKind::loopback);
  EXPECT_EQ(kind_of_address("::ffff:127.0.0.1"), AddressKind::loopback);
  EXPECT_EQ(kind_of_address("64:ff9b::7f00:1"), AddressKind::loopback);
  EXPECT_EQ(kind_of_address("fe80::1"), AddressKind::link_local);
  EXPECT_EQ(kind_of_address("fd00:ec2::254"), AddressKind::private_use);
  EXPECT_EQ(kind_of_address("ff02::1"), AddressKind::other);
  EXPECT_EQ(kind_of_address("example.com"), AddressKind::other);
  EXPECT_TRUE(is_metadata_address("fd00:ec2::254"));
  EXPECT_FALSE(is_metadata_address("fd00:ec3::254"));
}

TEST(AddressPolicy, ReadsNoProxyAsOtherProgramsDo) {
  EXPECT_TRUE(spared_by_no_proxy("*", "shop.example"));
  EXPECT_TRUE(spared_by_no_proxy("a.example, .shop.example", "www.SHOP.example"));
  EXPECT_TRUE(spared_by_no_proxy("shop.example", "shop.example"));
  EXPECT_TRUE(spared_by_no_proxy("*.shop.example", "www.shop.example"));
  EXPECT_TRUE(spared_by_no_proxy("10.0.0.0/8 127.0.0.1", "10.1.2.3"));
  EXPECT_TRUE(spared_by_no_proxy("[::1]", "::1"));
  EXPECT_FALSE(spared_by_no_proxy("shop.example", "bookshop.example"));
  EXPECT_FALSE(spared_by_no_proxy("10.0.0.0/8", "11.1.2.3"));
  EXPECT_FALSE(spared_by_no_proxy("", "shop.example"));
}

}  // namespace
}  // namespace certferry
