#include "crypto/certificate_template.h"

#include <openssl/x509v3.h>

#include "crypto/curve.h"
#include "crypto/openssl.h"
#include "crypto/signature.h"
#include "crypto/subject_names.h"

namespace certferry {
namespace {

using OwnedOctetString = Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;

constexpr std::string_view signing = "write a certificate";

void done(bool well) {
  if (!well) openssl_failed(signing);
}

void add(X509* certificate, int nid, void* value, bool critical) {
  done(X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_APPEND) == 1);
}

OwnedOctetString octet_string(BytesView bytes) {
  OwnedOctetString string{ASN1_OCTET_STRING_new()};
  done(string && ASN1_OCTET_STRING_set(string.get(), octets(bytes), static_cast<int>(bytes.size())) == 1);
  return string;
}

// RFC 7093 section 2, method 1: the first 160 bits of the SHA-256 of the key's bit string.
Bytes key_id_of(const X509* certificate) {
  if (const ASN1_OCTET_STRING* own = X509_get0_subject_key_id(const_cast<X509*>(certificate)))
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(own)),
            static_cast<std::size_t>(ASN1_STRING_length(own))};
  constexpr std::size_t key_id_size = 20;
  Bytes digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int length = 0;
  done(X509_pubkey_digest(certificate, EVP_sha256(), octets(digest), &length) == 1);
  return digest.substr(0, key_id_size);
}

void set_serial(X509* certificate, BytesView serial) {
  const OwnedBignum number{BN_bin2bn(octets(serial), static_cast<int>(serial.size()), nullptr)};
  done(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void set_dates(X509* certificate, WallTime not_before, WallTime not_after) {
  const auto seconds_of = [](WallTime time) {
    return static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  done(ASN1_TIME_set(X509_getm_notBefore(certificate), seconds_of(not_before)) != nullptr &&
       ASN1_TIME_set(X509_getm_notAfter(certificate), seconds_of(not_after)) != nullptr);
}

void set_subject(X509* certificate, const std::string& common_name) {
  if (common_name.empty()) return;
  done(X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                                  octets(BytesView{common_name}), static_cast<int>(common_name.size()), -1, 0) == 1);
}

void add_usages(X509* certificate, bool ca, bool encrypts) {
  const Owned<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> constraints{BASIC_CONSTRAINTS_new()};
  done(constraints != nullptr);
  constraints->ca = ca ? 0xff : 0;
  add(certificate, NID_basic_constraints, constraints.get(), true);

  enum Bit { digital_signature = 0, key_encipherment = 2, certificate_sign = 5, crl_sign = 6 };  // RFC 5280 4.2.1.3
  const Owned<ASN1_BIT_STRING, ASN1_BIT_STRING_free> usage{ASN1_BIT_STRING_new()};
  done(usage && ASN1_BIT_STRING_set_bit(usage.get(), digital_signature, 1) == 1);
  if (ca)
    done(ASN1_BIT_STRING_set_bit(usage.get(), certificate_sign, 1) == 1 &&
         ASN1_BIT_STRING_set_bit(usage.get(), crl_sign, 1) == 1);
  else if (encrypts)
    done(ASN1_BIT_STRING_set_bit(usage.get(), key_encipherment, 1) == 1);
  add(certificate, NID_key_usage, usage.get(), true);

  if (ca) return;
  const Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> extended{EXTENDED_KEY_USAGE_new()};
  done(extended && sk_ASN1_OBJECT_push(extended.get(), OBJ_nid2obj(NID_server_auth)) > 0);
  add(certificate, NID_ext_key_usage, extended.get(), false);
}

void add_key_ids(X509* certificate, const X509* issuer) {
  const OwnedOctetString own = octet_string(key_id_of(certificate));
  add(certificate, NID_subject_key_identifier, own.get(), false);
  const Owned<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority{AUTHORITY_KEYID_new()};
  done(authority != nullptr);
  authority->keyid = octet_string(key_id_of(issuer)).release();
  add(certificate, NID_authority_key_identifier, authority.get(), false);
}

}  // namespace

Certificate sign_certificate(const CertificateTemplate& wanted, const PublicKey& key, const PrivateKey& issuer_key,
                             const Certificate* issuer) {
  const OwnedX509 certificate{X509_new()};
  done(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  done(set_subject_key(X509_get_X509_PUBKEY(certificate.get()), key.get()) ||
       X509_set_pubkey(certificate.get(), key.get()) == 1);
  set_serial(certificate.get(), wanted.serial);
  set_dates(certificate.get(), wanted.not_before, wanted.not_after);
  set_subject(certificate.get(), wanted.common_name);
  const X509* signer = issuer == nullptr ? certificate.get() : issuer->get();
  done(X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1);

  add_usages(certificate.get(), wanted.ca, EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA);
  add_key_ids(certificate.get(), signer);
  if (!wanted.names.empty()) {
    const OwnedGeneralNames names = general_names(wanted.names);
    add(certificate.get(), NID_subject_alt_name, names.get(), wanted.common_name.empty());
  }
  done(X509_sign(certificate.get(), issuer_key.get(), digest_for(issuer_key.algorithm())) > 0);

  const int length = i2d_X509(certificate.get(), nullptr);
  done(length > 0);
  Bytes der(static_cast<std::size_t>(length), '\0');
  unsigned char* end = octets(der);
  i2d_X509(certificate.get(), &end);
  return Certificate::from_der(der);
}

}  // namespace certferry
