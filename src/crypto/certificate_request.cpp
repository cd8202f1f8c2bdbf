#include "crypto/certificate_request.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "crypto/curve.h"
#include "crypto/openssl.h"
#include "crypto/recently_read.h"
#include "crypto/signature.h"
#include "crypto/subject_names.h"

namespace certferry {
namespace {

constexpr std::size_t requests_held = 64;  // some hundred octets each

using OwnedRequest = Owned<X509_REQ, X509_REQ_free>;

void free_extensions(STACK_OF(X509_EXTENSION) * extensions) {
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}
using OwnedExtensions = Owned<STACK_OF(X509_EXTENSION), free_extensions>;

Failure request_refused(std::string_view what) {
  return Failure(Failure::Kind::refused, fmt::format("Reading a certificate request: {}", what),
                 "Send a PKCS#10 request in DER with every name as a dNSName.");
}

void add_names(X509_REQ* request, const std::vector<DomainName>& names) {
  const OwnedGeneralNames value = general_names(names);
  STACK_OF(X509_EXTENSION)* extensions = nullptr;
  const int added = X509V3_add1_i2d(&extensions, NID_subject_alt_name, value.get(), 0, X509V3_ADD_DEFAULT);
  const OwnedExtensions owned{extensions};
  if (added != 1 || X509_REQ_add_extensions(request, extensions) != 1) openssl_failed("write a certificate request");
}

RequestedCertificate read_request(BytesView der) {
  const unsigned char* at = octets(der);
  const OwnedRequest request{d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()))};
  if (!request) throw request_refused(fmt::format("it is none: {}", openssl_reason()));
  if (at != octets(der) + der.size()) throw request_refused("something follows it");
  std::shared_ptr<EVP_PKEY> key{X509_REQ_get_pubkey(request.get()), EVP_PKEY_free};
  if (!key) throw request_refused(fmt::format("its key cannot be read: {}", openssl_reason()));
  if (X509_REQ_verify(request.get(), key.get()) != 1)
    throw request_refused(fmt::format("its signature does not verify: {}", openssl_reason()));

  const OwnedExtensions extensions{X509_REQ_get_extensions(request.get())};
  AlternativeNames found = subject_alternative_names(extensions.get());
  if (found.others > 0) throw request_refused("it asks for something that is no DNS name");
  if (const auto common = text_of(X509_REQ_get_subject_name(request.get()), NID_commonName)) {
    const auto name = name_from_certificate(*common);
    if (!name) throw request_refused("its common name is no DNS name");
    found.names.push_back(*name);  // RFC 8555 section 7.4: a name may stand there too
    found.names = sorted_names(std::move(found.names));
  }
  if (found.names.empty()) throw request_refused("it asks for no name");
  return {std::move(found.names), PublicKey{std::move(key)}};
}

}  // namespace

Bytes certificate_request(const PrivateKey& key, const std::vector<DomainName>& names) {
  const OwnedRequest request{X509_REQ_new()};
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1)
    openssl_failed("write a certificate request");
  if (!set_subject_key(X509_REQ_get_X509_PUBKEY(request.get()), key.get()) &&
      X509_REQ_set_pubkey(request.get(), key.get()) != 1)
    openssl_failed("write a certificate request");
  add_names(request.get(), names);
  if (X509_REQ_sign(request.get(), key.get(), digest_for(key.algorithm())) <= 0)
    openssl_failed("sign a certificate request");
  const int length = i2d_X509_REQ(request.get(), nullptr);
  if (length <= 0) openssl_failed("write a certificate request");
  Bytes der(static_cast<std::size_t>(length), '\0');
  unsigned char* end = octets(der);
  i2d_X509_REQ(request.get(), &end);
  return der;
}

RequestedCertificate parse_certificate_request(BytesView der) {
  static auto& latest = *new RecentlyRead<RequestedCertificate>{requests_held};
  if (const auto known = latest.find(der)) return *known;
  const auto read = std::make_shared<const RequestedCertificate>(read_request(der));
  latest.keep(der, read);
  return *read;
}

}  // namespace certferry
