// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_key_creator.h"

namespace openkeyring {
namespace {

constexpr int kMostTries = 3;

Status StoredByAnother(const KmipAttributes& object) {
  return {StatusCode::kAlreadyExists,
          "KMIP object \"" + *object.unique_identifier +
              "\" is that key, stored by somebody else since the keys were "
              "loaded"};
}

bool Counts(const KmipAttributes& object, const KmipNewKey& key) {
  const KmipUse use = KmipUseOf(object);
  return key.match(object) == KmipMatch::kSameKey &&
         (use == KmipUse::kUsable ||
          (use == KmipUse::kUnusable && key.revoked_counts));
}

}  // namespace

Result<std::string> KmipKeyCreator::Make(const KmipCall& make,
                                         const KmipNewKey& key,
                                         const Deadline& deadline) {
  for (int tries = 1;; ++tries) {
    KmipChange change = client_.Change(make, deadline);
    if (change.status.ok()) return std::move(change.id);
    // Of a name that is taken, some servers say that the request is invalid.
    const bool taken = change.status.code() == StatusCode::kAlreadyExists ||
                       change.status.code() == StatusCode::kInvalidArgument;
    if (!taken && !change.may_have_happened) return change.status;
    // Whether it is there is asked before it is sent again.
    const auto there =
        objects_.Find(key.name, key.object_group, key.type, deadline);
    if (!there) {
      return change.status.WithContext(
          "whether the server has it cannot be found out (" +
          there.error().message() + ")");
    }
    for (const KmipAttributes& one : *there) {
      if (key.match(one) == KmipMatch::kThisAttempt)
        return *one.unique_identifier;
    }
    if (tries == kMostTries || deadline.Passed(clock_)) return change.status;
    if (!taken) continue;
    const Result<bool> freed = FreeName(*there, key, deadline);
    if (!freed) return freed.error();
    if (!*freed) return change.status;
  }
}

// On a server where names are unique: true when what had the name was of no use
// and is gone.
Result<bool> KmipKeyCreator::FreeName(const std::vector<KmipAttributes>& there,
                                      const KmipNewKey& key,
                                      const Deadline& deadline) {
  bool freed = false;
  for (const KmipAttributes& one : there) {
    if (Counts(one, key)) return StoredByAnother(one);
    const KmipUse use = KmipUseOf(one);
    const bool useless = use == KmipUse::kUnusable ||
                         (use == KmipUse::kUnfinished && key.is_leftover(one));
    if (!useless) continue;
    Status status = objects_.Retire(*one.unique_identifier, key.type, deadline);
    if (!status.ok()) return status;
    freed = true;
  }
  return freed;
}

Status KmipKeyCreator::CheckAlone(const std::string& id, const KmipNewKey& key,
                                  const Deadline& deadline) {
  const auto there =
      objects_.Find(key.name, key.object_group, key.type, deadline);
  if (!there) return there.error();
  for (const KmipAttributes& one : *there) {
    if (*one.unique_identifier != id && Counts(one, key)) {
      return StoredByAnother(one);
    }
  }
  return Status::Ok();
}

}  // namespace openkeyring
