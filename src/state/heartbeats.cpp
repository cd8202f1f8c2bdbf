#include "state/heartbeats.h"

#include <fmt/format.h>
#include <map>
#include <utility>

#include "base/failure.h"
#include "base/limits/aws.h"
#include "base/limits/renewal.h"
#include "base/limits/store.h"
#include "base/log.h"
#include "state/random_token.h"
#include "state/s3_object.h"
#include "wire/json.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

constexpr int heartbeat_format = 1;
constexpr std::string_view instances_prefix = "instance/";

// Where an instance runs: enough to tell, on the same machine, that its process is gone.
struct Whereabouts {
  std::string host;        // for people
  std::string boot;        // changes with every start of the machine
  std::string namespace_;  // of process ids
  std::string process;     // its id there

  std::string text() const { return fmt::format("process {} on {}", process.empty() ? "?" : process, host); }
  bool same_machine(const Whereabouts& other) const {
    return !boot.empty() && boot == other.boot && !namespace_.empty() && namespace_ == other.namespace_;
  }
};

Json whereabouts_json(const Whereabouts& here) {
  return Json::object({{"format", heartbeat_format},
                       {"host", here.host},
                       {"boot", here.boot},
                       {"pid_namespace", here.namespace_},
                       {"pid", here.process}});
}

Whereabouts parse_whereabouts(BytesView body, const std::string& at) {
  Json json = Json::parse(parse_s3_body(body, at).value, at);
  require_format(json, heartbeat_format, at);
  return {.host = json.at("host").as_text(),
          .boot = json.at("boot").as_text(),
          .namespace_ = json.at("pid_namespace").as_text(),
          .process = json.at("pid").as_text()};
}

std::string first_line(std::string text) {
  text.resize(std::min(text.find('\n'), text.size()));
  return text;
}

Task<Whereabouts> look_around(Host& host) {
  Whereabouts here;
  here.host = first_line((co_await host.read("/etc/hostname")).value_or(""));
  if (here.host.empty()) here.host = host.id();
  here.boot = first_line((co_await host.read("/proc/sys/kernel/random/boot_id")).value_or(""));
  here.namespace_ = (co_await host.link_target("/proc/self/ns/pid")).value_or("");
  here.process = (co_await host.link_target("/proc/self")).value_or("");
  co_return here;
}

// By the store's own clock alone. Where it does not tell the time, nobody has expired.
bool older_than(const aws::S3Object& object, Duration age) {
  return object.date && object.modified && *object.date - *object.modified > age;
}

// What the beating needs, alive as long as it goes on.
struct Pulse {
  Outside& outside;
  aws::Client& client;
  aws::S3 s3;
  std::string bucket, prefix;
  std::string self;
  Whereabouts here = {};
  std::optional<std::string> etag = {};   // of the last beat
  std::optional<SteadyTime> beaten = {};  // when the last good beat was sent
  bool beating = false, stopping = false, lapsed = false;
  Signal stop = {}, stopped = {};

  std::string key(const std::string& instance) const {
    return fmt::format("{}{}{}", prefix, instances_prefix, instance);
  }
  std::string place(const std::string& instance) const { return fmt::format("s3://{}/{}", bucket, key(instance)); }
  // By our steady clock, and with what that missed: others judge by the store's.
  SteadyTime now() const { return outside.clock.steady() + client.time()->stood_still(); }
  bool lease_lasts(Duration more) const {
    return beating && !lapsed && beaten && now() - *beaten + more < limits::renewal::claim_expires;
  }
};

Failure not_written(const Pulse& pulse, const std::optional<Failure>& why) {
  if (!why)
    return {Failure::Kind::transient, pulse.place(pulse.self) + ": the heartbeat could not be written",
            "Look whether somebody else writes there"};
  const Failure said = why->within("the heartbeat could not be written");
  return Failure{Failure::Kind::transient, said.what(), said.next(), said.retry_after()}.with_code(said.code());
}

