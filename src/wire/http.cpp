#include "wire/http.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/http.h"

namespace certferry::http {
namespace {

constexpr std::size_t longest_head = limits::http::headers;

char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_letter, lower_letter);
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool token_letter(char c) {
  return (c >= '0' && c <= '9') || (lower_letter(c) >= 'a' && lower_letter(c) <= 'z') ||
         std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
}

bool spells_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, token_letter); }

[[noreturn]] void refuse_request(std::string_view why) {
  throw Failure(Failure::Kind::refused, fmt::format("the HTTP request is malformed: {}", why),
                "Send an HTTP/1.1 request as RFC 9112 has it");
}

// Reads a Link field piece by piece (RFC 8288 section 3): <target>; name=value; name="quoted", <target> ...
class LinkReader {
 public:
  explicit LinkReader(std::string_view text) : rest_(text) {}

  struct Link {
    std::string target;
    std::string relations;  // separated by blanks
  };
  // Empty at the end, and where the rest cannot be understood.
  std::optional<Link> next() {
    while (skip_blanks(), rest_.starts_with(',')) rest_.remove_prefix(1);
    if (!rest_.starts_with('<')) return std::nullopt;
    std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) return std::nullopt;
    Link link{.target = std::string{without_blanks(rest_.substr(1, end - 1))}, .relations = {}};
    rest_.remove_prefix(end + 1);
    bool seen = false;
    while (skip_blanks(), rest_.starts_with(';')) {
      rest_.remove_prefix(1);
      auto [name, value] = parameter();
      if (!same_word(name, "rel") || seen) continue;  // only the first counts
      link.relations = value;
      seen = true;
    }
    if (!rest_.empty() && !rest_.starts_with(',')) rest_ = {};
    return link;
  }

 private:
  void skip_blanks() {
    while (rest_.starts_with(' ') || rest_.starts_with('\t')) rest_.remove_prefix(1);
  }
  std::string_view token() {
    skip_blanks();
    std::string_view word = rest_.substr(0, rest_.find_first_of(" \t;,=\"<"));
    rest_.remove_prefix(word.size());
    skip_blanks();
    return word;
  }
  std::pair<std::string_view, std::string> parameter() {
    std::string_view name = token();
    if (!rest_.starts_with('=')) return {name, {}};
    rest_.remove_prefix(1);
    skip_blanks();
    if (rest_.starts_with('"')) return {name, quoted_value()};
    std::string_view value = rest_.substr(0, rest_.find_first_of(" \t;,"));
    rest_.remove_prefix(value.size());
    return {name, std::string{value}};
  }
  std::string quoted_value() {
    std::string value;
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      value += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
};

bool has_relation(std::string_view relations, std::string_view wanted) {
  while (!relations.empty()) {
    std::string_view word = relations.substr(0, relations.find_first_of(" \t"));
    if (same_word(word, wanted)) return true;
    relations.remove_prefix(std::min(relations.size(), word.size() + 1));
  }
  return false;
}

void read_request_line(std::string_view line, ParsedRequest& request) {
  std::size_t first = line.find(' ');
  std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) refuse_request("the request line has not three parts");
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  std::string_view version = line.substr(last + 1);
  if (!spells_token(request.method)) refuse_request("the method is no token");
  bool visible = std::ranges::all_of(request.target, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
  if (request.target.empty() || !visible) refuse_request("the target has a blank or control character");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") refuse_request("the version is neither HTTP/1.1 nor HTTP/1.0");
  request.keep_alive = version == "HTTP/1.1";
}

std::pair<std::string, std::string> read_field(std::string_view line) {
  if (line.starts_with(' ') || line.starts_with('\t')) refuse_request("a folded field");
  std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) refuse_request("a field without a colon");
  std::string_view name = line.substr(0, colon);
  std::string_view value = without_blanks(line.substr(colon + 1));
  if (!spells_token(name)) refuse_request("a field name is no token");
  if (std::ranges::any_of(value, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }))
    refuse_request("a field value has a control character");
  return {std::string{name}, std::string{value}};
}

// Takes a line with its CRLF off the front; empty where there is no whole line yet.
std::optional<std::string_view> take_line(std::string_view& input, std::size_t longest) {
  std::size_t end = input.find("\r\n");
  if (end == std::string_view::npos ? input.size() > longest : end > longest) refuse_request("a line is too long");
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = input.substr(0, end);
  input.remove_prefix(end + 2);
  return line;
}

