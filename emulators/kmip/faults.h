// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMIP_FAULTS_H_
#define OPENKEYRING_EMULATORS_KMIP_FAULTS_H_

#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulators/kmip/behaviour.h"

namespace kmip_server {

using Json = nlohmann::json;
using openkeyring::Result;

// One way to misbehave, once or some times. README.md describes the kinds.
struct Fault {
  std::string kind;
  std::string operation = "*";  // "Get Attributes"; "*": any.
  int count = 1;                // Requests that it hits; -1: all.
  int skip = 0;                 // That it lets pass first.
  int ms = 0;                   // slow, hang
  int items = 1;                // short_batch: how many are answered.
  uint32_t reason = 0x100;      // fail, fail_all
  std::string message;
};

// kInvalidArgument for an unknown kind or a member of the wrong type.
Result<Fault> FaultFromJson(const Json& json);
// Changes the members that are named; kInvalidArgument for unknown ones.
openkeyring::Status ChangeBehaviour(const Json& json, Behaviour& behaviour);

// Threads: all methods may be called concurrently.
class FaultQueue {
 public:
  void Push(Fault fault);
  void Clear();
  // The first that is meant for one of these operations and due; counted as
  // used. Those that let it pass count it too.
  std::optional<Fault> Take(const std::vector<std::string>& operations);

 private:
  std::mutex mutex_;
  std::deque<Fault> faults_;
};

}  // namespace kmip_server

#endif  // OPENKEYRING_EMULATORS_KMIP_FAULTS_H_
