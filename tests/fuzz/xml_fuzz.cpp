#include "base/failure.h"
#include "fuzzing.h"
#include "wire/xml.h"

using certferry::Xml;
using certferry::XmlWriter;

namespace {

void walk(const Xml& element, XmlWriter& writer) {
  for (const Xml& child : element.children()) {
    writer.open("e");
    walk(child, writer);
    writer.close();
  }
  writer.text("t", element.text());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    Xml xml = Xml::parse(certferry::fuzz::view(data, size), "the input", 1 << 16);
    XmlWriter shape{"root"};
    walk(xml, shape);
    XmlWriter writer{"root"};
    writer.text("text", xml.text());
    Xml again = Xml::parse(writer.done(), "our own text");
    bool control = false;  // a few cannot be written at all
    for (unsigned char c : xml.text()) control = control || (c < 0x20 && c != '\t' && c != '\n' && c != '\r');
    certferry::fuzz::hold(control || again.text("text") == xml.text(), "text is read back as written");
  } catch (const certferry::Failure& failure) {
    certferry::fuzz::hold(!std::string_view{failure.what()}.contains("our own text"), "what is written parses");
  }
  return 0;
}