std::size_t chunk_size(std::string_view line) {
  std::string_view digits = without_blanks(line.substr(0, line.find(';')));
  std::size_t size = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
    refuse_request("a chunk has no size");
  return size;
}

// Reads the chunks at the front of `input` and takes them off it; empty while some are missing.
std::optional<Bytes> take_chunks(std::string_view& input, std::size_t body_limit) {
  static constexpr std::size_t longest_chunk_line = 1024;
  Bytes body;
  while (true) {
    auto line = take_line(input, longest_chunk_line);
    if (!line) return std::nullopt;
    std::size_t size = chunk_size(*line);
    if (size == 0) break;
    if (size > body_limit - body.size()) refuse_request(fmt::format("the body is over {} bytes", body_limit));
    if (input.size() < size + 2) return std::nullopt;
    body += input.substr(0, size);
    if (input.substr(size, 2) != "\r\n") refuse_request("a chunk does not end where it says");
    input.remove_prefix(size + 2);
  }
  for (std::size_t trailers = 0;;) {
    auto line = take_line(input, longest_head);
    if (!line) return std::nullopt;
    if (line->empty()) return body;
    read_field(*line);
    trailers += line->size();
    if (trailers > longest_head) refuse_request("the trailer is over 32 KiB");
  }
}

std::size_t content_length(const std::vector<std::string>& lengths, std::size_t body_limit) {
  if (lengths.empty()) return 0;
  std::string_view digits = lengths.front();
  std::size_t length = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (lengths.size() > 1 || digits.empty() || end != digits.data() + digits.size() ||
      (error != std::errc{} && error != std::errc::result_out_of_range))
    refuse_request("a bad Content-Length");
  if (error != std::errc{} || length > body_limit) refuse_request(fmt::format("the body is over {} bytes", body_limit));
  return length;
}

// Reads the body at the front of `input` and takes it off; false while some is missing.
bool take_body(std::string_view& input, ParsedRequest& request, std::size_t body_limit) {
  auto codings = request.headers.all("Transfer-Encoding");
  auto lengths = request.headers.all("Content-Length");
  if (!codings.empty()) {
    if (!lengths.empty()) refuse_request("both Content-Length and Transfer-Encoding");
    if (codings.size() > 1 || !same_word(codings.front(), "chunked"))
      refuse_request("a Transfer-Encoding other than chunked");
    auto body = take_chunks(input, body_limit);
    if (body) request.body = std::move(*body);
    return body.has_value();
  }
  std::size_t length = content_length(lengths, body_limit);
  if (input.size() < length) return false;
  request.body = input.substr(0, length);
  input.remove_prefix(length);
  return true;
}

bool lists_option(const Headers& headers, std::string_view option) {
  for (const std::string& field : headers.all("Connection")) {
    std::string_view rest = field;
    while (!rest.empty()) {
      std::string_view word = rest.substr(0, rest.find(','));
      if (same_word(without_blanks(word), option)) return true;
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    }
  }
  return false;
}

std::string on_one_line(std::string_view value) {
  std::string safe{value};
  std::ranges::replace_if(safe, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }, ' ');
  return safe;
}

// The request line and the fields, and `rest` goes on to what follows them; empty while the head is not whole.
std::optional<ParsedRequest> parse_head(std::string_view& rest) {
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // RFC 9112 section 2.2 forgives one empty line
  std::size_t head_end = rest.find("\r\n\r\n");
  if (head_end == std::string_view::npos ? rest.size() > longest_head : head_end > longest_head)
    refuse_request("the head is over 32 KiB");
  if (head_end == std::string_view::npos) return std::nullopt;

  ParsedRequest request;
  std::string_view head = rest.substr(0, head_end + 2);
  rest.remove_prefix(head_end + 4);
  read_request_line(*take_line(head, longest_head), request);
  while (!head.empty()) {
    auto [name, value] = read_field(*take_line(head, longest_head));
    request.headers.add(std::move(name), std::move(value));
  }
  std::size_t hosts = request.headers.all("Host").size();
  if (hosts > 1 || (hosts == 0 && request.keep_alive)) refuse_request("not exactly one Host field");
  return request;
}

}  // namespace

void Headers::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const auto& field) { return same_word(field.first, name); });
}

std::optional<std::string> Headers::get(std::string_view name) const {
  for (const auto& [field, value] : fields_)
    if (same_word(field, name)) return std::string{without_blanks(value)};
  return std::nullopt;
}

std::vector<std::string> Headers::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : fields_)
    if (same_word(field, name)) values.emplace_back(without_blanks(value));
  return values;
}

