#include <fmt/format.h>

#include "config/complaints.h"
#include "config/config.h"
#include "config/toml_table.h"
#include "config/validate.h"
#include "config/values.h"

namespace certferry {
namespace {

// What people write before any table.
constexpr KeyOf kOftenAtTheTop[]{{"agree_to_terms", "[ca]"},     {"directory", "[ca]"}, {"trust", "[ca]"},
                                 {"domains", "[[certificate]]"}, {"region", "[aws]"},   {"profile", "[aws]"},
                                 {"store", "[state]"},           {"kms_key", "[state]"}};

// Walks the document from its top tables to a certificate's installs; whatever is wrong is complained of, and what can
// be understood beside it is still read, so that one run tells all of it.
class ConfigReader {
 public:
  explicit ConfigReader(Complaints& complaints) : complaints_(complaints), values_(complaints) {}

  void read(TomlTable& document, Config& config) {
    config.place = config.aws.place = document.place();
    if (auto table = document.table("ca")) read_ca(*table, config.ca);
    if (auto table = document.table("aws")) read_aws(*table, config.aws);
    if (auto table = document.table("account")) read_account(*table, config.account);
    if (auto table = document.table("state")) read_state(*table, config.state);
    if (auto table = document.table("challenge")) read_challenge(*table, config);
    for (TomlTable& table : document.tables("zone")) read_zone(table, config.zones);
    for (TomlTable& table : document.tables("certificate")) read_certificate(table, config.certificates);
    document.finish(kOftenAtTheTop);
  }

 private:
  void read_ca(TomlTable& table, CaConfig& ca) {
    ca.place = table.place();
    if (const auto text = table.text("directory")) {
      ca.place = text->place;
      values_.ca(ca, text->value, text->place);
    }
    ca.agree_to_terms = table.boolean("agree_to_terms").value_or(false);
    if (const auto text = table.text("trust")) {
      ca.trust = values_.whole_path("trust", text->value, text->place);
      ca.trust_place = text->place;
    }
    table.finish();
  }

  void read_aws(TomlTable& table, AwsConfig& aws) {
    aws.place = table.place_of(table.has("profile") ? "profile" : "region");
    aws.region = region(table);
    if (const auto text = table.text("profile")) aws.profile = text->value;
    table.finish();
  }

  void read_account(TomlTable& table, AccountConfig& account) {
    account.place = table.place_of("key");
    if (const auto text = table.text("key"))
      account.key = values_.place_of_state("[account] key", text->value, text->place).value_or("");
    if (const auto text = table.text("kms_key")) account.kms_key = text->value;
    if (const auto text = table.text("key_type"))
      account.key_type = values_.account_key_type(text->value, text->place).value_or(KeyType::p256);
    for (const Text& text : texts(table, "contact")) {
      if (const auto address = values_.mail_address(text.value, text.place)) account.contact.push_back(*address);
    }
    table.finish();
  }

  void read_state(TomlTable& table, StateConfig& state) {
    state.place = table.place_of("store");
    if (const auto text = table.text("store"))
      state.store = values_.place_of_state("[state] store", text->value, text->place).value_or("");
    if (const auto text = table.text("kms_key")) state.kms_key = text->value;
    table.finish();
  }

  void read_challenge(TomlTable& table, Config& config) {
    for (const Text& text : texts(table, "delegated")) {
      if (auto name = values_.domain(text.value, text.place)) config.delegated.push_back(std::move(*name));
    }
    for (const Text& text : texts(table, "resolvers")) {
      if (auto resolver = values_.resolver(text.value, text.place)) config.resolvers.push_back(std::move(*resolver));
    }
    table.finish();
  }

  void read_zone(TomlTable& table, std::vector<ZoneConfig>& zones) {
    std::optional<DomainName> name;
    if (const auto text = table.text("name"))
      name = values_.domain(text->value, text->place);
    else if (!table.has("name"))
      complaints_.add(table.place(), "[[zone]] has no name", "Add name = \"example.com\"");
    std::optional<HostedZoneId> id;
    if (const auto text = table.text("id")) id = values_.zone_id(text->value, text->place);
    const auto role = read_role(table);
    if (name) zones.push_back(ZoneConfig{*name, id, role, table.place()});
    table.finish();
  }

