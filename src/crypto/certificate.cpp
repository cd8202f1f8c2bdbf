#include "crypto/certificate.h"

#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <mutex>
#include <openssl/x509v3.h>

#include "base/failure.h"
#include "base/limits/tls.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "crypto/recently_read.h"
#include "crypto/subject_names.h"
#include "wire/base64.h"

namespace certferry {
namespace {

using limits::tls::certificate_longest;
constexpr std::size_t certificates_held = 512;  // some 4 MiB

Failure certificate_refused(std::string_view what) {
  return Failure(Failure::Kind::refused, fmt::format("Reading a certificate: {}", what),
                 "Give one X.509 certificate, PEM or DER, as its CA sent it.");
}

// Without the clock: OpenSSL would read it for a missing time, which no certificate has.
WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    openssl_reason();
    throw certificate_refused("one of its dates is none");
  }
  const std::chrono::sys_days day = std::chrono::year{parts.tm_year + 1900} /
                                    std::chrono::month{static_cast<unsigned>(parts.tm_mon + 1)} /
                                    std::chrono::day{static_cast<unsigned>(parts.tm_mday)};
  return WallTime{day} + std::chrono::hours{parts.tm_hour} + std::chrono::minutes{parts.tm_min} +
         std::chrono::seconds{parts.tm_sec};
}

std::string name_for_people(const X509_NAME* name) {
  for (const int nid : {NID_commonName, NID_organizationName})
    if (auto text = text_of(name, nid); text && !text->empty()) return *text;
  const OwnedBio bio{BIO_new(BIO_s_mem())};
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) openssl_failed("print a name");
  return std::string{written(bio.get())};
}

OwnedX509 x509_of(BytesView der) {
  const unsigned char* at = octets(der);
  OwnedX509 x509{d2i_X509(nullptr, &at, static_cast<long>(der.size()))};
  if (!x509) throw certificate_refused(fmt::format("it is none: {}", openssl_reason()));
  if (at != octets(der) + der.size()) throw certificate_refused("something follows it");
  return x509;
}

std::vector<DomainName> names_of(const X509* certificate) {
  AlternativeNames found = subject_alternative_names(certificate);
  if (!found.names.empty()) return std::move(found.names);
  const auto common = text_of(X509_get_subject_name(certificate), NID_commonName);
  const auto name = common ? name_from_certificate(*common) : std::nullopt;
  return name ? std::vector{*name} : std::vector<DomainName>{};
}

bool verifies(X509* certificate, X509* issuer) {
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool good = key != nullptr && X509_verify(certificate, key) == 1;
  if (!good) openssl_reason();
  return good;
}

}  // namespace

struct Certificate::Read {
  OwnedX509 x509;
  Bytes der, digest;  // SHA-256
  WallTime not_before, not_after;
  std::vector<DomainName> names;
  mutable std::once_flag key_read;
  mutable std::optional<PublicKey> key;

  explicit Read(BytesView octets_of_it)
      : x509(x509_of(octets_of_it)),
        der(octets_of_it),
        digest(sha256(octets_of_it)),
        not_before(time_of(X509_get0_notBefore(x509.get()))),
        not_after(time_of(X509_get0_notAfter(x509.get()))),
        names(names_of(x509.get())) {}
};

Certificate Certificate::from_der(BytesView der) {
  if (der.size() > certificate_longest)
    throw certificate_refused(fmt::format("it is longer than {} octets", certificate_longest));
  static auto& latest = *new RecentlyRead<Read>{certificates_held};
  if (auto known = latest.find(der)) return Certificate{std::move(known)};
  auto read = std::make_shared<const Read>(der);
  latest.keep(read->der, read);
  return Certificate{std::move(read)};
}

x509_st* Certificate::get() const { return read_->x509.get(); }

const Bytes& Certificate::der() const { return read_->der; }

WallTime Certificate::not_before() const { return read_->not_before; }

WallTime Certificate::not_after() const { return read_->not_after; }

