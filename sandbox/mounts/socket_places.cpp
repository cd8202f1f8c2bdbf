#include "sandbox/mounts/socket_places.h"

#include <charconv>
#include <fmt/format.h>
#include <limits>

#include "base/failure.h"
#include "wire/url.h"

namespace certferry::sandbox {
namespace {

Json list_of(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

std::vector<std::string> texts_in(const Json& list) {
  std::vector<std::string> texts;
  for (const Json& element : list.as_array()) texts.push_back(element.as_text());
  return texts;
}

[[noreturn]] void refuse_place(std::string_view what) {
  throw Failure(Failure::Kind::refused, fmt::format("The sandbox's description: {} is no port", quoted(what)),
                "Use the description as the same certferry's sandbox wrote it");
}

std::uint16_t port_in(const Json& json) {
  const std::int64_t number = json.as_integer();
  if (number < 1 || number > std::numeric_limits<std::uint16_t>::max()) refuse_place(std::to_string(number));
  return static_cast<std::uint16_t>(number);
}

// "name:443"
std::pair<std::string, std::uint16_t> listener_in(const std::string& text) {
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon == std::string::npos) refuse_place(text);
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, port);
  if (error != std::errc{} || rest != end) refuse_place(text);
  return {text.substr(0, colon), port};
}

}  // namespace

std::optional<std::uint16_t> route(const SocketPlaces& places, const std::string& host, std::uint16_t port) {
  std::string name = host;
  for (const auto& [dns_name, address] : places.addresses)
    if (address == host) name = dns_name;
  if (const auto found = places.listeners.find({name, port}); found != places.listeners.end()) return found->second;
  if (host != "localhost" && host != "127.0.0.1") return {};
  if (port == Url::parse(places.ca_directory).port() || port == Url::parse(places.aws_endpoint).port()) return port;
  for (const auto& [listener, local] : places.listeners)
    if (local == port) return port;
  return {};
}

std::map<std::string, std::string> aws_environment(const SocketPlaces& places) {
  return {{"AWS_ENDPOINT_URL", places.aws_endpoint},
          {"AWS_ACCESS_KEY_ID", places.access_key_id},
          {"AWS_SECRET_ACCESS_KEY", places.secret_access_key},
          {"AWS_REGION", places.region},
          {"AWS_EC2_METADATA_DISABLED", "true"}};
}

Json to_json(const SocketPlaces& places) {
  Json listeners = Json::object(), addresses = Json::object(), environment = Json::object();
  for (const auto& [listener, port] : places.listeners)
    listeners[fmt::format("{}:{}", listener.first, listener.second)] = static_cast<int>(port);
  for (const auto& [name, address] : places.addresses) addresses[name] = address;
  for (const auto& [name, value] : aws_environment(places)) environment[name] = value;
  return Json::object({{"ca_directory", places.ca_directory},
                       {"ca_pem", places.ca_pem},
                       {"roots_pem", places.roots_pem},
                       {"seen", places.seen},
                       {"aws_endpoint", places.aws_endpoint},
                       {"dns_port", static_cast<int>(places.dns_port)},
                       {"resolver_port", static_cast<int>(places.resolver_port)},
                       {"listeners", std::move(listeners)},
                       {"addresses", std::move(addresses)},
                       {"environment", std::move(environment)},
                       {"zones", list_of(places.zones)},
                       {"elb", list_of(places.classic)},
                       {"listener_arns", list_of(places.listener_arns)}});
}

}  // namespace certferry::sandbox

namespace certferry {

template <>
sandbox::SocketPlaces from_json<sandbox::SocketPlaces>(const Json& json) {
  sandbox::SocketPlaces places;
  places.ca_directory = json.at("ca_directory").as_text();
  places.ca_pem = json.at("ca_pem").as_text();
  places.roots_pem = json.at("roots_pem").as_text();
  places.seen = json.at("seen").as_text();
  places.aws_endpoint = json.at("aws_endpoint").as_text();
  places.dns_port = sandbox::port_in(json.at("dns_port"));
  places.resolver_port = sandbox::port_in(json.at("resolver_port"));
  const Json& environment = json.at("environment");
  places.region = environment.at("AWS_REGION").as_text();
  places.access_key_id = environment.at("AWS_ACCESS_KEY_ID").as_text();
  places.secret_access_key = environment.at("AWS_SECRET_ACCESS_KEY").as_text();
  for (const auto& [listener, port] : json.at("listeners").as_object())
    places.listeners[sandbox::listener_in(listener)] = sandbox::port_in(port);
  for (const auto& [name, address] : json.at("addresses").as_object()) places.addresses[name] = address.as_text();
  places.zones = sandbox::texts_in(json.at("zones"));
  places.classic = sandbox::texts_in(json.at("elb"));
  places.listener_arns = sandbox::texts_in(json.at("listener_arns"));
  return places;
}

}  // namespace certferry
