#include <gmock/gmock.h>

#include "clinic.h"

// What doctor says of targets and of the roles that reach them, of quotas and limits, and of clocks.
namespace certferry {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Verdict = Finding::Verdict;

TEST(Doctor, SaysWhichTargetsAreNotThereOrSpeakNoTls) {
  Clinic clinic;
  clinic.world().classic().by_name.at("old").listeners.at(443).protocol = "TCP";
  EXPECT_THAT(about(clinic.examine(), "target", "classic ELB old"), says(Verdict::red, "its listener speaks TCP"));
  clinic.world().classic().by_name.at("old").listeners.clear();
  EXPECT_THAT(about(clinic.examine(), "target", "classic ELB old"),
              says(Verdict::red, "it has no listener on this port", "(--elb NAME:PORT)"));
  clinic.world().classic().by_name.clear();
  clinic.world().load_balancers().by_name.clear();
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "target", "classic ELB old"),
              says(Verdict::red, "there is no such load balancer in eu-west-1", "(--elb, --region)"));
  EXPECT_THAT(about(findings, "target", "ALB web/"), says(Verdict::red, "there is no such listener", "(--listener)"));
}

TEST(Doctor, SaysWhichKeysATargetDoesNotTake) {
  Clinic clinic;
  auto& world = clinic.world();
  const std::string served = world.server_certificates().by_name.begin()->second.arn;
  const std::string network = world.load_balancers().add("tcp", served, "network").arn;
  CertificateConfig& certificate = clinic.config.certificates.front();
  certificate.key_type = KeyType::rsa4096;
  certificate.install = {InstallConfig{ListenerInstall{Arn::parse(network)}}, InstallConfig{ElbInstall{"old", 443}}};
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "target", "NLB"), says(Verdict::red, "does not take rsa4096", "Write key = \"p256\""));
  EXPECT_THAT(about(findings, "target", "classic"), says(Verdict::green, "takes rsa4096"));
}

TEST(Doctor, SaysThatTheCertificateOfATargetCannotBeRead) {
  Clinic clinic;
  auto& install = clinic.config.certificates.front().install;
  for (InstallConfig& one : install) one.verify = Verify::api;
  clinic.deny({"iam:GetServerCertificate"});
  clinic.simulated.machine().write("/etc/ssl/www/live", "theirs", 0600);
  const Findings findings = clinic.examine();
  for (const char* target : {"classic", "ALB"})
    EXPECT_THAT(
        about(findings, "target", target),
        says(Verdict::yellow, "which cannot be read (IAM GetServerCertificate", "Allow iam:GetServerCertificate on it"))
        << target;
  EXPECT_THAT(about(findings, "target", "/etc/ssl/www"),
              says(Verdict::yellow, "which cannot be read",
                   "Let certferry read /etc/ssl/www/live, or move away /etc/ssl/www/live"));
  clinic.world().load_balancers().listener(clinic.listener)->listener.certificate =
      "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
  EXPECT_THAT(about(clinic.examine(), "target", "ALB"),
              says(Verdict::yellow, "which cannot be read", "here certificates are read in IAM alone"));
}

TEST(Doctor, SaysThatOneOfOursKeepsNoPlaceThoughItCannotBeRead) {
  Clinic clinic;
  auto& world = clinic.world();
  for (InstallConfig& one : clinic.config.certificates.front().install) one.verify = Verify::api;
  const std::string ours = world.server_certificates().put(
      "/certferry/", "ours", world.placeholder({DomainName::parse("example.com")}, world.now()));
  world.load_balancers().listener(clinic.listener)->listener.certificate = ours;
  clinic.deny({"iam:GetServerCertificate"});
  const Findings findings = clinic.examine();
  const Finding row = about(findings, "target", "ALB");
  EXPECT_THAT(row, says(Verdict::yellow, "which cannot be read", "Allow iam:GetServerCertificate on it; it is ours"));
  EXPECT_THAT(row.next, Not(HasSubstr("keeps its place")));
  EXPECT_THAT(about(findings, "target", "classic").next, HasSubstr("keeps its place")) << "somebody else's";
}

TEST(Doctor, SaysThatALinkGoesAndNotWhatItLeadsTo) {
  Clinic clinic;
  clinic.simulated.machine().nodes["/etc/ssl/www/live"] = {.kind = sandbox::Machine::Kind::link, .content = "/etc"};
  EXPECT_THAT(about(clinic.examine(), "target", "/etc/ssl/www"),
              says(Verdict::yellow, "serves /etc, which cannot be read",
                   "Let certferry read /etc, or remove the link /etc/ssl/www/live; what it leads to stays"));
}

