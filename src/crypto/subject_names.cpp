#include "crypto/subject_names.h"

#include <algorithm>
#include <string>

#include "base/certificate_spec.h"
#include "base/failure.h"
#include "crypto/openssl.h"

namespace certferry {
namespace {

std::string_view content_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

void free_text(unsigned char* text) { OPENSSL_free(text); }

// extension: GENERAL_NAMES, which it frees; null where there is no such extension, or one too many.
AlternativeNames read_names(void* extension) {
  const OwnedGeneralNames names{static_cast<GENERAL_NAMES*>(extension)};
  if (!names) openssl_reason();
  AlternativeNames result;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names.get(), i);
    std::optional<DomainName> name;
    if (entry->type == GEN_DNS) name = name_from_certificate(content_of(entry->d.dNSName));
    if (name)
      result.names.push_back(std::move(*name));
    else
      ++result.others;
  }
  result.names = sorted_names(std::move(result.names));
  return result;
}

}  // namespace

std::optional<DomainName> name_from_certificate(std::string_view text) {
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::ranges::all_of(text, printable)) return {};
  try {
    return DomainName::parse(text);
  } catch (const Failure&) {
    return {};
  }
}

AlternativeNames subject_alternative_names(const X509* certificate) {
  return read_names(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
}

AlternativeNames subject_alternative_names(const STACK_OF(X509_EXTENSION) * extensions) {
  return read_names(X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr));
}

OwnedGeneralNames general_names(const std::vector<DomainName>& names) {
  OwnedGeneralNames result{GENERAL_NAMES_new()};
  if (!result) openssl_failed("encode names");
  for (const DomainName& name : names) {
    Owned<GENERAL_NAME, GENERAL_NAME_free> entry{GENERAL_NAME_new()};
    Owned<ASN1_IA5STRING, ASN1_IA5STRING_free> text{ASN1_IA5STRING_new()};
    if (!entry || !text || ASN1_STRING_set(text.get(), name.text().data(), static_cast<int>(name.text().size())) != 1)
      openssl_failed("encode names");
    GENERAL_NAME_set0_value(entry.get(), GEN_DNS, text.release());
    if (sk_GENERAL_NAME_push(result.get(), entry.get()) == 0) openssl_failed("encode names");
    static_cast<void>(entry.release());  // the stack owns it now
  }
  return result;
}

std::optional<std::string> text_of(const X509_NAME* subject, int nid) {
  const int at = X509_NAME_get_index_by_NID(subject, nid, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (length < 0) {
    openssl_reason();
    return {};
  }
  const Owned<unsigned char, free_text> owned{text};
  return std::string{reinterpret_cast<const char*>(text), static_cast<std::size_t>(length)};
}

}  // namespace certferry
