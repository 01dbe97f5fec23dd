// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_SETUP_H_
#define OPENKEYRING_EMULATORS_KMS_SETUP_H_

#include <string>

#include "emulators/kms/emulator.h"
#include "emulators/kms/options.h"
#include "os/file_system.h"

namespace kms_emulator {

// The first thing a client needs: credentials, and a key's alias.
struct Welcome {
  std::string account;  // That of the state file, when there was one.
  AccessKey access_key;
  std::vector<std::string> aliases;  // In the default region.
};

// Brings the state to what the options ask for: keys, replicas, identities,
// and a random access key and a default key when there is none.
Result<Welcome> PrepareState(Emulator& emulator, openkeyring::FileSystem& files,
                             const Options& options);

// What --ready-file and the banner say.
struct Ports {
  int services = 0;
  int control = 0;
};
Json ReadyJson(const Options& options, const Ports& ports,
               const Welcome& welcome);
std::string Banner(const Options& options, const Ports& ports,
                   const Welcome& welcome);

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_SETUP_H_