TEST(Doctor, SaysThatAnotherAccountsCertificateTakesItsCredentials) {
  Clinic clinic;
  for (InstallConfig& one : clinic.config.certificates.front().install) one.verify = Verify::api;
  clinic.world().load_balancers().listener(clinic.listener)->listener.certificate =
      "arn:aws:iam::210987654321:server-certificate/theirs";
  const Finding row = about(clinic.examine(), "target", "ALB");
  EXPECT_THAT(row, says(Verdict::yellow, "which cannot be read (it is of account 210987654321, and we read in",
                        "Run certferry with credentials of account 210987654321"));
}

TEST(Doctor, SaysAllThatIsWrongWithADirectoryAndItsReload) {
  Clinic clinic;
  clinic.simulated.machine().write("/etc/ssl/www", "a file", 0644);
  std::get<FilesInstall>(clinic.config.certificates.front().install.back().where).reload = {"nosuch"};
  const Findings findings = clinic.examine();
  const auto row = [](const std::string& found) {
    return testing::Contains(testing::AllOf(testing::Field(&Finding::check, "target"), says(Verdict::red, found)));
  };
  EXPECT_THAT(findings, row("/etc/ssl/www: is no directory"));
  EXPECT_THAT(findings, row("nosuch"));
}

TEST(Doctor, SaysThatTwoInstallsAreOneTarget) {
  Clinic clinic;
  CertificateConfig other = clinic.config.certificates.front();
  other.id = CertificateId::parse("other");
  other.install = {InstallConfig{.where = FilesInstall{"/etc/ssl/linked", {}, ""}, .place = Place{"x.toml", 9, 1}}};
  clinic.config.certificates.push_back(other);
  auto& machine = clinic.simulated.machine();
  machine.write("/etc/ssl/www/placeholder", "", 0644);
  EXPECT_THAT(clinic.examine(), testing::Not(testing::Contains(says(Verdict::red, "already"))));
  machine.nodes["/etc/ssl/linked"] = {sandbox::Machine::Kind::link, "www", 0777, true};
  EXPECT_THAT(clinic.examine(),
              testing::Contains(
                  says(Verdict::red, "x.toml:9:1: files /etc/ssl/linked serves certificate", "a slot serves one")));
}

TEST(Doctor, SaysThatConnectNamesOtherMachines) {
  Clinic clinic;
  clinic.world().zones().put(clinic.world().zones().all.front().name, {.name = "many.example.com",
                                                                       .type = "A",
                                                                       .set_identifier = "",
                                                                       .ttl = 60,
                                                                       .values = {"10.0.0.1", "10.0.0.2"},
                                                                       .routing = {}});
  std::get<FilesInstall>(clinic.config.certificates.front().install.back().where).connect = "many.example.com:8443";
  EXPECT_THAT(about(clinic.examine(), "target", "/etc/ssl/www"),
              says(Verdict::yellow, "names 2 addresses, none of them this machine's", "connect = \"localhost:8443\""));
  clinic.simulated.machine().addresses = {"10.0.0.2"};
  EXPECT_THAT(about(clinic.examine(), "target", "/etc/ssl/www"), says(Verdict::green, "serves nothing yet"));
}

TEST(Doctor, SaysThatAReloadCommandIsNotThere) {
  Clinic clinic;
  std::get<FilesInstall>(clinic.config.certificates.front().install.back().where).reload = {"/opt/none", "-s"};
  EXPECT_THAT(about(clinic.examine(), "target", "/etc/ssl/www"),
              says(Verdict::red, "/opt/none", "`reload` in [[certificate.install]] (--reload)"));
}