  // role, and what goes with it alone.
  std::optional<RoleConfig> read_role(TomlTable& table) {
    const auto arn = table.text("role"), external_id = table.text("external_id"), session = table.text("session_name");
    for (std::string_view key : {"external_id", "session_name"})
      if (table.has(key) && !table.has("role"))
        complaints_.add(table.place_of(key), fmt::format("{} stands without a role", key),
                        fmt::format("Add role = \"arn:aws:iam::...:role/...\", or leave {} away", key));
    if (!arn) return {};
    RoleConfig role{.arn = values_.role(arn->value, arn->place).value_or("")};
    if (external_id) role.external_id = values_.external_id(external_id->value, external_id->place);
    if (session) role.session_name = values_.session_name(session->value, session->place).value_or(role.session_name);
    if (role.arn.empty()) return {};
    return role;
  }

  void read_certificate(TomlTable& table, std::vector<CertificateConfig>& certificates) {
    std::vector<DomainName> domains;
    std::vector<Place> places;
    const auto written = table.texts("domains");
    for (const Text& text : written.value_or(std::vector<Text>{})) {
      auto name = values_.domain(text.value, text.place);
      if (!name) continue;
      domains.push_back(std::move(*name));
      places.push_back(text.place);
    }
    if (written && written->empty())
      complaints_.add(table.place_of("domains"), "domains is empty", "Write domains = [\"example.com\"]");
    std::optional<CertificateId> id;
    if (const auto text = table.text("name"))
      id = values_.certificate_id(text->value, text->place);
    else if (!domains.empty())
      id = values_.certificate_id(domains.front().text(), table.place());
    KeyType key_type = KeyType::p256;
    if (const auto text = table.text("key"))
      key_type = values_.key_type(text->value, text->place).value_or(KeyType::p256);
    std::string profile;
    if (const auto text = table.text("profile")) profile = text->value;
    std::vector<InstallConfig> installs;
    for (TomlTable& install : table.tables("install")) read_install(install, installs);
    const bool misspelt = table.finish().contains("domains");  // which is said then
    if (!table.has("domains") && !misspelt)
      complaints_.add(table.place(), "[[certificate]] has no domains", "Add domains = [\"example.com\"]");
    if (id && !domains.empty()) {
      certificates.push_back(CertificateConfig{*id, std::move(domains), key_type, profile, std::move(installs),
                                               table.place(), std::move(places)});
    }
  }

  void read_install(TomlTable& table, std::vector<InstallConfig>& installs) {
    const auto elb = table.text("elb"), listener = table.text("listener"), files = table.text("files");
    const auto port = table.integer("port");
    const auto connect = table.text("connect");
    const auto reload = texts(table, "reload");
    const auto reload_timeout = table.text("reload_timeout");
    InstallConfig install{.where = ElbInstall{}, .place = table.place()};
    bool known = false;
    if (elb) {
      ElbInstall where;
      if (const auto name = values_.load_balancer(elb->value, elb->place)) where.load_balancer = *name;
      if (port) where.port = values_.port(port->value, port->place).value_or(443);
      known = !where.load_balancer.empty();
      install.where = where;
    } else if (listener) {
      const auto where = values_.listener(listener->value, listener->place);
      known = where.has_value();
      if (where) install.where = *where;
    } else if (files) {
      FilesInstall where;
      if (const auto path = values_.directory("files", files->value, files->place)) where.directory = *path;
      for (const Text& word : reload) where.reload.push_back(word.value);
      values_.command("reload", where.reload, table.place_of("reload"));
      if (const auto& text = reload_timeout)
        where.reload_timeout =
            values_.timeout("reload_timeout", text->value, text->place).value_or(where.reload_timeout);
      if (connect) where.connect = values_.host_and_port("connect", connect->value, connect->place).value_or("");
      known = !where.directory.empty();
      install.where = where;
    }
    read_common(table, install);
    check_kind(table);
    table.finish();
    if (known) installs.push_back(std::move(install));
  }

