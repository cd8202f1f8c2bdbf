#include "dns/caa.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "dns/lookup.h"

namespace certferry {
namespace {

constexpr unsigned critical_flag = 128;  // RFC 8659 section 4.1
constexpr std::string_view blanks = " \t";

std::string lower_case(std::string_view text) {
  std::string lower{text};
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// One property of a set: "128 issue letsencrypt.org".
struct Property {
  bool critical = false;
  std::string tag;  // lower case
  std::string_view value;
};

Property property_of(std::string_view record) {
  const auto first = record.find(' ');
  const auto second = record.find(' ', first + 1);
  unsigned flags = 0;
  for (const char c : record.substr(0, first))
    if (c >= '0' && c <= '9') flags = flags * 10 + static_cast<unsigned>(c - '0');
  const bool whole = first != std::string_view::npos && second != std::string_view::npos;
  const bool critical = (flags & critical_flag) != 0;
  if (!whole) return {critical, "", ""};
  return {critical, lower_case(record.substr(first + 1, second - first - 1)), record.substr(second + 1)};
}

// The value of an issue or issuewild property (RFC 8659 section 4.2): "letsencrypt.org; accounturi=https://…".
struct IssueValue {
  std::string issuer;  // lower case; "" forbids every CA
  std::vector<std::pair<std::string, std::string>> parameters;
};

bool spells_parameter_tag(std::string_view tag) {
  return !tag.empty() && tag.front() != '-' && tag.back() != '-' &&
         std::ranges::all_of(tag, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool spells_parameter_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c >= '!' && c <= '~' && c != ';'; });
}

bool spells_domain(std::string_view domain) {
  return std::ranges::all_of(
      domain, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

// What does not follow the grammar names no issuer, and so forbids every one.
IssueValue issue_value(std::string_view text) {
  const auto end = text.find(';');
  IssueValue value{lower_case(trimmed(text.substr(0, end))), {}};
  if (!spells_domain(value.issuer)) return {};
  std::string_view rest = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  while (!trimmed(rest).empty()) {
    const auto semicolon = rest.find(';');
    const std::string_view parameter = rest.substr(0, semicolon);
    rest.remove_prefix(semicolon == std::string_view::npos ? rest.size() : semicolon + 1);
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos) return {};
    const std::string tag = lower_case(trimmed(parameter.substr(0, equals)));
    const std::string_view said = trimmed(parameter.substr(equals + 1));
    if (!spells_parameter_tag(tag) || !spells_parameter_value(said)) return {};
    value.parameters.emplace_back(tag, said);
  }
  return value;
}

std::vector<std::string> values_of(const IssueValue& value, std::string_view tag) {
  std::vector<std::string> found;
  for (const auto& [name, said] : value.parameters)
    if (name == tag) found.push_back(said);
  return found;
}

bool lists_dns01(std::string_view methods) {
  while (!methods.empty()) {
    const auto comma = methods.find(',');
    if (trimmed(methods.substr(0, comma)) == "dns-01") return true;
    methods.remove_prefix(comma == std::string_view::npos ? methods.size() : comma + 1);
  }
  return false;
}

// What one record that names our CA says of us (RFC 8657 sections 3 and 4).
CaaRuling judge_parameters(const IssueValue& value, const CaaIssuer& issuer) {
  using Verdict = CaaRuling::Verdict;
  const auto methods = values_of(value, "validationmethods");
  const auto accounts = values_of(value, "accounturi");
  if (methods.size() > 1 || (methods.size() == 1 && !lists_dns01(methods.front())))
    return {Verdict::forbidden, fmt::format("it lets {} validate, but not by dns-01", value.issuer), {}};
  if (accounts.empty()) return {Verdict::allowed, fmt::format("it lets {} in", value.issuer), {}};
  if (accounts.size() > 1)
    return {Verdict::forbidden, fmt::format("it binds {} to two accounts at once", value.issuer), {}};
  if (issuer.account.empty())
    return {Verdict::unsure,
            fmt::format("it lets account {} of {} in alone, and ours is not known yet", quoted(accounts.front(), 200),
                        value.issuer),
            {}};
  if (accounts.front() != issuer.account)
    return {Verdict::forbidden,
            fmt::format("it lets account {} of {} in, not ours", quoted(accounts.front(), 200), value.issuer),
            {}};
  return {Verdict::allowed, fmt::format("it lets our account at {} in", value.issuer), {}};
}

bool understood(std::string_view tag) {
  // issue, issuewild, iodef: RFC 8659; issuemail: RFC 9495; contactemail, contactphone: CA/Browser Forum BR A.1.
  static constexpr std::string_view known[] = {"issue",     "issuewild",    "iodef",
                                               "issuemail", "contactemail", "contactphone"};
  return std::ranges::find(known, tag) != std::end(known);
}

std::string listed(const std::vector<std::string>& issuers) {
  std::vector<std::string> shown;
  for (const std::string& issuer : issuers) {
    std::string word = issuer.empty() ? "nobody" : quoted(issuer, 100);
    if (std::ranges::find(shown, word) == shown.end()) shown.push_back(std::move(word));
  }
  return fmt::format("{}", fmt::join(shown, ", "));
}

}  // namespace

Task<CaaSet> relevant_caa(Resolver& resolver, DomainName name) {
  const DomainName registered = registered_domain(name);
  CaaSet none;
  for (std::optional<DomainName> at = name.without_wildcard(); at; at = at->parent()) {
    const dns::Question question{at->text(), dns::Type::caa};
    const dns::Answer answer = co_await resolver.ask(question, {});
    if (answer.rcode == dns::Rcode::server_failure) {
      throw Failure(
          Failure::Kind::refused,
          fmt::format("the CAA records of {} cannot be had: its name servers fail (rcode {})", at->text(),
                      static_cast<int>(answer.rcode)),
          fmt::format("Mend the name servers of {} (or its DNSSEC): no CA issues while they fail", at->text()));
    }
    require_answer(answer, question);  // else the resolvers themselves refuse
    CaaSet set{at->text(), {}};
    for (const dns::Record& record : answer.answers)  // an alias in front of them changes nothing
      if (record.type == dns::Type::caa) set.records.push_back(record.data);
    if (!set.records.empty()) co_return set;
    const bool denied = answer.rcode == dns::Rcode::name_error && answer.answers.empty();
    if (denied && registered.within(*at)) none.denied = at->text();
  }
  co_return none;
}

CaaRuling judge_caa(const CaaSet& set, bool wildcard, const CaaIssuer& issuer) {
  using Verdict = CaaRuling::Verdict;
  if (!set.denied.empty())
    return {Verdict::unsure,
            fmt::format("the resolvers say that {} does not exist: what CAs see is not known", set.denied),
            {}};
  if (set.records.empty()) return {Verdict::allowed, "no CAA record up to the root: every CA may certify it", {}};
  std::vector<Property> properties;
  for (const std::string& record : set.records) properties.push_back(property_of(record));
  for (const Property& property : properties)
    if (property.critical && !understood(property.tag))
      return {
          Verdict::forbidden, fmt::format("a critical CAA property {} that CAs do not understand", property.tag), {}};
  const bool by_wildcard = wildcard && std::ranges::find(properties, "issuewild", &Property::tag) != properties.end();
  const std::string tag = by_wildcard ? "issuewild" : "issue";
  std::erase_if(properties, [&](const Property& property) { return property.tag != tag; });
  if (properties.empty()) return {Verdict::allowed, fmt::format("its CAA records do not limit who may {}", tag), {}};
  std::vector<std::string> issuers;
  CaaRuling best{Verdict::forbidden, "", tag};
  for (const Property& property : properties) {
    const IssueValue value = issue_value(property.value);
    issuers.push_back(value.issuer);
    if (value.issuer.empty() || std::ranges::find(issuer.domains, value.issuer) == issuer.domains.end()) continue;
    const CaaRuling ruling = judge_parameters(value, issuer);
    if (ruling.verdict == Verdict::allowed) return ruling;
    if (best.reason.empty() || ruling.verdict == Verdict::unsure) best = {ruling.verdict, ruling.reason, tag};
  }
  if (!best.reason.empty()) return best;
  if (issuer.domains.empty())
    return {Verdict::unsure,
            fmt::format("it lets {} {}, and the CA does not say which of them it is", listed(issuers), tag), tag};
  best.reason = fmt::format("it lets {} {}, not {}", listed(issuers), tag, fmt::join(issuer.domains, " or "));
  return best;
}

std::string narrow_caa(const std::string& owner, const std::string& tag, const CaaIssuer& issuer) {
  const std::string account = issuer.account.empty() ? "" : "; accounturi=" + issuer.account;
  return fmt::format("{}. CAA 0 {} \"{}; validationmethods=dns-01{}\"", owner, tag,
                     issuer.domains.empty() ? "" : issuer.domains.front(), account);
}

}  // namespace certferry
