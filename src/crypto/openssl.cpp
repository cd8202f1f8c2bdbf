#include "crypto/openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include "base/failure.h"

namespace certferry {

std::string openssl_reason() {
  const unsigned long code = ERR_peek_error();  // the earliest: later ones only say who called whom
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "unknown reason" : quoted(reason, 100);
  ERR_clear_error();
  return text;
}

void openssl_failed(std::string_view operation) {
  throw Failure(Failure::Kind::refused, fmt::format("OpenSSL could not {}: {}", operation, openssl_reason()),
                "Check the memory limit and the OpenSSL installation of this machine.");
}

const unsigned char* octets(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

unsigned char* octets(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

BytesView written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size <= 0 ? BytesView{} : BytesView{data, static_cast<std::size_t>(size)};
}

}  // namespace certferry