// One write of the heartbeat. Failure: as S3's; the lease counts from before the request was sent. One that ran out
// before the write was known to be done is not taken up again: others may have looked when it had, and before it came.
Task<> beat(Pulse& pulse) {
  const std::string token = random_token(pulse.outside.entropy);
  const Bytes body = to_bytes(S3Body{token, whereabouts_json(pulse.here).dump()});
  const SteadyTime sent = pulse.now();  // the first: any of them may be the one that S3 has dated
  std::optional<Failure> last;          // of the last try, where S3 did not say that somebody was faster
  const auto ran_out = [&] { return pulse.beaten && !pulse.lease_lasts(Duration::zero()); };
  bool done = false;
  for (int attempt = 0; attempt < limits::store::heartbeat_attempts && !done && !ran_out(); ++attempt) {
    last.reset();
    try {
      auto outcome = co_await pulse.s3.put(pulse.bucket, pulse.key(pulse.self), body, pulse.etag);
      if (auto* etag = std::get_if<std::string>(&outcome); etag && !etag->empty()) {
        pulse.etag = std::move(*etag);
        done = true;
        break;
      }
    } catch (const Failure& failure) {
      if (failure.kind() != Failure::Kind::outcome_unknown && failure.kind() != Failure::Kind::conflict) throw;
      last = failure;
    }
    // An earlier beat of ours may have landed late, or somebody swept the object: go on from what is there.
    std::optional<aws::S3Object> there = co_await pulse.s3.get(pulse.bucket, pulse.key(pulse.self));
    pulse.etag = there ? std::optional{there->etag} : std::nullopt;
    done = there && parse_s3_body(there->body, pulse.place(pulse.self)).token == token;
  }
  if (!done || ran_out()) throw not_written(pulse, last);
  pulse.beaten = sent;
}

Task<bool> beat_or_warn(Pulse& pulse) {
  try {
    co_await beat(pulse);
    co_return true;
  } catch (const Failure& failure) {
    pulse.outside.log.warn(fmt::format("heartbeat: {}", failure.what()));
  }
  co_return false;
}

// Every 15 s until told to stop. A lease that has run out stays lost: others may hold the claims by now.
Task<> keep_beating(std::shared_ptr<Pulse> pulse) {
  for (Duration pause = limits::renewal::heartbeat; !pulse->stopping;) {
    Work sleep = [pulse, pause]() -> Task<> { co_await pulse->outside.clock.sleep(pause); };
    Work stop = [pulse]() -> Task<> { co_await pulse->stop.wait(); };
    co_await race(sleep, stop);
    if (pulse->stopping) break;
    if (!pulse->lease_lasts(Duration::zero())) {
      pulse->lapsed = true;
      pulse->outside.log.warn(
          "heartbeat: none for a minute, by this machine's clock or the services'; other instances may have "
          "taken over");
      break;
    }
    pause = co_await beat_or_warn(*pulse) ? limits::renewal::heartbeat : limits::store::heartbeat_retry;
  }
}

// No beat waits for a source of credentials, which may hang for longer than the lease lasts: so it is asked beside
// them, for where nothing else asks it. Ends when it is cancelled.
Task<> keep_credentials(std::shared_ptr<Pulse> pulse) {
  for (;;) {
    co_await pulse->outside.clock.sleep(limits::aws::refresh_pause);
    try {
      if (!pulse->stopping) co_await pulse->client.credentials();
    } catch (const Failure&) {  // the beats will say so
    }
  }
}

class HeartbeatInstances final : public Instances {
 public:
  HeartbeatInstances(Outside& outside, Executor executor, aws::Client& client, std::string bucket, std::string prefix)
      : outside_(outside),
        executor_(std::move(executor)),
        client_(client),
        bucket_(std::move(bucket)),
        prefix_(s3_prefix(std::move(prefix))),
        pulse_(new_pulse()) {}
  ~HeartbeatInstances() override { pulse_->stopping = true; }

  const std::string& self() const override { return pulse_->self; }
  bool lease_outlasts(Duration more) const override { return pulse_->lease_lasts(more); }

