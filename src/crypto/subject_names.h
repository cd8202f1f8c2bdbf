#pragma once

#include <openssl/x509v3.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "crypto/openssl.h"

namespace certferry {

// What a subject alternative name extension says (RFC 5280 section 4.2.1.6).
struct AlternativeNames {
  std::vector<DomainName> names;  // sorted, each once
  std::size_t others = 0;         // entries that are no dNSName, or none that is a name
};
AlternativeNames subject_alternative_names(const X509* certificate);
AlternativeNames subject_alternative_names(const STACK_OF(X509_EXTENSION) * extensions);  // null: none

// The extension's value for these names.
using OwnedGeneralNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
OwnedGeneralNames general_names(const std::vector<DomainName>& names);

// A certificate's or request's name where it is one; foreign bytes, so no U-labels and no NUL.
std::optional<DomainName> name_from_certificate(std::string_view text);
// The first entry of this kind (NID_commonName) in UTF-8; empty where there is none.
std::optional<std::string> text_of(const X509_NAME* subject, int nid);

}  // namespace certferry