TEST(Doctor, SaysThatAReloadCommandCannotBeRun) {
  Clinic clinic;
  sandbox::Machine& machine = clinic.simulated.machine();
  auto& reload = std::get<FilesInstall>(clinic.config.certificates.front().install.back().where).reload;
  const auto target = [&](const std::string& program) {
    reload = {program};
    return about(clinic.examine(), "target", "/etc/ssl/www");
  };
  machine.write("/opt/plain", "", 0644);
  machine.make_directory("/opt/directory");
  machine.write("/opt/bin/reload", "", 0755);
  machine.nodes["/opt/relative"] = {sandbox::Machine::Kind::link, "bin/reload", 0777, true};
  machine.nodes["/opt/twice"] = {sandbox::Machine::Kind::link, "/opt/relative", 0777, true};
  machine.nodes["/opt/to-plain"] = {sandbox::Machine::Kind::link, "plain", 0777, true};
  machine.nodes["/opt/to-none"] = {sandbox::Machine::Kind::link, "none", 0777, true};
  machine.nodes["/opt/circle"] = {sandbox::Machine::Kind::link, "circle", 0777, true};
  for (const char* program : {"/opt/bin/reload", "/opt/relative", "/opt/twice"})
    EXPECT_THAT(target(program), says(Verdict::green, "serves nothing yet")) << program;
  for (const char* program : {"/opt/plain", "/opt/directory", "/opt/to-plain", "/opt/to-none", "/opt/circle"})
    EXPECT_THAT(target(program), says(Verdict::red, program, "`reload`")) << program;
  machine.write("/usr/local/bin/reload-web", "", 0644);
  EXPECT_THAT(target("reload-web"), says(Verdict::red, "reload-web", "`reload`"));
  machine.write("/usr/bin/reload-web", "", 0755);
  EXPECT_THAT(target("reload-web"), says(Verdict::green, "serves nothing yet")) << "found further on";
  machine.environment["PATH"] = "/opt/none:/usr/bin:/bin";
  machine.write("/usr/sbin/reload-mail", "", 0755);
  EXPECT_THAT(target("reload-mail"), says(Verdict::green, "serves nothing yet")) << "where it is run from, too";
}

TEST(Doctor, CountsTheFreePlacesOfServerCertificates) {
  Clinic clinic;
  const auto used = clinic.world().server_certificates().by_name.size();
  CertificateConfig second = clinic.config.certificates.front();
  second.id = CertificateId::parse("second");
  second.install = {InstallConfig{ElbInstall{"old", 8443}}};
  clinic.config.certificates.push_back(second);
  auto& quota = clinic.world().settings().server_certificate_quota;
  EXPECT_THAT(about(clinic.examine(), "quota", "IAM"), says(Verdict::green, "room for 19 more"));
  quota = used + 1;
  EXPECT_THAT(about(clinic.examine(), "quota", "IAM"), says(Verdict::yellow, "room for 1 more, and 2 are configured"));
  quota = used;
  EXPECT_THAT(about(clinic.examine(), "quota", "IAM"),
              says(Verdict::red, "room for 0 more", "Delete server certificates"));
}

TEST(Doctor, CountsTheCertificatesOfLoadBalancers) {
  Clinic clinic;
  clinic.world().load_balancers().listener(clinic.listener)->sni = {"arn:aws:iam::123456789012:server-certificate/a",
                                                                    "arn:aws:iam::123456789012:server-certificate/b"};
  EXPECT_THAT(about(clinic.examine(), "quota", "list of web"), says(Verdict::green, "2 of 25"));
  auto& quota = clinic.world().settings().listed_certificate_quota;
  quota = 3;
  EXPECT_THAT(about(clinic.examine(), "quota", "list of web"), says(Verdict::green, "2 of 3"));
  quota = 2;
  EXPECT_THAT(about(clinic.examine(), "quota", "list of web"),
              says(Verdict::yellow, "2 of 2", "ask AWS for a higher quota"));
  EXPECT_THAT(about(clinic.examine(), "quota", "list of web").found, HasSubstr("it is full"));
  EXPECT_THAT(clinic.apply(), IsEmpty()) << "and default certificates do not count";
}

TEST(Doctor, TellsWhatHoldsTheNextTryBack) {
  Clinic clinic;
  clinic.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return sandbox::CaProblem{400, "dns", "query timed out"};
  };
  EXPECT_THAT(clinic.apply(), Not(IsEmpty()));
  clinic.simulated.run_for(minutes(2));
  EXPECT_THAT(clinic.apply(), Not(IsEmpty()));
  EXPECT_THAT(about(clinic.examine(), "rate-limit", "www"),
              says(Verdict::yellow, "2 failures in a row hold the next try back until"));
  clinic.simulated.run_for(days(2));
  EXPECT_THAT(about(clinic.examine(), "rate-limit", "www"), says(Verdict::green, "no failure holds it back"));
}

