#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace certferry {

// A DNS name in the one form we compare: lower case, A-labels, no final dot, 1 to 253 octets, labels of 1 to 63. May
// begin with "*." where a certificate may (RFC 8555 section 7.1.3), and with "_" labels where a challenge does.
class DomainName {
 public:
  // Accepts U-labels (IDNA2008, UTS 46 non-transitional), upper case and a final dot. Throws Failure (refused) that
  // quotes the input and says which label is wrong.
  static DomainName parse(std::string_view text);

  const std::string& text() const { return text_; }
  bool wildcard() const { return text_.starts_with("*."); }
  DomainName without_wildcard() const;             // itself where it is none
  std::vector<std::string_view> labels() const;    // "*" is a label
  bool within(const DomainName& zone) const;       // equal or below, by whole labels
  std::optional<DomainName> parent() const;        // empty above a single label
  DomainName under(std::string_view label) const;  // label + "." + this
  // Whether a certificate's name covers this host: equal, or one label under a wildcard (RFC 6125 section 6.4.3).
  bool covered_by(const DomainName& certificate_name) const;

  auto operator<=>(const DomainName&) const = default;

 private:
  explicit DomainName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The registered domain (public suffix plus one label), e.g. example.co.uk; the name itself where it is a suffix.
DomainName registered_domain(const DomainName&);

// arn:partition:service:region:account:resource, kept whole and taken apart.
class Arn {
 public:
  static Arn parse(std::string_view text);  // throws Failure (refused)
  const std::string& text() const { return text_; }
  std::string_view partition() const { return part(1); }
  std::string_view service() const { return part(2); }
  std::string_view region() const { return part(3); }
  std::string_view account() const { return part(4); }
  std::string_view resource() const { return part(5); }
  auto operator<=>(const Arn&) const = default;

 private:
  explicit Arn(std::string text) : text_(std::move(text)) {}
  std::string_view part(int index) const;
  std::string text_;
};

// A word with a meaning of its own, so that two of them cannot be swapped. Tag::parse_word throws Failure for what it
// refuses and returns the form we compare.
template <class Tag>
class Word {
 public:
  static Word parse(std::string_view text) { return Word{Tag::parse_word(text)}; }
  const std::string& text() const { return text_; }
  auto operator<=>(const Word&) const = default;

 private:
  explicit Word(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct HostedZoneIdTag {
  static std::string parse_word(std::string_view);
};  // "/hostedzone/Z1" and "Z1" are one
struct ChangeIdTag {
  static std::string parse_word(std::string_view);
};  // "/change/C1" and "C1" are one
struct OrderUrlTag {
  static std::string parse_word(std::string_view);
};  // https, as the CA gave it
struct SerialTag {
  static std::string parse_word(std::string_view);
};  // upper-case hex of the DER content octets
struct CertificateIdTag {
  static std::string parse_word(std::string_view);
};  // the user's name for a certificate
struct FingerprintTag {
  static std::string parse_word(std::string_view);
};  // lower-case hex SHA-256 of a certificate

using HostedZoneId = Word<HostedZoneIdTag>;
using ChangeId = Word<ChangeIdTag>;
using OrderUrl = Word<OrderUrlTag>;
using Serial = Word<SerialTag>;
// [A-Za-z0-9._*@-], 1 to 200 characters: safe in a store's key. The default is the first DNS name as first written.
using CertificateId = Word<CertificateIdTag>;
using Fingerprint = Word<FingerprintTag>;

}  // namespace certferry
