#include "crypto/chain.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/tls.h"
#include "crypto/pem.h"
#include "crypto/recently_read.h"

namespace certferry {
namespace {

using limits::tls::chain_longest, limits::tls::chain_text_longest;
constexpr std::size_t chains_held = 128;  // texts of some 4 KiB

Failure chain_refused(std::string_view what) {
  return Failure(Failure::Kind::refused, fmt::format("Reading a certificate chain: {}", what),
                 "Give the leaf first, then each certificate that certifies the one before it, and nothing else.");
}

Chain chain_of(std::vector<Certificate> certificates) {
  Certificate leaf = std::move(certificates.front());
  certificates.erase(certificates.begin());
  return {std::move(leaf), std::move(certificates)};
}

// Each after the one that it certifies; those that certify none of them stay behind, as they came.
void put_in_order(Chain& chain) {
  auto& rest = chain.intermediates;
  const Certificate* last = &chain.leaf;
  for (auto place = rest.begin(); place != rest.end() && !last->self_signed(); ++place) {
    const auto issuer = std::find_if(place, rest.end(), [&](const Certificate& one) { return last->issued_by(one); });
    if (issuer == rest.end()) return;
    std::rotate(place, issuer, issuer + 1);
    last = &*place;
  }
}

Chain read_chain(BytesView pem) {
  const auto blocks = parse_pem(pem, PemText::refused);
  if (blocks.empty()) throw chain_refused("it holds no certificate");
  if (blocks.size() > chain_longest)
    throw chain_refused(fmt::format("it holds {} certificates, {} at most are read", blocks.size(), chain_longest));
  std::vector<Certificate> certificates;
  for (const PemBlock& block : blocks) {
    if (block.label != "CERTIFICATE")
      throw chain_refused(fmt::format("it holds a PEM block of \"{}\"", quoted(block.label)));
    certificates.push_back(Certificate::from_der(block.content));
  }
  return chain_of(std::move(certificates));
}

}  // namespace

std::string Chain::leaf_pem() const { return leaf.pem(); }

std::string Chain::intermediates_pem() const {
  std::string text;
  for (const Certificate& one : intermediates) text += one.pem();
  return text;
}

std::string Chain::pem() const { return leaf_pem() + intermediates_pem(); }

Chain parse_chain(BytesView pem) {
  if (pem.size() > chain_text_longest)
    throw chain_refused(fmt::format("it is longer than {} octets", chain_text_longest));
  static auto& latest = *new RecentlyRead<Chain>{chains_held};
  if (const auto known = latest.find(pem)) return *known;
  const auto read = std::make_shared<const Chain>(read_chain(pem));
  latest.keep(pem, read);
  return *read;
}

Chain parse_chain(const std::vector<Bytes>& der) {
  if (der.empty()) throw chain_refused("it holds no certificate");
  if (der.size() > chain_longest)
    throw chain_refused(fmt::format("it holds {} certificates, {} at most are read", der.size(), chain_longest));
  std::vector<Certificate> certificates;
  for (const Bytes& one : der) certificates.push_back(Certificate::from_der(one));
  Chain chain = chain_of(std::move(certificates));
  put_in_order(chain);
  return chain;
}

}  // namespace certferry