TEST(Doctor, NoticesAWrongClock) {
  Clinic clinic;
  EXPECT_THAT(about(clinic.examine(), "clock"), green());
  clinic.simulated.machine().clock_error = minutes(2);
  const Findings ahead = clinic.examine();
  EXPECT_THAT(about(ahead, "clock"), says(Verdict::yellow, "ahead of the CA", "Set this machine's clock"));
  EXPECT_THAT(about(ahead, "clock"), says(Verdict::yellow, "ahead of AWS", "Set this machine's clock"));
  clinic.simulated.machine().clock_error = -hours(3);
  const Findings behind = clinic.examine();
  EXPECT_THAT(about(behind, "clock"), says(Verdict::red, "behind the CA", "Set this machine's clock"));
  EXPECT_THAT(about(behind, "clock"), says(Verdict::red, "behind AWS", "Set this machine's clock"));
}

TEST(Doctor, SaysThatNobodyAnsweredWhoCouldHaveToldTheTime) {
  Clinic clinic;
  clinic.simulated.faults().connection_refused = 100;
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "clock"),
              says(Verdict::yellow, "nobody answered who could have told the time", "Run again"));
  EXPECT_THAT(about(findings, "ca"), is(Verdict::red));
  EXPECT_THAT(about(findings, "identity"), is(Verdict::red));
}

// Roles

TEST(Doctor, LooksForRoomWhereTheRoleOfATargetInstalls) {
  Clinic clinic;
  const std::string role = "arn:aws:iam::210987654321:role/web";
  clinic.world().sts().add_role(role);
  for (InstallConfig& install : clinic.config.certificates.front().install)
    if (!std::holds_alternative<FilesInstall>(install.where)) install.role = RoleConfig{.arn = role};
  clinic.deny({"iam:GetAccountSummary", "elasticloadbalancing:*"});
  EXPECT_THAT(about(clinic.examine(), "quota", "IAM server certificates"), green()) << "ours is not asked";
}

TEST(Doctor, SaysWhoTheRolesOfZonesAre) {
  Clinic clinic;
  const std::string role = "arn:aws:iam::210987654321:role/dns";
  clinic.config.zones.push_back(
      ZoneConfig{DomainName::parse("example.com"), {}, RoleConfig{.arn = role, .external_id = {}}, {}});
  EXPECT_THAT(about(clinic.examine(), "identity", "role"), says(Verdict::red, "AccessDenied", "Allow sts:AssumeRole"));
  clinic.world().sts().add_role(role);
  EXPECT_THAT(about(clinic.examine(), "identity", "role"), says(Verdict::green, "assumed-role/dns/certferry"));
  clinic.config.zones.back().role->session_name = "certs@web-1";
  EXPECT_THAT(about(clinic.examine(), "identity", "role"), says(Verdict::green, "assumed-role/dns/certs@web-1"));
}

TEST(Doctor, SaysOnceThatARoleCannotBeTaken) {
  Clinic clinic;
  const RoleConfig role{.arn = "arn:aws:iam::123456789012:role/all"};
  clinic.config.zones.push_back(ZoneConfig{DomainName::parse("example.com"), {}, role, {}});
  for (InstallConfig& install : clinic.config.certificates.front().install)
    if (!std::holds_alternative<FilesInstall>(install.where)) install.role = role;
  const Findings findings = clinic.examine();
  EXPECT_THAT(subjects_of(findings, "AssumeRole on"), ::testing::ElementsAre("role " + role.arn));
  for (const char* check : {"challenge", "target", "quota", "permission"})
    EXPECT_THAT(about(findings, check, check == std::string{"permission"} ? role.arn : ""),
                says(Verdict::yellow, "not looked at, because it fails over the same as role " + role.arn, "Mend that"))
        << check;
}

TEST(Doctor, SaysWhatOfTheSharedFilesIsNotRead) {
  Clinic clinic;
  EXPECT_EQ(std::ranges::count(clinic.examine(), "settings", &Finding::check), 0);
  clinic.shared_config = "[default]\nca_bundle = /etc/ssl/own.pem\n[shop]\nregion = eu-west-1\n";
  const Findings findings = clinic.examine();
  EXPECT_EQ(std::ranges::count(findings, "settings", &Finding::check), 2);
  EXPECT_THAT(subjects_of(findings, "/.aws/config:3: [shop] is no profile here"),
              ::testing::ElementsAre("AWS's shared files"));
  EXPECT_THAT(subjects_of(findings, "/.aws/config:2: ca_bundle is not read"),
              ::testing::ElementsAre("AWS's shared files"));
  EXPECT_THAT(about(findings, "settings"), is(Verdict::yellow));
}

}  // namespace
}  // namespace certferry
