// SPDX-License-Identifier: MIT
// Whether systemd lets a start wait for its keys.
#include "cli/checks/check.h"
#include "cli/keyring_store.h"
#include "cli/systemd_unit.h"

namespace openkeyring {
namespace {

// What a start takes besides the keys. With it, the default startup deadlines
// fit into systemd's default of 90 s.
constexpr Millis kMargin{30000};

std::string InSeconds(Millis time) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) +
         " s";
}

// How long a start waits for its keys; nothing where the options are wrong.
std::optional<Millis> StartupDeadline(CheckRun& run) {
  const auto of = [](const auto& options, auto member) {
    return options ? std::optional<Millis>((*options).*member) : std::nullopt;
  };
  const Installation& on = run.installation;
  NoLog quiet;  // The check of the configuration says it.
  switch (on.product) {
    case Product::kComponentKeyringKms:
      return of(KmsComponentOptions(on, run.files, quiet),
                &KmsComponentConfig::startup_deadline);
    case Product::kComponentKeyringKmip:
      return of(KmipComponentOptions(on, run.files, quiet),
                &KmipComponentConfig::startup_deadline);
    case Product::kKeyringAws:  // Starts without KMS after one check.
      return of(KeyringAwsOptionsOf(on),
                &KeyringAwsOptions::operation_deadline);
    case Product::kAwsKeyManagement: {
      const auto options = KeyFilesOptionsOf(on);
      if (!options) return std::nullopt;
      return options->startup.startup_deadline;
    }
    case Product::kKmipKeyManagement:
      return of(KmipVersionsOptionsOf(on),
                &KmipStartupOptions::startup_deadline);
  }
  return std::nullopt;
}

std::optional<std::string> UnitOf(CheckRun& run) {
  const int pid = run.installation.server.pid;
  return pid != 0
             ? UnitOfProcess(run.files, pid)
             : ServerUnit(run.files, IsForMariaDb(run.installation.product));
}

}  // namespace

void CheckStartTimeout(CheckRun& run) {
  const auto deadline = StartupDeadline(run);
  if (!deadline) return run.Skip("the startup deadline is not known");
  const auto unit = UnitOf(run);
  const auto timeout = unit ? StartTimeout(run.files, *unit) : std::nullopt;
  if (!timeout) return run.Skip("no systemd unit of the server was found");
  if (*timeout == kNoTimeout) {
    return run.Ok("systemd does not limit a start of " + *unit);
  }
  if (*timeout >= *deadline + kMargin) {
    return run.Ok("systemd lets a start of " + *unit + " take " +
                  InSeconds(*timeout) + ", and it waits up to " +
                  InSeconds(*deadline) + " for its keys");
  }
  const bool is_enough = kRecommendedStartTimeout >= *deadline + kMargin;
  run.Warn("systemd ends a start of " + *unit + " after " +
               InSeconds(*timeout) + ", and it waits up to " +
               InSeconds(*deadline) + " for its keys",
           "TimeoutStartSec=" +
               (is_enough ? std::to_string(kRecommendedStartTimeout.count())
                          : std::string("infinity")) +
               " under [Service] in /etc/systemd/system/" + *unit +
               ".d/openkeyring.conf, then systemctl daemon-reload");
}

}  // namespace openkeyring
