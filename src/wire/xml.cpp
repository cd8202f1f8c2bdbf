#include "wire/xml.h"

#include <algorithm>
#include <fmt/format.h>
#include <pugixml.hpp>

#include "base/failure.h"

namespace certferry {

struct Xml::Document {
  pugi::xml_document tree;
};

namespace {

constexpr int deepest_element = 64;

pugi::xml_node element_at(const void* node) {
  return pugi::xml_node{static_cast<pugi::xml_node_struct*>(const_cast<void*>(node))};
}

std::string_view without_prefix(std::string_view name) {
  std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// Length of the reference at the start of `text` where it is one of XML 1.0's own; 0 else.
std::size_t known_reference(std::string_view text) {
  for (std::string_view known : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})
    if (text.starts_with(known)) return known.size();
  bool hexadecimal = text.starts_with("&#x");
  if (!text.starts_with("&#")) return 0;
  std::size_t at = hexadecimal ? 3 : 2;
  std::size_t first = at;
  unsigned long code = 0;
  for (; at < text.size() && text[at] != ';'; ++at) {
    char c = text[at];
    int digit = c >= '0' && c <= '9'                  ? c - '0'
                : hexadecimal && c >= 'a' && c <= 'f' ? c - 'a' + 10
                : hexadecimal && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                      : -1;
    if (digit < 0 || at - first > 7) return 0;
    code = code * (hexadecimal ? 16 : 10) + static_cast<unsigned long>(digit);
  }
  bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
  if (at == text.size() || at == first || control || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return 0;
  return at + 1;
}

struct Forbidden {
  std::size_t offset;
  std::string_view what;
};

// What the library would let pass: document types, entities of their own, NUL.
std::optional<Forbidden> find_forbidden(std::string_view text) {
  static constexpr std::pair<std::string_view, std::string_view> skipped[] = {
      {"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
  if (std::size_t nul = text.find('\0'); nul != std::string_view::npos) return Forbidden{nul, "a NUL character"};
  for (std::size_t at = text.find_first_of("<&"); at != std::string_view::npos; at = text.find_first_of("<&", at)) {
    std::string_view rest = text.substr(at);
    std::size_t length = rest.front() == '<' ? 1 : known_reference(rest);
    if (length == 0) return Forbidden{at, "an unknown entity"};
    for (auto [opening, closing] : skipped) {
      if (!rest.starts_with(opening)) continue;
      std::size_t end = rest.find(closing, opening.size());
      if (end == std::string_view::npos) return Forbidden{at, "an unclosed comment, section or instruction"};
      length = end + closing.size();
      break;
    }
    if (length == 1 && rest.starts_with("<!")) return Forbidden{at, "a document type"};
    at += length;
  }
  return std::nullopt;
}

struct DepthGuard : pugi::xml_tree_walker {
  std::ptrdiff_t too_deep_at = -1;
  bool for_each(pugi::xml_node& node) override {
    if (depth() < deepest_element || node.type() != pugi::node_element) return true;
    too_deep_at = node.offset_debug();
    return false;
  }
};

constexpr bool needs_no_reference(char c) {
  const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n';
  return !control && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'';
}

std::string_view xml_reference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&apos;";
    case '\r':
      return "&#13;";
    default:
      return "\xef\xbf\xbd";  // XML 1.0 has no way to write it
  }
}

bool blank_text(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

// The one element that a document is; says in `why` what is wrong where there is none.
pugi::xml_node only_root(const pugi::xml_document& tree, std::string& why) {
  pugi::xml_node root;
  for (pugi::xml_node node : tree.children()) {
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
      if (!blank_text(node.value())) why = fmt::format("byte {}: text outside the root element", node.offset_debug());
    } else if (node.type() == pugi::node_element) {
      if (root) why = fmt::format("byte {}: a second root element", node.offset_debug());
      root = node;
    }
  }
  if (!root) why = "byte 0: no element";
  return root;
}

}  // namespace

Xml::Xml(std::shared_ptr<const Document> document, const void* node) : document_(std::move(document)), node_(node) {}

Xml Xml::parse(std::string_view text, std::string_view source, std::size_t limit) {
  auto refuse = [&](const std::string& why) {
    throw Failure(Failure::Kind::refused, fmt::format("{} is no XML that can be read: {}", source, why),
                  fmt::format("Look at where {} comes from; something else may have answered in its place", source));
  };
  if (text.size() > limit) refuse(fmt::format("{} bytes, over the limit of {}", text.size(), limit));
  if (auto forbidden = find_forbidden(text)) refuse(fmt::format("byte {}: {}", forbidden->offset, forbidden->what));

  auto document = std::make_shared<Document>();
  unsigned flags = pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_fragment;
  auto result = document->tree.load_buffer(text.data(), text.size(), flags, pugi::encoding_utf8);
  if (!result) refuse(fmt::format("byte {}: {}", result.offset, result.description()));
  std::string why;
  pugi::xml_node root = only_root(document->tree, why);
  if (!why.empty()) refuse(why);
  DepthGuard guard;
  document->tree.traverse(guard);
  if (guard.too_deep_at >= 0)
    refuse(fmt::format("byte {}: nested deeper than {} levels", guard.too_deep_at, deepest_element));
  return Xml{std::move(document), root.internal_object()};
}

std::string Xml::name() const { return std::string{without_prefix(element_at(node_).name())}; }

std::optional<Xml> Xml::child(std::string_view name) const {
  for (pugi::xml_node node : element_at(node_).children())
    if (node.type() == pugi::node_element && without_prefix(node.name()) == name)
      return Xml{document_, node.internal_object()};
  return std::nullopt;
}

std::vector<Xml> Xml::children(std::string_view name) const {
  std::vector<Xml> found = children();
  std::erase_if(found, [&](const Xml& element) { return without_prefix(element_at(element.node_).name()) != name; });
  return found;
}

std::vector<Xml> Xml::children() const {
  std::vector<Xml> found;
  for (pugi::xml_node node : element_at(node_).children())
    if (node.type() == pugi::node_element) found.push_back(Xml{document_, node.internal_object()});
  return found;
}

std::string Xml::text() const {
  std::string text;
  for (pugi::xml_node node : element_at(node_).children())
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) text += node.value();
  return text;
}

std::string Xml::text(std::string_view child_name) const {
  auto found = child(child_name);
  return found ? found->text() : std::string{};
}

std::optional<Xml> Xml::path(std::string_view slashed) const {
  std::optional<Xml> at = *this;
  while (at && !slashed.empty()) {
    std::string_view step = slashed.substr(0, slashed.find('/'));
    slashed.remove_prefix(std::min(slashed.size(), step.size() + 1));
    at = at->child(step);
  }
  return at;
}

XmlWriter::XmlWriter(std::string_view root, std::string_view xmlns) {
  out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out_ += fmt::format("<{}", root);
  if (!xmlns.empty()) out_ += fmt::format(" xmlns=\"{}\"", xml_escaped(xmlns));
  out_ += ">";
  open_.emplace_back(root);
}

XmlWriter& XmlWriter::open(std::string_view name) {
  out_.append("<").append(name).append(">");
  open_.emplace_back(name);
  return *this;
}

XmlWriter& XmlWriter::close() {
  if (open_.empty()) return *this;
  out_.append("</").append(open_.back()).append(">");
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::text(std::string_view name, std::string_view value) {
  out_.append("<").append(name).append(">").append(xml_escaped(value)).append("</").append(name).append(">");
  return *this;
}

std::string XmlWriter::done() {
  while (!open_.empty()) close();
  return out_;
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t run = at;
    while (at < text.size() && needs_no_reference(text[at])) ++at;
    out.append(text, run, at - run);
    if (at < text.size()) out += xml_reference(text[at]);
  }
  return out;
}

}  // namespace certferry