  void read_common(TomlTable& table, InstallConfig& install) {
    if (const auto text = table.text("verify"))
      install.verify = values_.verify(text->value, text->place).value_or(Verify::automatic);
    if (const auto text = table.text("retire_after"))
      install.retire_after = values_.duration("retire_after", text->value, text->place).value_or(install.retire_after);
    install.region = region(table);
    install.role = read_role(table);
    const auto shelf = table.text("shelf");
    if (!shelf || shelf->value == "iam") return;
    if (shelf->value == "acm") {
      complaints_.add(shelf->place, "shelf = \"acm\" is not yet supported",
                      "Write shelf = \"iam\", which serves every classic, application and network load balancer");
    } else {
      complaints_.add(shelf->place, fmt::format("\"{}\" is no shelf", shelf->value.substr(0, 100)),
                      "Write \"iam\", or leave shelf away");
    }
  }

  // Exactly one of elb, listener and files, and no key beside it that belongs to another.
  void check_kind(TomlTable& table) {
    std::vector<std::string_view> kinds;
    for (std::string_view kind : {"elb", "listener", "files"}) {
      if (table.has(kind)) kinds.push_back(kind);
    }
    if (kinds.empty()) {
      complaints_.add(table.place(), "[[certificate.install]] says not where",
                      "Add elb = \"name\", listener = \"arn:...\" or files = \"/directory\"");
      return;
    }
    if (kinds.size() > 1) {
      complaints_.add(table.place(), fmt::format("[[certificate.install]] has {} and {}", kinds[0], kinds[1]),
                      "Write one [[certificate.install]] for each");
      return;
    }
    struct Belongs {
      std::string_view key, kinds;
    };
    for (const auto& [key, of] :
         {Belongs{"port", "elb"}, Belongs{"shelf", "elb and listener"}, Belongs{"region", "elb"},
          Belongs{"role", "elb and listener"}, Belongs{"external_id", "elb and listener"},
          Belongs{"session_name", "elb and listener"}, Belongs{"reload", "files"}, Belongs{"reload_timeout", "files"},
          Belongs{"connect", "files"}}) {
      if (table.has(key) && !of.contains(kinds.front())) {
        complaints_.add(table.place_of(key), fmt::format("{} does not go with {}", key, kinds.front()),
                        fmt::format("Leave it away: it belongs to {}", of));
      }
    }
    if (kinds.front() != "files") return;
    if (table.has("reload_timeout") && !table.has("reload"))
      complaints_.add(table.place_of("reload_timeout"), "reload_timeout stands without a reload",
                      "Add reload = [\"command\", \"argument\"], or leave reload_timeout away");
    if (!table.has("verify")) return;
    const auto verify = table.text("verify");
    if (verify && verify->value == "api") {
      complaints_.add(verify->place, "verify = \"api\" does not go with files",
                      "Add connect = \"host:443\", which is verified by a handshake");
    } else if (verify && verify->value == "handshake" && !table.has("connect")) {
      complaints_.add(verify->place, "verify = \"handshake\" has nobody to speak to",
                      "Add connect = \"host:443\", where the files are served");
    }
  }

  static std::vector<Text> texts(TomlTable& table, std::string_view key) {
    return table.texts(key).value_or(std::vector<Text>{});
  }

  std::string region(TomlTable& table) {
    const auto text = table.text("region");
    return text ? values_.region(text->value, text->place).value_or("") : "";
  }

  Complaints& complaints_;
  Values values_;
};

}  // namespace

Config parse_config(std::string_view toml, const std::string& file_name) {
  Complaints complaints;
  TomlTable document = TomlTable::parse(toml, file_name, complaints);
  Config config;
  config.ca.url = *directory_url(config.ca.directory);
  config.ca.test_ca = true;
  ConfigReader{complaints}.read(document, config);
  validate(config, complaints);
  complaints.throw_if_any(file_name);
  return config;
}

}  // namespace certferry
