// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_STORAGE_KMIP_KMIP_GROUP_MARKER_H_
#define OPENKEYRING_STORAGE_KMIP_KMIP_GROUP_MARKER_H_

#include <optional>
#include <string>

#include "base/result.h"
#include "kmip/attributes.h"
#include "os/file_system.h"
#include "os/random.h"

namespace openkeyring {

// The marker of an object group: an object that is made once and is not a key.
// Servers that hold the group's keys hold it too, so a server without it is
// another one. Its Name says what it is (docs/file_formats.md, "Group
// markers"); its value is never used.
struct KmipGroupMarker {
  std::string id;            // 32 hex digits.
  std::string object_group;  // "": the objects of a certificate.
  bool operator==(const KmipGroupMarker&) const = default;

  std::string Name() const;
};

// What a marker is made with: an AES key of 128 bits.
KmipAttributes KmipGroupMarkerAttributes(const KmipGroupMarker& marker);
// Nothing for objects that are not markers.
std::optional<KmipGroupMarker> ReadKmipGroupMarker(
    const KmipAttributes& attributes);

// The note in a database's data directory that says which marker belongs to it.
// kNotFound when there is none; kMisconfigured, with the cure, when it cannot
// be read.
Result<KmipGroupMarker> ReadKmipGroupNote(FileSystem& files,
                                          const std::string& path);
// Durable. Never replaces a note.
Status WriteKmipGroupNote(FileSystem& files, Random& random,
                          const std::string& path,
                          const KmipGroupMarker& marker,
                          std::optional<FileOwner> owner);

}  // namespace openkeyring

#endif  // OPENKEYRING_STORAGE_KMIP_KMIP_GROUP_MARKER_H_
