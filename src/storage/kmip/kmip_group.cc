// SPDX-License-Identifier: MIT
#include "storage/kmip/kmip_group.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "kmip/operations/activate.h"
#include "kmip/operations/create.h"
#include "kmip/operations/locate.h"
#include "kmip/operations/register.h"
#include "os/empty_directory.h"

namespace openkeyring {
namespace {

constexpr size_t kIdBytes = 16;

std::string Quoted(const std::string& text) { return '"' + text + '"'; }

// A marker that the server makes, or one of ours where it does not make keys.
KmipChange SendMarker(KmipSession& session, const KmipAttributes& attributes,
                      const KmipObject& object, const Deadline& deadline) {
  KmipChange change = session.Change(MakeCreate(attributes), deadline);
  if (change.status.ok() || change.status.IsTransient()) return change;
  return session.Change(MakeRegister(object, attributes), deadline);
}

}  // namespace

KmipGroup::KmipGroup(KmipClient& client, FileSystem& files, Random& random,
                     Log& log, KmipGroupOptions options)
    : client_(client),
      files_(files),
      random_(random),
      log_(log),
      options_(std::move(options)),
      marker_(options_.required) {}

Status KmipGroup::CheckListed(KmipSession& session,
                              const std::vector<KmipGroupMarker>& all,
                              bool has_keys, const Deadline& deadline) {
  std::vector<KmipGroupMarker> markers;
  std::ranges::copy_if(all, std::back_inserter(markers), [&](const auto& one) {
    return one.object_group == options_.object_group;
  });
  Result<std::optional<KmipGroupMarker>> looked_up = Expected();
  if (!looked_up) return looked_up.error();
  const std::optional<KmipGroupMarker>& expected = *looked_up;
  if (expected) {
    if (std::ranges::count(markers, *expected) == 0) {
      return WrongServer(session, *expected);
    }
    Remember(*expected);
    return Status::Ok();
  }
  if (!has_keys && options_.check_new_keyring != nullptr) {
    Status status = options_.check_new_keyring(Place(session));
    if (!status.ok()) return status;
  }
  if (markers.empty()) return Begin(session, has_keys, deadline);
  // Several are there when several databases began the group concurrently.
  return Adopt(session,
               *std::ranges::min_element(markers, {}, &KmipGroupMarker::id));
}

Status KmipGroup::Check(KmipSession& session, const Deadline& deadline) {
  if (client_.server_count() == 1 && is_known()) return Status::Ok();
  const auto looked_up = Expected();
  if (!looked_up) return looked_up.error();
  const std::optional<KmipGroupMarker>& expected = *looked_up;
  if (!expected) return Status::Ok();
  KmipLocateRequest request;
  request.attributes.names = {expected->Name()};
  const auto found =
      session.Ask(MakeLocate(std::move(request)), ReadLocate, deadline);
  if (!found) return found.error();
  if (found->ids.empty()) return WrongServer(session, *expected);
  return Status::Ok();
}

// Of the keyring in use, or as noted.
Result<std::optional<KmipGroupMarker>> KmipGroup::Expected() const {
  std::optional<KmipGroupMarker> known = marker();
  if (known || options_.note_path.empty()) return known;
  Result<KmipGroupMarker> note = ReadKmipGroupNote(files_, options_.note_path);
  if (note) return std::optional(std::move(*note));
  if (note.status().code() != StatusCode::kNotFound) return note.error();
  return known;
}

Status KmipGroup::WrongServer(const KmipSession& session,
                              const KmipGroupMarker& expected) const {
  const std::string note =
      options_.note_path.empty() ? "" : ", noted in " + options_.note_path;
  if (expected.object_group != options_.object_group) {
    return {StatusCode::kMisconfigured,
            "this data directory belongs to object group " +
                Quoted(expected.object_group) + note +
                ", but object_group is " + Quoted(options_.object_group) +
                ": set it back; to begin another group on purpose, remove "
                "that file"};
  }
  // The right one may be back before its time.
  if (const auto server = session.server()) client_.PassOver(*server);
  return {StatusCode::kMisconfigured,
          Place(session) + " has no marker \"" + expected.Name() + '"' + note +
              ", so it is not the place where this database's keys are: fix "
              "the servers, the certificate or object_group; no key is made "
              "there. To use it on purpose, remove that file"};
}

Status KmipGroup::Adopt(KmipSession& session, const KmipGroupMarker& marker) {
  if (!options_.note_path.empty() && !options_.read_only) {
    log_.Write(LogLevel::kWarning,
               "this data directory belongs to " + Place(session) +
                   " (marker " + marker.id + ") from now on, as noted in " +
                   options_.note_path);
    WriteNote(marker);
  }
  Remember(marker);
  return Status::Ok();
}

Status KmipGroup::Begin(KmipSession& session, bool has_keys,
                        const Deadline& deadline) {
  if (options_.read_only || options_.note_path.empty()) return Status::Ok();
  const KmipGroupMarker marker = {RandomHex(random_, kIdBytes),
                                  options_.object_group};
  Status status = MakeMarker(session, marker, deadline);
  if (status.IsTransient()) return status;
  if (!status.ok()) {
    log_.Write(LogLevel::kWarning,
               Place(session) +
                   " cannot be marked, so that another server would not be "
                   "told from it: " +
                   status.message());
    return Status::Ok();
  }
  log_.Write(LogLevel::kWarning,
             Place(session) +
                 (has_keys ? " has keys and gets its marker, "
                           : " has no keys: a new keyring begins, marked ") +
                 marker.id + " and noted in " + options_.note_path);
  WriteNote(marker);
  Remember(marker);
  return Status::Ok();
}

Status KmipGroup::MakeMarker(KmipSession& session,
                             const KmipGroupMarker& marker,
                             const Deadline& deadline) {
  KmipAttributes attributes = KmipGroupMarkerAttributes(marker);
  KmipObject object;
  object.value = Secret(kIdBytes);
  Status status = random_.Fill(object.value.RevealMutable());
  if (!status.ok()) return status;
  object.algorithm = attributes.algorithm;
  object.length = attributes.length;
  KmipChange change = SendMarker(session, attributes, object, deadline);
  if (!change.status.ok() && !change.status.IsTransient()) {
    attributes.application_info.clear();  // Some servers refuse it.
    change = SendMarker(session, attributes, object, deadline);
  }
  if (!change.status.ok()) return change.status;
  // Its state does not matter.
  (void)session.Change(MakeActivate(change.id), deadline);
  return Status::Ok();
}

// The keys are as they were without it: a start does not fail for it.
// mysqld --initialize refuses a directory with files, so its note comes at the
// first start after it, when there is a marker and no data yet.
void KmipGroup::WriteNote(const KmipGroupMarker& marker) {
  if (IsEmptyDirectory(files_, DirectoryName(options_.note_path))) return;
  const Status status = WriteKmipGroupNote(files_, random_, options_.note_path,
                                           marker, options_.note_owner);
  if (status.ok()) return;
  log_.Write(LogLevel::kError,
             "the note of the KMIP object group cannot be written, so that a "
             "start with the wrong server would not be refused: " +
                 status.message());
}

void KmipGroup::Remember(const KmipGroupMarker& marker) {
  const std::lock_guard lock(mutex_);
  marker_ = marker;
  is_known_ = true;
}

bool KmipGroup::is_known() const {
  const std::lock_guard lock(mutex_);
  return is_known_;
}

std::optional<KmipGroupMarker> KmipGroup::marker() const {
  const std::lock_guard lock(mutex_);
  return marker_;
}

std::string KmipGroup::marker_id() const {
  const auto known = marker();
  return known ? known->id : "";
}

std::string KmipGroup::Place(const KmipSession& session) const {
  return (options_.object_group.empty()
              ? "the share of this certificate"
              : "object group " + Quoted(options_.object_group)) +
         " on KMIP server " + session.ServerName();
}

}  // namespace openkeyring
