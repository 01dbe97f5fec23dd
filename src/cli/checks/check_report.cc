// SPDX-License-Identifier: MIT
#include "cli/checks/check_report.h"

#include <algorithm>

#include "os/file_system.h"

namespace openkeyring {
namespace {

constexpr size_t kStateWidth = 8;

Color ColorOf(CheckState state) {
  switch (state) {
    case CheckState::kOk:
      return Color::kGreen;
    case CheckState::kSkipped:
      return Color::kDim;
    case CheckState::kWarning:
      return Color::kYellow;
    case CheckState::kFailed:
      return Color::kRed;
  }
  return Color::kNone;
}

std::string Padded(std::string text) {
  text.resize(std::max(text.size(), kStateWidth), ' ');
  return text;
}

std::string Anchor(const CheckSpec& spec) {
  return std::string("docs/errors.md#check-") + spec.id;
}

size_t Count(const std::vector<CheckResult>& results, CheckState state) {
  return static_cast<size_t>(std::ranges::count_if(
      results,
      [state](const CheckResult& result) { return result.state() == state; }));
}

nlohmann::ordered_json JsonOf(const ServerComparison& comparison) {
  return {{"served", comparison.served},
          {"stored", comparison.stored},
          {"not_stored", comparison.not_stored},
          {"not_served", comparison.not_served},
          {"different", comparison.different},
          {"digests_compared", comparison.digests_compared}};
}

std::string PrometheusLabel(const std::string& value) {
  std::string label;
  for (const char c : Printable(value)) {
    if (c == '"' || c == '\\') label += '\\';
    label += c;
  }
  return label;
}

// Not more than was looked at.
std::string WhatIsOk(const std::vector<CheckResult>& results) {
  const bool read = std::ranges::any_of(results, [](const auto& result) {
    return std::string_view(result.spec->id) == "keys" &&
           result.state() == CheckState::kOk;
  });
  return read ? "all keys can be read"
              : "nothing is wrong with what was checked; keys were not read";
}

}  // namespace

std::vector<CheckResult> RunChecks(const Installation& installation,
                                   CommandContext& context,
                                   const CheckOptions& options) {
  CheckRun run(installation, PosixFileSystem(), context.out,
               context.interruption, options.pre, options.login);
  std::vector<CheckResult> results;
  for (const CheckSpec& spec : AllChecks()) {
    if (context.interruption.requested()) break;
    if (options.pre && !spec.before_install) continue;
    if (std::ranges::find(options.skip, spec.id) != options.skip.end()) {
      run.LeaveOut(spec.id);
      continue;
    }
    run.findings.clear();
    spec.run(run);
    run.JoinKmsKeys();
    results.push_back({&spec, run.findings, std::move(run.comparison)});
    run.comparison.reset();
  }
  return results;
}

ExitCode CodeOf(const std::vector<CheckResult>& results, bool strict) {
  bool failed = false, only_server = true;
  for (const CheckResult& result : results) {
    for (const Finding& finding : result.findings) {
      // The last line repeats what failed before it.
      if (finding.state != CheckState::kFailed ||
          std::string_view(result.spec->id) == "start") {
        continue;
      }
      failed = true;
      only_server &= finding.code == ExitCode::kUnreachable;
    }
  }
  if (failed) {
    return only_server ? ExitCode::kUnreachable : ExitCode::kProblems;
  }
  const bool warned = Count(results, CheckState::kWarning) > 0;
  return strict && warned ? ExitCode::kProblems : ExitCode::kOk;
}

void PrintText(const std::vector<CheckResult>& results, Output& out) {
  for (const CheckResult& result : results) {
    const CheckState state = result.state();
    if (state == CheckState::kSkipped && !out.verbose()) continue;
    out.Line(out.Paint(ColorOf(state), Padded(StateName(state))) + "  " +
             out.Paint(Color::kBold, result.spec->id) + ": " +
             result.spec->title);
    for (const Finding& finding : result.findings) {
      const bool differs = finding.state != state;
      out.Line("            " +
               (differs ? std::string(StateName(finding.state)) + ": " : "") +
               Printable(finding.text));
      if (!finding.hint.empty()) {
        out.Line("            hint: " + Printable(finding.hint));
      }
    }
  }
  out.Line("");
  const size_t failed = Count(results, CheckState::kFailed),
               warned = Count(results, CheckState::kWarning);
  out.Line(std::to_string(results.size()) +
           " checks: " + std::to_string(failed) + " failed, " +
           std::to_string(warned) + (warned == 1 ? " warning" : " warnings"));
}

nlohmann::ordered_json JsonOf(const Installation& installation,
                              const std::vector<CheckResult>& results) {
  using Json = nlohmann::ordered_json;
  CheckState worst = CheckState::kOk;
  Json checks = Json::array(), would_start = nullptr;
  for (const CheckResult& result : results) {
    Json findings = Json::array();
    for (const Finding& finding : result.findings) {
      findings.push_back({{"state", StateName(finding.state)},
                          {"text", finding.text},
                          {"hint", finding.hint}});
      if (finding.kms_key.empty()) continue;
      findings.back()["kms_key"] = finding.kms_key;
    }
    const CheckState state = result.state();
    worst = std::max(worst, state);
    if (std::string_view(result.spec->id) == "start" &&
        state != CheckState::kSkipped) {
      would_start = state != CheckState::kFailed;
    }
    checks.push_back({{"id", result.spec->id},
                      {"title", result.spec->title},
                      {"state", StateName(state)},
                      {"anchor", Anchor(*result.spec)},
                      {"findings", std::move(findings)}});
  }
  // What was left out is not worse than what is good.
  if (worst == CheckState::kSkipped) worst = CheckState::kOk;
  Json json = {{"product", ProductName(installation.product)},
               {"state", StateName(worst)},
               {"would_find_keys", std::move(would_start)},
               {"checks", std::move(checks)}};
  for (const CheckResult& result : results) {
    if (result.comparison) json["running_server"] = JsonOf(*result.comparison);
  }
  return json;
}

void PrintPrometheus(const Installation& installation,
                     const std::vector<CheckResult>& results, Output& out) {
  out.Line(
      "# HELP openkeyring_check_state 0 ok, 1 skipped, 2 warning, "
      "3 failed");
  out.Line("# TYPE openkeyring_check_state gauge");
  for (const CheckResult& result : results) {
    out.Line(std::string("openkeyring_check_state{product=\"") +
             ProductName(installation.product) + "\",datadir=\"" +
             PrometheusLabel(installation.data_directory) + "\",check=\"" +
             result.spec->id + "\"} " +
             std::to_string(static_cast<int>(result.state())));
  }
}

ExitCode PrintNagios(const std::vector<CheckResult>& results, bool strict,
                     Output& out) {
  const size_t failed = Count(results, CheckState::kFailed),
               warned = Count(results, CheckState::kWarning);
  const size_t told = strict ? out.warnings() : 0;
  std::string names;
  for (const CheckResult& result : results) {
    if (result.state() < CheckState::kWarning) continue;
    for (const Finding& finding : result.findings) {
      if (finding.state != result.state()) continue;
      names += (names.empty() ? "" : "; ") + std::string(result.spec->id) +
               ": " + Printable(finding.text);
      break;
    }
  }
  if (told > 0 && names.empty())
    names = Counted(told, "warning") + " on stderr";
  std::ranges::replace(names, '|', '/');  // Numbers stand behind a bar.
  const bool critical = failed > 0 || (strict && warned + told > 0);
  const char* word = critical ? "CRITICAL" : warned > 0 ? "WARNING" : "OK";
  out.Line(std::string("KEYRING ") + word + " - " +
           (names.empty() ? WhatIsOk(results) : names) + " | failed=" +
           std::to_string(failed) + " warnings=" + std::to_string(warned));
  return static_cast<ExitCode>(critical ? 2 : warned > 0 ? 1 : 0);
}

}  // namespace openkeyring
