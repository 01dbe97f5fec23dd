// SPDX-License-Identifier: MIT
// A server that runs, asked by SQL: does it serve what a start would find?
#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "cli/checks/check.h"
#include "cli/server_use.h"
#include "os/process.h"
#include "os/random.h"

namespace openkeyring {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr char kNoLogin[] = "no login is given: --login-file";
constexpr char kKeepRunning[] =
    "do not stop the server before its keys are found: put back the keyring "
    "that it loaded, or correct the configuration; then run this check again";

std::string Row(const RunningServer& server, const char* name) {
  const auto found = server.status.find(name);
  if (found == server.status.end() || found->second == "<NONE>") return "";
  return found->second;
}

std::string HintFor(const Status& status) {
  switch (status.code()) {
    case StatusCode::kMisconfigured:
      return "keyringctl check --help says how to log in";
    case StatusCode::kDenied:
      return "the login needs SELECT on performance_schema.* (MySQL), or "
             "PROCESS (MariaDB)";
    default:
      return "is the server up, and is this its socket? See the client's "
             "message";
  }
}

// Of another server, everything that follows would be wrong.
bool IsMeant(CheckRun& run, const RunningServer& server) {
  const std::string& ours = run.installation.data_directory;
  if (ours.empty()) {
    run.Fail(
        "which server is meant is not known: the login leads to the one "
        "with data directory " +
            server.data_directory,
        "name its data directory with --datadir");
    return false;
  }
  if (IsSamePath(run.files, server.data_directory, ours)) return true;
  run.Fail("the login leads to the server with data directory " +
               server.data_directory + ", and not to that of " + ours,
           "correct the socket or port of the login, or --datadir");
  return false;
}

void CheckComponentRows(CheckRun& run, const RunningServer& server) {
  const std::string ours = ProductName(run.installation.product);
  if (!server.performance_schema) {
    return run.Fail(
        "performance_schema is off, so that the server does not "
        "show its keys",
        "performance_schema=ON at the next start; until then "
        "nothing can be compared");
  }
  const std::string name = Row(server, "Component_name");
  if (name != ours) {
    return run.Fail("the keyring of the running server is " +
                        (name.empty() ? "not a component" : name) +
                        ", and that of the "
                        "next start is " +
                        ours,
                    kKeepRunning);
  }
  if (Row(server, "Component_status") != "Active") {
    run.Fail(ours + " is not active in the running server: " +
                 Row(server, "Last_failure"),
             "correct what the message says, then ALTER INSTANCE RELOAD "
             "KEYRING");
  }
  const std::string file = Row(server, "Data_file");
  if (!file.empty() && run.keyring() != nullptr &&
      !IsSamePath(run.files, file, run.keyring()->place)) {
    run.Warn("the running server uses " + file + ", and a start would use " +
                 run.keyring()->place,
             "if that is not meant, correct path before the next start");
  }
}

void CheckPluginState(CheckRun& run, const RunningServer& server) {
  if (server.plugin_state == "ACTIVE") return;
  run.Fail(std::string(ProductName(run.installation.product)) +
               " is not active in the running server" +
               (server.plugin_state.empty() ? "" : ": " + server.plugin_state),
           "see the server's error log; the check manifest says how it is "
           "loaded");
}

// What the server says of itself, whatever it loads its keys from.
void CheckOwnWords(CheckRun& run, const RunningServer& server) {
  for (const char* name : {"Opened_by_local_slot", "opened_by_local_slot"}) {
    if (Row(server, name) != "1") continue;
    run.Warn("the running server opened its keyring by local_unlock_file",
             "no KMS key opened it: see the checks slots and kms-key");
  }
  const std::string failed = Row(server, "versions_failed");
  if (!failed.empty() && failed != "0") {
    run.Fail("the running server could not read " + failed +
                 " key versions: " + Row(server, "last_error"),
             "see the check keys");
  }
}

using StoredDigests = std::map<KeyName, Digest256>;

// As a start reads them.
Result<StoredDigests> DigestStored(CheckRun& run, ByteView salt) {
  StoredDigests digests;
  Status broken;
  run.reader()->Watch([&](const KeyName& name, const Secret& value) {
    if (name.auth_id.empty()) return;
    const Result<Digest256> digest = SaltedDigest(salt, value);
    if (digest) digests[name] = *digest;
    if (!digest) broken = digest.error();
  });
  const auto read = run.reader()->Verify(
      [&](size_t, size_t) { return !run.interruption.requested(); });
  run.reader()->Watch({});
  if (!read) return read.error().status;
  if (!broken.ok()) return broken;
  return digests;
}

// Keys that belong to the login: nobody else is given them.
void AddDigests(CheckRun& run, ServerComparison& found) {
  const std::string& user = run.running->user;
  const bool owns = std::ranges::any_of(
      run.running->keys,
      [&](const KeyName& name) { return name.auth_id == user; });
  if (!owns) return;
  std::array<uint8_t, kSaltBytes> salt{};
  if (!SystemRandom().Fill(salt).ok()) return;
  const auto served = AskOwnDigests(run.installation, run.login, salt,
                                    run.files, SystemProcessRunner());
  if (!served) {
    return run.Skip("the values of the keys of " + user +
                    " are not compared: " + served.error().message());
  }
  const auto stored = DigestStored(run, salt);
  if (!stored) {
    return run.Skip("the values of the keys of " + user +
                    " are not compared: " + stored.error().message());
  }
  for (const auto& [id, digest] : *served) {
    const KeyName name{id, user};
    const auto own = stored->find(name);
    if (own == stored->end()) continue;
    ++found.digests_compared;
    if (!DigestsEqual(digest, own->second)) {
      found.different.push_back(ToString(name));
    }
  }
}

// Reads the storage again: it may have changed since other checks read it.
tl::expected<ServerComparison, Failure> CompareOnce(CheckRun& run) {
  const auto stored = run.reader()->List();
  if (!stored) return tl::unexpected(stored.error());
  if (IsForMariaDb(run.installation.product)) {
    return CompareServedVersions(*run.running, *stored);
  }
  ServerComparison found = CompareServedKeys(*run.running, *stored);
  AddDigests(run, found);
  return found;
}

bool Agrees(CheckRun& run, const ServerComparison& found) {
  const bool fewer =
      IsForMariaDb(run.installation.product) && found.served > found.stored;
  return found.agrees() && !fewer;
}

// A key that was made or removed meanwhile is in one of two looks only.
tl::expected<ServerComparison, Failure> Compare(CheckRun& run) {
  auto first = CompareOnce(run);
  if (!first || Agrees(run, *first)) return first;
  run.findings.clear();
  auto again = AskRunningServer(run.installation, run.login, run.files,
                                SystemProcessRunner());
  if (!again) return Failed(again.error());
  run.running = std::move(*again);
  const auto second = CompareOnce(run);
  if (!second) return second;
  return Both(*first, *second);
}

void ReportComparison(CheckRun& run, const ServerComparison& found) {
  const bool versions = IsForMariaDb(run.installation.product);
  const std::string numbers =
      "the running server serves " +
      Counted(found.served, versions ? "key version" : "key") +
      ", the storage holds " + std::to_string(found.stored);
  if (!found.not_stored.empty()) {
    run.Fail(numbers + "; these would be missing at the next start: " +
                 FirstNames(found.not_stored),
             kKeepRunning);
  } else if (versions && found.served > found.stored) {
    run.Fail(numbers + ": " + std::to_string(found.served - found.stored) +
                 " would be missing at the next start",
             kKeepRunning);
  }
  if (!found.different.empty()) {
    run.Fail("another value is stored than the running server serves: " +
                 FirstNames(found.different),
             kKeepRunning);
  }
  if (!found.not_served.empty()) {
    run.Warn(numbers +
                 "; these are stored, and the server does not serve "
                 "them: " +
                 FirstNames(found.not_served),
             IsComponent(run.installation.product)
                 ? "ALTER INSTANCE RELOAD KEYRING"
                 : "a restart loads them");
  }
  if (Agrees(run, found)) {
    run.Ok(numbers +
           (found.digests_compared == 0
                ? ""
                : "; " + Counted(found.digests_compared, "value") + " equal"));
  }
}

}  // namespace

