#include "engine/doctor.h"

#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"

namespace certferry {

Task<int> do_doctor(Stage& stage, const DoctorCommand& command) {
  const Config config = co_await load_config(stage, command.config);
  Findings troubles;
  const auto foundation = co_await Foundation::lay_what_stands(stage, config, troubles);
  Doctor doctor{foundation->patient(std::move(troubles))};
  const Findings findings = co_await doctor.examine();
  say_result(stage, to_text(findings, stage.console.colour_out, stage.quiet), to_json(findings));
  co_return worst(findings) == Finding::Verdict::red ? 1 : 0;
}

}  // namespace certferry
