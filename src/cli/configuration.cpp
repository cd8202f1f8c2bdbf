#include "cli/configuration.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "cli/said.h"
#include "config/nearest.h"

namespace certferry {
namespace {

constexpr const char* kDefaultFiles[]{"/etc/certferry/certferry.toml", "certferry.toml"};

// Its text, and the name it was found under; empty where none is named and none stands in the default places.
struct Found {
  std::string file, text;
};

Task<std::optional<Found>> find_text(Stage& stage, const std::string& file) {
  if (!file.empty()) {
    const auto text = co_await stage.host.read(file);
    if (text) co_return Found{file, *text};
    throw Failure(Failure::Kind::refused, fmt::format("the configuration {} is not there", file),
                  "Write it (docs/configuration.md), or name another with --config");
  }
  for (const char* usual : kDefaultFiles) {
    if (const auto text = co_await stage.host.read(usual)) co_return Found{usual, *text};
  }
  co_return std::nullopt;
}

Task<std::optional<Config>> config_if_any(Stage& stage, const ConfigSource& source) {
  if (source.flags) co_return config_from_flags(*source.flags);
  const auto found = co_await find_text(stage, source.file);
  if (!found) co_return std::nullopt;
  co_return parse_config(found->text, found->file);
}

// What is wrong with it is the user's to correct before anything is tried.
Task<std::optional<Config>> config_or_misconfigured(Stage& stage, const ConfigSource& source) {
  try {
    auto config = co_await config_if_any(stage, source);
    if (config && stage.adapt) stage.adapt(*config);
    co_return config;
  } catch (const Failure& failure) {
    throw Misconfigured{failure};
  }
}

[[noreturn]] void misconfigured(std::string what, std::string next) {
  throw Misconfigured{Failure{Failure::Kind::refused, std::move(what), std::move(next)}};
}

Config state_of_flags(const Flags& flags) {
  try {
    return config_of_state(flags);
  } catch (const Failure& failure) {
    throw Misconfigured{failure};
  }
}

}  // namespace

Task<Config> load_config(Stage& stage, const ConfigSource& source) {
  auto config = co_await config_or_misconfigured(stage, source);
  if (!config) {
    misconfigured(fmt::format("there is no configuration: neither {} nor {}", kDefaultFiles[0], kDefaultFiles[1]),
                  source.takes_flags
                      ? "Write one (docs/configuration.md), name one with --config, or use --domain with "
                        "--elb, --listener or --files"
                      : "Write one (docs/configuration.md), or name one with --config");
  }
  if (config->certificates.empty()) {
    misconfigured(config->place.text() + ": the configuration names no certificate",
                  "Add [[certificate]] with domains = [\"example.com\"]");
  }
  co_return std::move(*config);
}

Task<Config> load_config_or_defaults(Stage& stage, const ConfigSource& source) {
  if (source.flags) co_return state_of_flags(*source.flags);
  auto config = co_await config_or_misconfigured(stage, source);
  co_return config ? std::move(*config) : parse_config("", "");
}

Task<std::string> config_text(Stage& stage, const std::string& file) {
  const auto found = co_await find_text(stage, file);
  co_return found ? found->text : "";
}

void require_certificates(const Config& config, const Request& request) {
  std::vector<std::string_view> known;
  for (const CertificateConfig& certificate : config.certificates) known.push_back(certificate.id.text());
  for (const auto& [flag, names] : {std::pair{"--renew", &request.renew}, std::pair{"--only", &request.only}}) {
    for (const std::string& name : *names) {
      if (std::ranges::find(known, name) != known.end()) continue;
      const auto meant = nearest(name, known);
      misconfigured(fmt::format("{}: no certificate{} is called \"{}\"", flag,
                                config.place.file.empty() ? "" : " of " + config.place.file, quoted(name, 200)),
                    meant ? fmt::format("Write {} {}", flag, *meant) : "See the names that `certferry plan` prints");
    }
  }
}

}  // namespace certferry