  // May be called again: after a lost lease that starts anew, under another token.
  Task<> begin() override {
    if (pulse_->beating && pulse_->lease_lasts(Duration::zero())) co_return;
    if (pulse_->beaten) {
      pulse_->stopping = true;
      pulse_->stop.notify();
      pulse_ = new_pulse();
    }
    pulse_->here = co_await look_around(outside_.host);
    co_await client_.credentials();  // before the lease begins to count
    co_await beat(*pulse_);
    pulse_->beating = true;
    Work beating = [pulse = pulse_]() -> Task<> { co_await keep_beating(pulse); };
    Work refreshing = [pulse = pulse_]() -> Task<> { co_await keep_credentials(pulse); };
    Work both = [beating, refreshing]() -> Task<> { co_await race(beating, refreshing); };
    spawn(executor_, both, [pulse = pulse_](std::exception_ptr) {
      pulse->beating = false;
      pulse->stopped.notify();
    });
    co_await sweep();
  }

  Task<> end() override {
    std::shared_ptr<Pulse> pulse = std::exchange(pulse_, new_pulse());
    pulse->stopping = true;
    pulse->stop.notify();
    while (pulse->beating) co_await pulse->stopped.wait();
    if (!pulse->etag) co_return;
    try {
      co_await pulse->s3.remove(bucket_, pulse->key(pulse->self), *pulse->etag);
    } catch (const Failure& failure) {
      outside_.log.debug(fmt::format("heartbeat left behind, it will expire: {}", failure.what()));
    }
  }

  Task<bool> alive(std::string instance) override {
    if (instance == pulse_->self) co_return true;
    std::optional<aws::S3Object> object = co_await pulse_->s3.get(bucket_, pulse_->key(instance));
    if (!object) co_return false;
    const Whereabouts there = parse_whereabouts(object->body, pulse_->place(instance));
    seen_.insert_or_assign(instance, there.text());
    if (older_than(*object, limits::renewal::claim_expires)) co_return false;
    co_return !there.same_machine(pulse_->here) || co_await process_lives(there.process);
  }

  std::string describe(std::string instance) const override {
    if (instance == pulse_->self) return "this process";
    auto seen = seen_.find(instance);
    return seen == seen_.end() ? "instance " + instance : seen->second;
  }

 private:
  std::shared_ptr<Pulse> new_pulse() const {
    return std::shared_ptr<Pulse>{new Pulse{.outside = outside_,
                                            .client = client_,
                                            .s3 = aws::S3::urgent(client_, limits::renewal::heartbeat_deadline),
                                            .bucket = bucket_,
                                            .prefix = prefix_,
                                            .self = random_token(outside_.entropy)}};
  }

  // Under our own process id it can only be a former process: we have another token. That another one is not there
  // tells only where others' are shown at all, as the first is then: hidepid= and ProtectProc= hide them.
  Task<bool> process_lives(const std::string& process) {
    if (process.empty()) co_return true;
    if (process == pulse_->here.process) co_return false;
    if (co_await outside_.host.status("/proc/" + process)) co_return true;
    co_return !co_await outside_.host.status("/proc/1");
  }

  // Killed instances leave their objects behind. Nobody believes in them any more; now they go.
  Task<> sweep() {
    const std::string prefix = pulse_->key("");
    try {
      for (const std::string& key : co_await pulse_->s3.list(bucket_, prefix)) {
        std::optional<aws::S3Object> object = co_await pulse_->s3.get(bucket_, key);
        if (object && older_than(*object, limits::store::heartbeat_swept))
          co_await pulse_->s3.remove(bucket_, key, object->etag);
      }
    } catch (const Failure& failure) {
      outside_.log.debug(fmt::format("expired heartbeats not swept: {}", failure.what()));
    }
  }

  Outside& outside_;
  Executor executor_;
  aws::Client& client_;
  std::string bucket_, prefix_;
  std::shared_ptr<Pulse> pulse_;
  std::map<std::string, std::string> seen_;  // for people
};

}  // namespace

std::unique_ptr<Instances> heartbeat_instances(Outside& outside, Executor executor, aws::Client& client,
                                               std::string bucket, std::string prefix) {
  return std::make_unique<HeartbeatInstances>(outside, std::move(executor), client, std::move(bucket),
                                              std::move(prefix));
}

}  // namespace certferry
