#include "wire/host_port.h"

#include <gtest/gtest.h>

namespace certferry {
namespace {

TEST(HostPort, IsReadInEveryForm) {
  EXPECT_EQ(parse_host_port("www.example.com", 443), (HostPort{"www.example.com", 443}));
  EXPECT_EQ(parse_host_port("www.example.com:8443", 443), (HostPort{"www.example.com", 8443}));
  EXPECT_EQ(parse_host_port("192.0.2.1:8443", 443), (HostPort{"192.0.2.1", 8443}));
  EXPECT_EQ(parse_host_port("[2001:db8::1]:8443", 443), (HostPort{"2001:db8::1", 8443}));
  EXPECT_EQ(parse_host_port("[2001:db8::1]", 443), (HostPort{"2001:db8::1", 443}));
  EXPECT_EQ(parse_host_port("2001:db8::1", 443), (HostPort{"2001:db8::1", 443}));
  EXPECT_EQ(text_of(*parse_host_port("2001:db8::1", 443)), "[2001:db8::1]:443");
  for (const char* bad : {"", ":443", "host:", "host:0", "host:65536", "host:https", "[host]:1", "[::1", "[::1]x",
                          "a b", "https://host/"})
    EXPECT_FALSE(parse_host_port(bad, 443)) << bad;
  EXPECT_TRUE(is_address("192.0.2.1"));
  EXPECT_TRUE(is_address("::1"));
  EXPECT_FALSE(is_address("1.example"));
}

}  // namespace
}  // namespace certferry
