#include "engine/account.h"

#include <fmt/format.h>

#include "acme/session.h"
#include "base/s3_place.h"
#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"

namespace certferry {
namespace {

// What the state remembers of our account, "" where it remembers none. Makes no state where there is none.
Task<std::string> remembered_url(Stage& stage, const Config& config) {
  const bool embedded = !in_s3(config.state.store);
  if (embedded && !co_await stage.host.status(state_directory(config, stage.host) + "/state.db")) co_return "";
  const auto foundation = co_await Foundation::lay_store(stage, config);
  const std::string key = account_key(config.ca.url);
  const auto entry = co_await foundation->store().get(key);
  co_return entry ? Json::parse(entry->value, key).text("url").value_or("") : "";
}

// `account --directory CA` needs a CA alone, and no names.
Task<Config> account_config(Stage& stage, const AccountCommand& command) {
  if (!command.config.flags) co_return co_await load_config_or_defaults(stage, command.config);
  Config config = co_await load_config_or_defaults(stage, {command.config.file, {}});
  const Flags& flags = *command.config.flags;
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

}  // namespace

Task<int> do_account(Stage& stage, const AccountCommand& command) {
  const Config config = co_await account_config(stage, command);
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
