// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_GROUP_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_GROUP_H_

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "kmip/client.h"
#include "os/file_system.h"
#include "os/random.h"
#include "storage/kmip/kmip_group_marker.h"

namespace openkeyring {

struct KmipGroupOptions {
  std::string object_group;  // "": the objects of the certificate.
  // The note in the data directory; "": there is no data directory.
  std::string note_path;
  std::optional<FileOwner> note_owner = std::nullopt;
  bool read_only = false;  // Make neither a marker nor a note.
  // Asked before a group without keys becomes the keyring of a data directory
  // without a note; null allows it. `place` is what the error calls the group.
  std::function<Status(const std::string& place)> check_new_keyring = nullptr;
  // For a reload: that of the keyring in use, whatever the note says now.
  std::optional<KmipGroupMarker> required = std::nullopt;
};

// Whether a KMIP server is one that holds this database's keys. "The server has
// no such key" is believed only of such a server.
//
//   note  marker  keys |
//   yes   its own   -  | the right server
//   yes     no      -  | refused: another server, or another group
//   no      yes    yes | the note is written, with a warning
//   no      yes     no | the same, unless check_new_keyring refuses it
//   no      no     yes | an older group: a marker and a note are made
//   no      no     no  | a new group: the same, with a warning, unless
//                      | check_new_keyring refuses it
//
// Threads: all methods may be called concurrently. No lock is held during I/O.
class KmipGroup {
 public:
  // Borrowed, but the options.
  KmipGroup(KmipClient& client, FileSystem& files, Random& random, Log& log,
            KmipGroupOptions options);

  // After the group was listed on the session's server: which markers it has,
  // and whether there are keys. kMisconfigured for the wrong server.
  Status CheckListed(KmipSession& session,
                     const std::vector<KmipGroupMarker>& markers, bool has_keys,
                     const Deadline& deadline);
  // Before anything is changed in a session: looks for the marker, unless the
  // only server is known to have it. That is also a call that may go to the
  // next server when one hangs; a change may not. kMisconfigured for the wrong
  // server.
  Status Check(KmipSession& session, const Deadline& deadline);

  const KmipGroupOptions& options() const { return options_; }
  // Nothing before one is known.
  std::optional<KmipGroupMarker> marker() const;
  // Its identifier, or "".
  std::string marker_id() const;
  // 'object group "g" on KMIP server h:p', for messages.
  std::string Place(const KmipSession& session) const;

 private:
  Status Adopt(KmipSession& session, const KmipGroupMarker& marker);
  Status Begin(KmipSession& session, bool has_keys, const Deadline& deadline);
  Status MakeMarker(KmipSession& session, const KmipGroupMarker& marker,
                    const Deadline& deadline);
  void WriteNote(const KmipGroupMarker& marker);
  Result<std::optional<KmipGroupMarker>> Expected() const;
  bool is_known() const;
  void Remember(const KmipGroupMarker& marker);
  Status WrongServer(const KmipSession& session,
                     const KmipGroupMarker& expected) const;

  KmipClient& client_;
  FileSystem& files_;
  Random& random_;
  Log& log_;
  const KmipGroupOptions options_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::optional<KmipGroupMarker> marker_;
  bool is_known_ = false;  // Whether a server was seen to have it.
};

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_GROUP_H_