void CheckServer(CheckRun& run) {
  if (!run.login.given()) return run.Skip(kNoLogin);
  auto server = AskRunningServer(run.installation, run.login, run.files,
                                 SystemProcessRunner());
  if (!server) {
    return run.Fail(
        "the running server cannot be asked: " + server.error().message(),
        HintFor(server.error()));
  }
  if (!IsMeant(run, *server)) return;
  if (IsComponent(run.installation.product)) {
    CheckComponentRows(run, *server);
  } else {
    CheckPluginState(run, *server);
  }
  CheckOwnWords(run, *server);
  run.Ok("version " + server->version + ", asked as " + server->user);
  run.running = std::move(*server);
}

void CheckServerKeys(CheckRun& run) {
  if (!run.login.given()) return run.Skip(kNoLogin);
  if (!run.running) return run.Skip("the running server was not asked");
  if (!run.running->performance_schema) {
    return run.Skip("performance_schema is off");
  }
  if (run.reader() == nullptr) return run.Skip("the keyring cannot be opened");
  const auto found = Compare(run);
  if (!found) {
    return run.Fail(
        "what is stored cannot be compared with the running "
        "server: " +
            found.error().status.message(),
        found.error().hint, found.error().code);
  }
  run.comparison = *found;
  ReportComparison(run, *found);
  // For the last line: what a start would find is not all.
  run.keys_failed |= std::ranges::any_of(run.findings, [](const Finding& one) {
    return one.state == CheckState::kFailed;
  });
}

}  // namespace openkeyring
