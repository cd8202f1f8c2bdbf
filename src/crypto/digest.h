#pragma once

#include "base/bytes.h"

namespace certferry {

Bytes sha256(BytesView data);                      // 32 octets
Bytes sha1(BytesView data);                        // 20 octets; for cache file names alone
Bytes hmac_sha256(BytesView key, BytesView data);  // 32 octets
Bytes hmac_sha384(BytesView key, BytesView data);
Bytes hmac_sha512(BytesView key, BytesView data);
bool equal_in_constant_time(BytesView, BytesView);

}  // namespace certferry
