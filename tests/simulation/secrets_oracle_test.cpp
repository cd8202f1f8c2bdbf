#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"
#include "wire/base64.h"

// As oracles_test.cpp, for secrets in what is stored, shown, logged or sent.
namespace certferry::simulation {
namespace {

// In whatever form, wherever it is.
TEST_F(Planted, SecretsInEveryFormAndEveryPlace) {
  estate.apply();
  const auto key = world().server_certificates().by_name.lower_bound("shop.example-")->second.content.key;
  const std::string der{key.der().reveal()}, pem{key.pem().reveal()};
  const std::string scalar = der.substr(der.find(std::string{"\x02\x01\x01\x04\x20", 5}) + 5, 32);
  const std::vector<std::string> forms{der,
                                       pem,
                                       scalar,
                                       hex(scalar),
                                       base64(scalar),
                                       base64(der),
                                       base64url(der),
                                       hex(der),
                                       base64("x" + scalar),
                                       "sandbox-secret",
                                       base64("key=sandbox-secret"),
                                       Json{pem}.dump()};
  const auto leaks = [&] {
    std::size_t count = 0;
    for (const std::string& sentence : estate.watch->complaints()) count += sentence.starts_with("a secret") ? 1 : 0;
    return count;
  };
  std::size_t expected = 0;
  EXPECT_EQ(leaks(), expected);
  for (const std::string& form : forms) {
    store("certificate/shop/note", "before " + form + " after");
    EXPECT_EQ(leaks(), ++expected) << form;
  }
  estate.simulated->trace().line("it is " + hex(scalar));
  EXPECT_EQ(leaks(), ++expected) << "traced";
  estate.simulated->machine().write("/tmp/key", pem, 0644);
  EXPECT_EQ(leaks(), ++expected) << "in a file that others may read";
  estate.simulated->machine().commands.push_back({.argv = {"openssl", base64(der)}});
  EXPECT_EQ(leaks(), ++expected) << "an argument";
  estate.simulated->run([&](Outside& outside, Store&) -> Task<> {
    outside.log.info("its scalar is " + hex(scalar));
    http::Request request{.url = Url::parse("https://ca.sandbox.test/?key=" + base64url(der))};
    co_await outside.transport.send(request);
  });
  EXPECT_EQ(leaks(), expected + 3) << "logged; sent, and traced where it arrived";
}

TEST_F(Planted, SecretsInWhatIsShownAndThoseOfSessions) {
  estate.apply();
  world().add_access_key("ASIAPLANTED", "planted-session-secret");
  world().sts().sessions["ASIAPLANTED"] = {
      .arn = {}, .user_id = {}, .token = "planted-session-token", .role = {}, .expires = now()};
  happens("sts", "AssumeRole");
  for (const char* secret : {"sandbox-secret", "planted-session-secret", "planted-session-token"})
    estate.watch->secrets().shown(std::string{"It failed: "} + secret);
  EXPECT_EQ(
      std::ranges::count_if(estate.verdict(),
                            [](const std::string& said) { return said.starts_with("a secret stands in what was"); }),
      3);
}

}  // namespace
}  // namespace certferry::simulation