std::optional<Duration> retry_after(const Response& response, WallTime now) {
  auto field = response.headers.get("Retry-After");
  if (!field || field->empty()) return std::nullopt;
  if (std::ranges::all_of(*field, [](char c) { return c >= '0' && c <= '9'; })) {
    long count = 0;
    auto [end, error] = std::from_chars(field->data(), field->data() + field->size(), count);
    bool beyond = error != std::errc{} || count > 86'400;
    return beyond ? days(1) : seconds(count);
  }
  auto when = parse_http_date(*field);
  if (!when) return std::nullopt;
  auto date = response.headers.get("Date");
  auto said_at = date ? parse_http_date(*date) : std::nullopt;
  return std::clamp<Duration>(*when - said_at.value_or(now), Duration::zero(), days(1));
}

std::vector<std::string> links(const Response& response, std::string_view relation) {
  std::vector<std::string> targets;
  for (const std::string& field : response.headers.all("Link")) {
    LinkReader reader{field};
    while (auto link = reader.next())
      if (has_relation(link->relations, relation)) targets.push_back(std::move(link->target));
  }
  return targets;
}

std::string media_type(const Headers& headers) {
  std::string field = headers.get("Content-Type").value_or("");
  std::string type{without_blanks(std::string_view{field}.substr(0, field.find(';')))};
  std::ranges::transform(type, type.begin(), lower_letter);
  return type;
}

std::optional<ParsedRequest> parse_request(std::string_view input, std::size_t body_limit) {
  std::string_view rest = input;
  std::optional<ParsedRequest> request = parse_head(rest);
  if (!request || !take_body(rest, *request, body_limit)) return std::nullopt;
  request->keep_alive =
      request->keep_alive ? !lists_option(request->headers, "close") : lists_option(request->headers, "keep-alive");
  request->consumed = input.size() - rest.size();
  return request;
}

bool awaits_continue(std::string_view input) {
  const std::optional<ParsedRequest> head = parse_head(input);
  // Before fields are weighed, keep_alive says that it is HTTP/1.1.
  return head && head->keep_alive && input.empty() &&
         same_word(head->headers.get("Expect").value_or(""), "100-continue");
}

Bytes to_bytes(const Response& response, bool keep_alive, bool head_only) {
  bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  Bytes out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
  for (const auto& [name, value] : response.headers.fields()) {
    bool ours = same_word(name, "Content-Length") || same_word(name, "Transfer-Encoding") ||
                same_word(name, "Connection") || !spells_token(name);
    if (!ours) out += fmt::format("{}: {}\r\n", name, on_one_line(value));
  }
  if (!bodiless) out += fmt::format("Content-Length: {}\r\n", response.body.size());
  out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  if (!bodiless && !head_only) out += response.body;
  return out;
}

std::string_view reason(int status) {
  static constexpr std::pair<int, std::string_view> reasons[] = {{100, "Continue"},
                                                                 {200, "OK"},
                                                                 {201, "Created"},
                                                                 {202, "Accepted"},
                                                                 {204, "No Content"},
                                                                 {206, "Partial Content"},
                                                                 {301, "Moved Permanently"},
                                                                 {302, "Found"},
                                                                 {303, "See Other"},
                                                                 {304, "Not Modified"},
                                                                 {307, "Temporary Redirect"},
                                                                 {308, "Permanent Redirect"},
                                                                 {400, "Bad Request"},
                                                                 {401, "Unauthorized"},
                                                                 {403, "Forbidden"},
                                                                 {404, "Not Found"},
                                                                 {405, "Method Not Allowed"},
                                                                 {406, "Not Acceptable"},
                                                                 {408, "Request Timeout"},
                                                                 {409, "Conflict"},
                                                                 {410, "Gone"},
                                                                 {411, "Length Required"},
                                                                 {412, "Precondition Failed"},
                                                                 {413, "Content Too Large"},
                                                                 {415, "Unsupported Media Type"},
                                                                 {421, "Misdirected Request"},
                                                                 {429, "Too Many Requests"},
                                                                 {431, "Request Header Fields Too Large"},
                                                                 {500, "Internal Server Error"},
                                                                 {501, "Not Implemented"},
                                                                 {502, "Bad Gateway"},
                                                                 {503, "Service Unavailable"},
                                                                 {504, "Gateway Timeout"}};
  for (auto [code, text] : reasons)
    if (code == status) return text;
  return "Unknown";
}

}  // namespace certferry::http
