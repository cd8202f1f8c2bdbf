// The codec against an implementation that is not ours; without ldns's headers this file is empty.
#if __has_include(<ldns/ldns.h>)
#include "wire/dns.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <ldns/ldns.h>
#include <memory>

namespace certferry::dns {
namespace {

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, FreePacket>;

Packet read_by_ldns(const Bytes& wire) {
  ldns_pkt* packet = nullptr;
  auto status = ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size());
  EXPECT_EQ(status, LDNS_STATUS_OK) << ldns_get_errorstr_by_id(status);
  return Packet{packet};
}

std::string as_text(const ldns_rr* record) {
  std::unique_ptr<char, decltype(&std::free)> text{ldns_rr2str(record), &std::free};
  std::string line = text.get();
  while (line.ends_with('\n')) line.pop_back();
  return line;
}

const std::vector<std::pair<Record, std::string>>& records_and_their_text() {
  static const std::vector<std::pair<Record, std::string>> pairs{
      {{"a.example", Type::a, 60, "192.0.2.1"}, "a.example.\t60\tIN\tA\t192.0.2.1"},
      {{"a.example", Type::aaaa, 60, "2001:db8::1"}, "a.example.\t60\tIN\tAAAA\t2001:db8::1"},
      {{"example", Type::ns, 60, "ns1.example"}, "example.\t60\tIN\tNS\tns1.example."},
      {{"b.example", Type::cname, 60, "a.example"}, "b.example.\t60\tIN\tCNAME\ta.example."},
      {{"example", Type::mx, 60, "10 mail.example"}, "example.\t60\tIN\tMX\t10 mail.example."},
      {{"_acme-challenge.a.example", Type::txt, 60, std::string(256, 'x')},
       "_acme-challenge.a.example.\t60\tIN\tTXT\t\"" + std::string(255, 'x') + "\" \"x\""},
      {{"example", Type::caa, 60, "0 issue ca.example"}, "example.\t60\tIN\tCAA\t0 issue \"ca.example\""},
      {{"example", Type::soa, 60, "ns1.example host.example 1 7200 900 1209600 86400"},
       "example.\t60\tIN\tSOA\tns1.example. host.example. 1 7200 900 1209600 86400"},
      {{"\\255\\000x.example", Type::txt, 60, "v"}, "\\255\\000x.example.\t60\tIN\tTXT\t\"v\""}};
  return pairs;
}

TEST(DnsBesideLdns, ReadsTheRecordsThatWeWrite) {
  for (const auto& [record, text] : records_and_their_text()) {
    Packet packet = read_by_ldns(encode({.id = 1, .response = true, .answers = {record}}));
    ASSERT_TRUE(packet);
    ASSERT_EQ(ldns_rr_list_rr_count(ldns_pkt_answer(packet.get())), 1U);
    EXPECT_EQ(as_text(ldns_rr_list_rr(ldns_pkt_answer(packet.get()), 0)), text);
  }
}

TEST(DnsBesideLdns, ReadsTheQueryThatWeWrite) {
  Packet packet =
      read_by_ldns(encode({.id = 4711, .recursion_desired = true, .questions = {{"a.example", Type::caa}}}));
  ASSERT_TRUE(packet);
  EXPECT_EQ(ldns_pkt_id(packet.get()), 4711);
  EXPECT_TRUE(ldns_pkt_rd(packet.get()));
  EXPECT_FALSE(ldns_pkt_qr(packet.get()));
  EXPECT_TRUE(ldns_pkt_edns(packet.get()));
  EXPECT_EQ(ldns_pkt_edns_udp_size(packet.get()), 1232);
  EXPECT_EQ(as_text(ldns_rr_list_rr(ldns_pkt_question(packet.get()), 0)), "a.example.\tIN\tCAA");
}

TEST(DnsBesideLdns, WritesCompressedRepliesThatWeRead) {
  std::unique_ptr<ldns_pkt, FreePacket> packet{ldns_pkt_new()};
  ldns_pkt_set_qr(packet.get(), true);
  ldns_pkt_set_aa(packet.get(), true);
  ldns_pkt_set_id(packet.get(), 9);
  std::vector<Record> expected;
  for (const auto& [record, text] : records_and_their_text()) {
    ldns_rr* rr = nullptr;
    ASSERT_EQ(ldns_rr_new_frm_str(&rr, text.c_str(), 0, nullptr, nullptr), LDNS_STATUS_OK) << text;
    ldns_pkt_push_rr(packet.get(), LDNS_SECTION_ANSWER, rr);
    expected.push_back(record);
  }
  std::uint8_t* octets = nullptr;
  std::size_t size = 0;
  ASSERT_EQ(ldns_pkt2wire(&octets, packet.get(), &size), LDNS_STATUS_OK);
  std::unique_ptr<std::uint8_t, decltype(&std::free)> owner{octets, &std::free};
  Bytes wire{reinterpret_cast<const char*>(octets), size};
  EXPECT_LT(size, encode({.id = 9, .response = true, .authoritative = true, .answers = expected}).size());

  auto read = parse(wire);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, 9);
  EXPECT_TRUE(read->response && read->authoritative);
  EXPECT_EQ(read->answers, expected);
}

}  // namespace
}  // namespace certferry::dns
#endif
