#pragma once

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <optional>
#include <string>

#include "wire/json.h"

namespace certferry {

// A file of published test vectors; empty where they are not on this machine.
inline std::optional<Json> acme_vectors(const std::string& file) {
  const char* folder = std::getenv("CERTFERRY_VECTORS");
  const char* source = std::getenv("CERTFERRY_SOURCE");
  const std::string root =
      folder != nullptr ? folder : std::string{source != nullptr ? source : "."} + "/../shared/vectors";
  std::ifstream stream{root + "/acme/" + file};
  if (!stream) return {};
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  return Json::parse(text, file);
}

}  // namespace certferry

// The vectors in `file` as `vectors`, or the test is skipped.
#define CERTFERRY_ACME_VECTORS(vectors, file)           \
  const auto vectors = ::certferry::acme_vectors(file); \
  if (!vectors) GTEST_SKIP() << "no vectors here: " << file