Certificate Certificate::from_pem(BytesView pem) {
  const auto blocks = parse_pem(pem, PemText::refused);
  if (blocks.size() != 1) throw certificate_refused(fmt::format("{} PEM blocks where one is wanted", blocks.size()));
  if (blocks.front().label != "CERTIFICATE")
    throw certificate_refused(fmt::format("it is a PEM block of \"{}\"", quoted(blocks.front().label)));
  return from_der(blocks.front().content);
}

std::string Certificate::pem() const { return pem_block("CERTIFICATE", der()); }

std::vector<DomainName> Certificate::names() const { return read_->names; }

// Not ASN1_STRING_get0_data, which drops a leading 00: what ARI and AWS compare are the content octets.
Serial Certificate::serial() const {
  const ASN1_INTEGER* number = X509_get0_serialNumber(get());
  const int length = i2d_ASN1_INTEGER(number, nullptr);
  if (length <= 0) openssl_failed("read a serial number");
  Bytes encoded(static_cast<std::size_t>(length), '\0');
  unsigned char* end = octets(encoded);
  i2d_ASN1_INTEGER(number, &end);
  const unsigned char* content = octets(encoded);
  long size = 0;
  int tag = 0, kind = 0;
  if ((ASN1_get_object(&content, &size, &tag, &kind, length) & 0x80) != 0) openssl_failed("read a serial number");
  return Serial::parse(hex(BytesView{encoded}.substr(encoded.size() - static_cast<std::size_t>(size))));
}

Fingerprint Certificate::fingerprint() const { return Fingerprint::parse(hex(read_->digest)); }

PublicKey Certificate::public_key() const {
  std::call_once(read_->key_read, [this] {
    std::shared_ptr<EVP_PKEY> key{X509_get_pubkey(get()), EVP_PKEY_free};
    if (!key) throw certificate_refused(fmt::format("its public key cannot be read: {}", openssl_reason()));
    read_->key.emplace(std::move(key));
  });
  return *read_->key;
}

std::string Certificate::issuer() const { return name_for_people(X509_get_issuer_name(get())); }

std::string Certificate::subject() const { return name_for_people(X509_get_subject_name(get())); }

bool Certificate::self_signed() const { return issued_by(*this); }

bool Certificate::is_ca() const { return (X509_get_extension_flags(get()) & EXFLAG_CA) != 0; }

bool Certificate::allows_server_auth() const {
  return (X509_get_extended_key_usage(get()) & XKU_SSL_SERVER) != 0;  // all bits where there is no EKU
}

std::optional<Bytes> Certificate::authority_key_id() const {
  const ASN1_OCTET_STRING* id = X509_get0_authority_key_id(get());
  if (id == nullptr) return {};
  return Bytes{reinterpret_cast<const char*>(ASN1_STRING_get0_data(id)),
               static_cast<std::size_t>(ASN1_STRING_length(id))};
}

bool Certificate::issued_by(const Certificate& issuer) const {
  if (X509_NAME_cmp(X509_get_issuer_name(get()), X509_get_subject_name(issuer.get())) != 0) return false;
  static RecentlyRead<bool> latest{certificates_held};
  const Bytes both = read_->digest + issuer.read_->digest;
  if (const auto known = latest.find(both)) return *known;
  const auto said = std::make_shared<const bool>(verifies(get(), issuer.get()));
  latest.keep(both, said);
  return *said;
}

bool Certificate::covers(const DomainName& host) const {
  for (const DomainName& name : read_->names)
    if (host.wildcard() ? host == name : host.covered_by(name)) return true;
  return false;
}

std::string ari_certificate_id(const Certificate& certificate) {
  const auto authority = certificate.authority_key_id();
  if (!authority)
    throw Failure(Failure::Kind::refused,
                  fmt::format("Naming certificate {} for renewal information: it has no authority key identifier",
                              certificate.serial().text()),
                  "Use a CA whose certificates have one (RFC 9773 section 4.1).");
  return base64url(*authority) + "." + base64url(parse_hex(certificate.serial().text()).value());
}

}  // namespace certferry
