#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace certferry {

// A PEM block (RFC 7468): its label and what its base64 says.
struct PemBlock {
  std::string label;  // "CERTIFICATE"
  Bytes content;
};

// Whether text may stand outside the blocks: bundles of roots are commented, what a CA sends is not.
enum class PemText { refused, skipped };

// Every block, in order; none where there is none. Headers inside a block are refused. Throws Failure (refused) with
// the number of the line; what it read is not shown.
std::vector<PemBlock> parse_pem(BytesView text, PemText outside);

// With line ends, 64 columns.
std::string pem_block(std::string_view label, BytesView content);

}  // namespace certferry
