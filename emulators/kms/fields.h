// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_EMULATORS_KMS_FIELDS_H_
#define OPENKEYRING_EMULATORS_KMS_FIELDS_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulators/kms/blob.h"
#include "emulators/kms/service_error.h"

namespace kms_emulator {

// Reads the members of a request and collects what is wrong with them, as AWS
// does: a member of the wrong JSON type is a SerializationException, all
// broken limits together are one ValidationException ("2 validation errors
// detected: ..."). After a bad member its reader returns something empty; the
// caller asks Check() before using anything.
class Fields {
 public:
  explicit Fields(const Json& body) : body_(body) {}

  enum class Need { kOptional, kRequired };
  struct Limits {
    size_t min = 0;
    size_t max = SIZE_MAX;
  };

  bool Has(std::string_view name) const;
  std::string Text(const char* name, Need need, Limits limits);
  std::string RequiredKeyId(const char* name = "KeyId");
  // "" when absent.
  std::string OptionalKeyId(const char* name);
  std::string OneOf(const char* name, std::string fallback,
                    std::initializer_list<std::string_view> allowed);
  std::optional<int64_t> Number(const char* name, int64_t min, int64_t max);
  int64_t RequiredNumber(const char* name, int64_t min, int64_t max);
  Bytes Blob(const char* name, Limits limits);  // Required; from base64.
  Context EncryptionContext(const char* name = "EncryptionContext");
  bool Flag(const char* name);
  void GrantTokens();

  // For rules between members.
  void Invalid(std::string message);

  Outcome<void> Check() const;

 private:
  // The member, or null when it is absent or null (noted when required).
  const Json* Find(const char* name, Need need);
  const Json* FindOfType(const char* name, Need need, Json::value_t type);
  void Note(const char* name, const std::string& value,
            const std::string& constraint);
  // Notes a size beyond the limits.
  void CheckSize(const char* name, const std::string& shown, size_t size,
                 Limits limits);

  const Json& body_;
  std::vector<std::string> broken_;
  std::string lone_error_;
  bool bad_type_ = false;
};

}  // namespace kms_emulator

#endif  // OPENKEYRING_EMULATORS_KMS_FIELDS_H_
