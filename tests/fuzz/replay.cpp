// Runs a fuzzer's corpus through it where there is no libFuzzer: every file of the folders and files named.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  const std::string input{std::istreambuf_iterator<char>{stream}, {}};
  std::printf("%s: %zu bytes\n", file.c_str(), input.size());
  std::fflush(stdout);  // so that a crash names its input
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::set<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path place{argv[i]};
    if (!std::filesystem::is_directory(place)) {
      if (std::filesystem::is_regular_file(place)) files.insert(place);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place))
      if (entry.is_regular_file()) files.insert(entry.path());
  }
  for (const auto& file : files) replay(file);
  if (files.empty()) std::fprintf(stderr, "replay: no input in what was named\n");
  std::printf("%zu inputs replayed\n", files.size());
  return files.empty() ? 1 : 0;
}
