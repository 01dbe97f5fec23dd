// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_CLI_SEALED_KEYRING_H_
#define OPENKEYRING_CLI_SEALED_KEYRING_H_

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/discovery.h"
#include "cli/installation.h"
#include "keyring/key.h"
#include "storage/sealed/sealed_file_slots.h"

// Sealed files with their key slots, as commands look at them and change them:
// the file of component_keyring_kms, and MariaDB's key set.
namespace openkeyring {

struct SealedPlace {
  Installation installation;
  std::string path;  // Of the file itself, also of a key set.
};
// The sealed file that the command line and the configuration mean. kUsage for
// products without one, and for MariaDB's keys that are in key files.
tl::expected<SealedPlace, Failure> FindSealedFile(CommandContext& context,
                                                  Needs needs);
// The same for what is already found.
tl::expected<SealedPlace, Failure> SealedPlaceOf(
    const Installation& installation, Log& log);

enum class SealedUse {
  kLook,        // Whatever can be opened; nothing is changed.
  kPlan,        // What a change would find; nothing is changed.
  kChange,      // Locked, its slots brought up to date.
  kPlanRewrap,  // kReadOnly when kRewrap would change something.
  kRewrap,      // kChange, and an error unless all is as configured.
};

// A sealed file that its product's own code has opened. Threads: one object is
// not synchronized.
class OpenedSealedFile {
 public:
  virtual ~OpenedSealedFile() = default;
  virtual SealedFileSlots& slots() = 0;
  // All keys, as they were when it was opened.
  virtual std::vector<Key> Keys() const = 0;
  // For what is done next.
  Deadline deadline = Deadline::After(SystemClock(), Millis(0));
};

// As a start of the server does it, but once. To be changed it must be free:
// kInUse otherwise.
tl::expected<std::unique_ptr<OpenedSealedFile>, Failure> OpenSealedFile(
    const SealedPlace& place, SealedUse use, Log& log);

// Whether this configuration allows a tool to change the file: kUsage when the
// component has read_only, which is for everybody who has this configuration,
// and when no KMS key is configured that it could be under.
Outcome CheckMayChange(const Installation& installation, Log& log);
// The same for a file that is changed in its place, which must not be that of a
// backup (CheckNotInBackup).
Outcome CheckMayRewrite(const Installation& installation, Log& log);

// All keys, for a comparison; the file is locked meanwhile.
tl::expected<std::vector<Key>, Failure> ReadSealedKeys(const SealedPlace& place,
                                                       Log& log);
// kProblems unless the file gives back these keys now.
Outcome CompareSealedKeys(const SealedPlace& place,
                          const std::vector<Key>& before, Log& log);

}  // namespace openkeyring

#endif  // OPENKEYRING_CLI_SEALED_KEYRING_H_
