# Everything here is a Debian 12 package; ./dev installs them.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(pugixml REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)

# Flags that everything is compiled with.
add_library(certferry_options INTERFACE)
target_compile_options(certferry_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  -Wno-missing-field-initializers  # designated initializers name what differs from the default
  -fno-omit-frame-pointer -fstack-protector-strong
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_compile_definitions(certferry_options INTERFACE
  CERTFERRY_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED
  OPENSSL_NO_ENGINE)
target_include_directories(certferry_options SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
# The presets for tests ask for it: they can do without one guard at a time (src/base/guards.h). What is shipped never can.
if(CERTFERRY_TESTING)
  target_compile_definitions(certferry_options INTERFACE CERTFERRY_TESTING)
endif()
if(CERTFERRY_SANITIZE)
  target_compile_options(certferry_options INTERFACE -fsanitize=${CERTFERRY_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(certferry_options INTERFACE -fsanitize=${CERTFERRY_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(certferry_options INTERFACE -ffunction-sections -fdata-sections -D_FORTIFY_SOURCE=2)
  target_link_options(certferry_options INTERFACE -Wl,--gc-sections -Wl,-z,relro,-z,now)
endif()
if(CERTFERRY_FUZZERS)
  target_compile_options(certferry_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
