// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_SEALED_OPENED_KEY_SET_H_
#define OPENKEYRING_STORAGE_SEALED_OPENED_KEY_SET_H_

#include <memory>
#include <string>

#include "storage/sealed/key_set_location.h"
#include "storage/sealed/key_set_store.h"

namespace openkeyring {

// What a tool opens a key set for.
struct KeySetUse {
  // The set is locked, its slots are brought up to date, and it may be changed.
  bool change = false;
  // An error unless every slot is as configured afterwards; kReadOnly when that
  // takes a change and `change` is not set.
  bool must_rewrap = false;
  // kCorrupt for a set that lacks a version which was made, as its mark says:
  // it is an old copy, and what is done to it is not done to the newest one.
  bool must_be_newest = false;
};

// A key set outside of a server: its keys, and its key slots to look at or to
// change. It is opened with all checks of a start; nothing is written but the
// set itself, no marks and no installation id.
//
// Threads: slots() may be used concurrently.
class OpenedKeySet {
 public:
  // `options`: of the directories read_only, increment and the makers are not
  // used. kMisconfigured where there is no set, or where it cannot be the right
  // one. With `change`, the error says who has it locked.
  static Result<std::unique_ptr<OpenedKeySet>> Open(
      const KeySetDependencies& dependencies, KeySetOptions options,
      const KeySetUse& use, const Deadline& deadline);

  const std::string& path() const { return location_.path(); }
  // As they were when it was opened; each is a record of a key set.
  const SealedStore::Keys& keys() const { return keys_; }
  SealedFileSlots& slots() { return store_->slots(); }
  SealedHeader header() const { return store_->header(); }

 private:
  OpenedKeySet(const KeySetDependencies& dependencies, KeySetOptions options);
  Status CheckPlace(const KeySetUse& use);
  Status Load(const KeySetUse& use, const Deadline& deadline);

  const KeySetDependencies dependencies_;
  const KeySetOptions options_;
  KeySetLocation location_;
  std::unique_ptr<SealedStore> store_;
  SealedStore::Keys keys_;
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_SEALED_OPENED_KEY_SET_H_
