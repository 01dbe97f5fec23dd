// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_group_marker.h"

#include <algorithm>
#include <string_view>

#include "base/encoding.h"
#include "os/durable.h"

namespace openkeyring {
namespace {

constexpr char kNamespace[] = "openkeyring-group";
constexpr char kFirstLine[] = "openkeyring kmip group note 1\n";
constexpr size_t kIdDigits = 32;
constexpr size_t kMaxNote = 64 * 1024;
constexpr mode_t kNotePermissions = 0640;

bool IsMarkerId(std::string_view id) {
  return id.size() == kIdDigits &&
         id.find_first_not_of("0123456789abcdef") == id.npos;
}

std::string NoteText(const KmipGroupMarker& marker) {
  return std::string(kFirstLine) + "marker " + marker.id + "\ngroup " +
         PercentEncode(marker.object_group) + "\n";
}

// What stands between `before` and the next line end.
std::string_view LineAfter(std::string_view text, std::string_view before) {
  const size_t start = text.find(before);
  if (start == text.npos) return {};
  text.remove_prefix(start + before.size());
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string KmipGroupMarker::Name() const {
  return std::string(kNamespace) + "/" + PercentEncode(object_group) + "/" + id;
}

KmipAttributes KmipGroupMarkerAttributes(const KmipGroupMarker& marker) {
  KmipAttributes attributes;
  attributes.names = {marker.Name()};
  if (!marker.object_group.empty()) {
    attributes.object_groups = {marker.object_group};
  }
  attributes.application_info = {{kNamespace, "1;" + marker.id}};
  attributes.algorithm = KmipAlgorithm::kAes;
  attributes.length = 128;
  attributes.usage_mask = kUsageEncrypt | kUsageDecrypt;
  return attributes;
}

std::optional<KmipGroupMarker> ReadKmipGroupMarker(
    const KmipAttributes& attributes) {
  for (const std::string& name : attributes.names) {
    const size_t slash = name.rfind('/');
    const size_t start = sizeof kNamespace;
    if (slash == name.npos || slash < start) continue;
    const KmipGroupMarker marker = {
        name.substr(slash + 1),
        PercentDecode(name.substr(start, slash - start))};
    if (IsMarkerId(marker.id) && marker.Name() == name) return marker;
  }
  return std::nullopt;
}

Result<KmipGroupMarker> ReadKmipGroupNote(FileSystem& files,
                                          const std::string& path) {
  const Result<Bytes> content = files.Read(path, kMaxNote);
  if (!content && content.status().code() == StatusCode::kNotFound) {
    return content.error();
  }
  const std::string cure =
      "; it says which KMIP object group this data directory belongs to. "
      "Restore it, or remove it when servers and object_group are known to be "
      "right";
  if (!content) {
    return Status(StatusCode::kMisconfigured, content.error().message() + cure);
  }
  const std::string_view text = AsText(*content);
  const KmipGroupMarker marker = {std::string(LineAfter(text, "\nmarker ")),
                                  PercentDecode(LineAfter(text, "\ngroup "))};
  if (IsMarkerId(marker.id) && NoteText(marker) == text) return marker;
  return Status(StatusCode::kMisconfigured,
                path + " is not a group note, or is damaged" + cure);
}

Status WriteKmipGroupNote(FileSystem& files, Random& random,
                          const std::string& path,
                          const KmipGroupMarker& marker,
                          std::optional<FileOwner> owner) {
  const std::string text = NoteText(marker);
  return CreateDurably(files, random, DirectoryName(path), BaseName(path),
                       AsBytes(text), kNotePermissions, owner);
}

}  // namespace openkeyring
