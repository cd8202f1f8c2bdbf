#include <fmt/format.h>
#include <mutex>
#include <openssl/x509_vfy.h>

#include "base/failure.h"
#include "crypto/chain.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "crypto/subject_names.h"

namespace certferry {
namespace {

using OwnedStore = Owned<X509_STORE, X509_STORE_free>;
using OwnedStoreContext = Owned<X509_STORE_CTX, X509_STORE_CTX_free>;

void free_stack_alone(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using OwnedStack = Owned<STACK_OF(X509), free_stack_alone>;

OwnedStack untrusted_of(const Chain& chain) {
  OwnedStack stack{sk_X509_new_null()};
  if (!stack) openssl_failed("verify a chain");
  for (const Certificate& one : chain.intermediates)
    if (sk_X509_push(stack.get(), one.get()) == 0) openssl_failed("verify a chain");
  return stack;
}

// For a TLS server, at `when` by our own count, as curl does it: any certificate among the roots ends the chain, and
// SHA-1 or short keys do not count.
void set_parameters(X509_VERIFY_PARAM* parameters, WallTime when) {
  constexpr int level_without_sha1 = 1;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(seconds));
  X509_VERIFY_PARAM_set_auth_level(parameters, level_without_sha1);
  if (X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER) != 1 ||
      X509_VERIFY_PARAM_set_trust(parameters, X509_TRUST_SSL_SERVER) != 1 ||
      X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN) != 1)
    openssl_failed("verify a chain");
}

std::string objection_of(X509_STORE_CTX* context) {
  const std::string reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  openssl_reason();
  X509* current = X509_STORE_CTX_get_current_cert(context);
  const auto subject = current == nullptr ? std::nullopt : text_of(X509_get_subject_name(current), NID_commonName);
  return subject ? fmt::format("{} (at \"{}\")", reason, quoted(*subject, 100)) : reason;
}

std::optional<std::string> objection_within(X509_STORE* store, const Chain& chain, WallTime when) {
  const OwnedStoreContext context{X509_STORE_CTX_new()};
  const OwnedStack untrusted = untrusted_of(chain);
  if (!context || X509_STORE_CTX_init(context.get(), store, chain.leaf.get(), untrusted.get()) != 1)
    openssl_failed("verify a chain");
  set_parameters(X509_STORE_CTX_get0_param(context.get()), when);
  if (X509_verify_cert(context.get()) == 1) return {};
  return objection_of(context.get());
}

}  // namespace

// OpenSSL's stores are built when they are first asked, since the system's roots take some milliseconds and megabytes.
struct Roots::Set {
  bool system = false;
  std::vector<Certificate> certificates;

  // Those given one by one, without the system's.
  X509_STORE* given() const {
    std::call_once(given_once, [this] { given_store = build(false); });
    return given_store.get();
  }
  X509_STORE* all() const {
    std::call_once(all_once, [this] { all_store = build(true); });
    return all_store.get();
  }

 private:
  OwnedStore build(bool with_system) const {
    OwnedStore result{X509_STORE_new()};
    if (!result || (with_system && X509_STORE_set_default_paths(result.get()) != 1)) openssl_failed("load the roots");
    for (const Certificate& one : certificates)
      if (X509_STORE_add_cert(result.get(), one.get()) != 1) openssl_failed("load the roots");
    return result;
  }
  mutable std::once_flag given_once, all_once;
  mutable OwnedStore given_store, all_store;
};

Roots Roots::system() {
  auto set = std::make_shared<Set>();
  set->system = true;
  return Roots{std::move(set)};
}

Roots Roots::from_pem(BytesView pem) {
  auto set = std::make_shared<Set>();
  for (const PemBlock& block : parse_pem(pem, PemText::skipped))
    if (block.label == "CERTIFICATE") set->certificates.push_back(Certificate::from_der(block.content));
  if (set->certificates.empty())
    throw Failure(Failure::Kind::refused, "Reading trusted roots: the file holds no certificate",
                  "Give a PEM file with the root certificates of the CA.");
  return Roots{std::move(set)};
}

Roots Roots::none() { return Roots{std::make_shared<Set>()}; }

Roots Roots::with(const Roots& more) const {
  auto set = std::make_shared<Set>();
  set->system = set_->system || more.set_->system;
  set->certificates = set_->certificates;
  set->certificates.insert(set->certificates.end(), more.set_->certificates.begin(), more.set_->certificates.end());
  return Roots{std::move(set)};
}

std::optional<std::string> Roots::objection(const Chain& chain, WallTime when) const {
  // Whatever leads to one that was given leads there beside the system's, too: those are loaded only where it does not.
  auto objection_of_given = objection_within(set_->given(), chain, when);
  return objection_of_given && set_->system ? objection_within(set_->all(), chain, when) : objection_of_given;
}

}  // namespace certferry
