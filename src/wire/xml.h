#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certferry {

// A parsed XML element, read by the names of its children; namespaces are ignored, entities beyond the five of XML 1.0
// and document types are refused. Cheap to copy.
class Xml {
 public:
  // At most `limit` bytes, 64 levels. Throws Failure (refused) that names `source` and the byte offset.
  static Xml parse(std::string_view text, std::string_view source, std::size_t limit = 4 << 20);

  std::string name() const;                                // of this element, without prefix
  std::optional<Xml> child(std::string_view name) const;   // the first
  std::vector<Xml> children(std::string_view name) const;  // in order
  std::vector<Xml> children() const;
  std::string text() const;                                 // of this element, surrounding blanks kept
  std::string text(std::string_view child) const;           // "" where absent
  std::optional<Xml> path(std::string_view slashed) const;  // "GetChangeResult/ChangeInfo"

 private:
  struct Document;
  Xml(std::shared_ptr<const Document> document, const void* node);
  std::shared_ptr<const Document> document_;
  const void* node_ = nullptr;
};

// Writes an element tree in the order it is told, which Route 53 minds.
class XmlWriter {
 public:
  explicit XmlWriter(std::string_view root, std::string_view xmlns = "");
  XmlWriter& open(std::string_view name);
  XmlWriter& close();
  XmlWriter& text(std::string_view name, std::string_view value);  // <name>value</name>, escaped
  std::string done();                                              // closes what is open

 private:
  std::string out_;
  std::vector<std::string> open_;
};

std::string xml_escaped(std::string_view text);

}  // namespace certferry
