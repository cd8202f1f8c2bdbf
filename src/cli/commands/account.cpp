#include "engine/account.h"

#include <fmt/format.h>
#include <memory>
#include <optional>

#include "acme/session.h"
#include "base/s3_place.h"
#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"

namespace certferry {
namespace {

// Makes no state where there is none: empty.
Task<std::unique_ptr<Foundation>> store_if_there(Stage& stage, const Config& config) {
  const bool embedded = !in_s3(config.state.store);
  if (embedded && !co_await stage.host.status(state_directory(config, stage.host) + "/state.db")) co_return nullptr;
  co_return co_await Foundation::lay_store(stage, config);
}

// What the state remembers of our account, "" where it remembers none.
Task<std::string> remembered_url(Stage& stage, const Config& config) {
  const auto foundation = co_await store_if_there(stage, config);
  if (!foundation) co_return "";
  const std::string key = account_key(config.ca.url);
  const auto entry = co_await foundation->store().get(key);
  co_return entry ? Json::parse(entry->value, key).text("url").value_or("") : "";
}

// `account --directory CA` needs a CA alone, and no names; what says where the state is stands for a file, as
// elsewhere.
Task<Config> account_config(Stage& stage, const AccountCommand& command) {
  if (!command.config.flags) co_return co_await load_config_or_defaults(stage, command.config);
  const Flags& flags = *command.config.flags;
  if (flags.store || flags.kms_key || flags.region || flags.profile)
    co_return co_await load_config_or_defaults(stage, command.config);
  Config config = co_await load_config_or_defaults(stage, {command.config.file, {}});
  try {
    const CaConfig named = flags.directory ? parse_ca(*flags.directory) : config.ca;
    if (named.url != config.ca.url) config.ca = named;  // of that very CA the configuration may say more
  } catch (const Failure& failure) {
    throw Misconfigured{failure};
  }
  if (flags.trust) {
    config.ca.trust = flags.trust;
    config.ca.trust_place = Place{"--trust"};
  }
  co_return config;
}

// Asks no CA: one that has closed the account has nothing to say to it.
Task<int> replace_account(Stage& stage, const Config& config) {
  const auto foundation = co_await store_if_there(stage, config);
  std::optional<GivenUpAccount> former;
  if (foundation) former = co_await give_up_account(foundation->store(), config.ca.url);
  const std::string& key = config.account.key;
  if (!former)
    throw Failure{Failure::Kind::refused, fmt::format("the state knows of no account at {}", config.ca.url),
                  key.empty() ? "Run `certferry apply`: it makes one"
                              : fmt::format("Run `certferry apply`: it begins with the account of the key {}; where "
                                            "that is closed, take that key away, or write another there",
                                            key)};
  std::string text = fmt::format("{} is given up; `certferry apply --retry` begins with another account.\n",
                                 former->url.empty() ? "The account key in the state" : former->url);
  if (!key.empty()) text += fmt::format("It will be that of the key {}: take the former key away first.\n", key);
  say_result(
      stage, text,
      Json::object({{"directory", config.ca.url}, {"given_up", former->url.empty() ? Json{} : Json{former->url}}}));
  co_return 0;
}

}  // namespace

Task<int> do_account(Stage& stage, const AccountCommand& command) {
  const Config config = co_await account_config(stage, command);
  if (command.replace) co_return co_await replace_account(stage, config);
  Outside* outside = co_await stage.open(config);
  acme::Session session{*outside, config.ca.url};
  const acme::Directory directory = co_await session.directory();
  const std::string account = co_await remembered_url(stage, config);
  const std::string terms = directory.terms_of_service.empty() ? "the CA has no terms" : directory.terms_of_service;
  const std::string agreed = config.ca.agree_to_terms ? "yes, by the configuration"
                             : directory.terms_of_service.empty()
                                 ? "there is nothing to agree to"
                                 : "no; read them, then write agree_to_terms = true into [ca], or --agree-to-terms";
  const std::string text = fmt::format("CA:      {}\nTerms:   {}\nAgreed:  {}\nAccount: {}\n", config.ca.url, terms,
                                       agreed, account.empty() ? "none yet; apply makes one" : account);
  say_result(stage, text,
             Json::object({{"directory", config.ca.url},
                           {"terms", directory.terms_of_service},
                           {"agreed", config.ca.agree_to_terms},
                           {"account", account.empty() ? Json{} : Json{account}}}));
  co_return 0;
}

}  // namespace certferry
