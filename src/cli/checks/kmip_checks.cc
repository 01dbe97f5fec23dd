// SPDX-License-Identifier: MIT
// What the KMIP servers say: versions, operations, group and marker, and
// whether all of them have the same objects.
#include <algorithm>
#include <map>
#include <set>

#include "cli/checks/check.h"
#include "kmip/operations/query.h"
#include "product/component_keyring_kmip/kmip_component_config.h"
#include "storage/kmip/kmip_group_marker.h"
#include "storage/kmip/kmip_objects.h"

namespace openkeyring {
namespace {

struct Group {
  std::string object_group;
  std::string note_path;
};

std::optional<Group> GroupOf(CheckRun& run) {
  if (run.installation.product == Product::kComponentKeyringKmip) {
    const auto config =
        KmipComponentOptions(run.installation, run.files, run.out);
    if (!config) return std::nullopt;
    return Group{config->group.object_group, config->group.note_path};
  }
  const auto options = KmipVersionsOptionsOf(run.installation);
  if (!options) return std::nullopt;
  return Group{options->group.object_group, options->group.note_path};
}

// A client of one of the servers only.
Result<std::unique_ptr<KmipService>> ServiceOf(CheckRun& run, size_t server) {
  KmipServiceOptions options;
  if (run.installation.product == Product::kComponentKeyringKmip) {
    auto config = KmipComponentOptions(run.installation, run.files, run.out);
    if (!config) return config.error();
    options = std::move(config->kmip);
  } else {
    auto startup = KmipVersionsOptionsOf(run.installation);
    if (!startup) return startup.error();
    options = std::move(startup->kmip);
  }
  options.servers = {options.servers[server]};
  return KmipService::Make(std::move(options), run.out);
}

void CheckOperations(CheckRun& run, const std::string& name,
                     KmipService& service) {
  const auto description =
      service.client().Ask(MakeQuery(), ReadQuery, run.Soon());
  if (!description) {
    return run.Fail(name + ": " + description.error().message(),
                    "docs/errors.md has the message",
                    ExitCodeOf(description.error()));
  }
  const bool mysql = run.installation.product == Product::kComponentKeyringKmip;
  const std::pair<KmipOperation, const char*> needed[] = {
      {KmipOperation::kLocate, "Locate"},
      {KmipOperation::kGet, "Get"},
      {KmipOperation::kGetAttributes, "Get Attributes"},
      {KmipOperation::kActivate, "Activate"},
      {mysql ? KmipOperation::kRegister : KmipOperation::kCreate,
       mysql ? "Register" : "Create"}};
  for (const auto& [operation, title] : needed) {
    if (!description->operations.empty() && !description->Supports(operation)) {
      run.Fail(name + " does not offer the operation " + title,
               "permit it for this certificate, or use another KMIP server");
    }
  }
  run.Ok(name + " speaks KMIP " + service.client().status().version +
         (description->vendor.empty() ? "" : " (" + description->vendor + ")"));
}

using Identifiers = std::set<std::string>;

struct Seen {
  std::string server;
  size_t objects = 0;
  std::map<std::string, Identifiers> names;
  std::vector<KmipGroupMarker> markers;
};

Result<Seen> LookAt(CheckRun& run, size_t server, const Group& group) {
  Seen seen;
  seen.server = run.kmip()->servers[server].Text();
  const auto service = ServiceOf(run, server);
  if (!service) return service.error();
  KmipSession session((*service)->client());
  KmipObjects objects(session, run.out, KmipProbe::kForbidden);
  for (const KmipObjectType type :
       {KmipObjectType::kSymmetricKey, KmipObjectType::kSecretData}) {
    const auto found = objects.ListGroup(group.object_group, type, run.Soon());
    if (!found) return found.error();
    for (const KmipAttributes& one : *found) {
      if (const auto marker = ReadKmipGroupMarker(one)) {
        seen.markers.push_back(*marker);
        continue;
      }
      const std::string id = one.unique_identifier.value_or("");
      const auto name = std::ranges::min_element(one.names);
      seen.names[name == one.names.end() ? id : *name].insert(id);
      ++seen.objects;
    }
  }
  return seen;
}

std::string Listed(const Identifiers& ids) {
  std::string listed;
  for (const std::string& id : ids) {
    listed += (listed.empty() ? "" : ", ") + id;
  }
  return listed;
}

// What one of the servers has of a name and the other has not; an object is its
// identifier. Names that both have come first: their keys have two values.
std::vector<std::string> Differences(const Seen& first, const Seen& other) {
  std::vector<std::string> forked, missing;
  for (const auto& [name, ids] : first.names) {
    const auto also = other.names.find(name);
    if (also == other.names.end()) {
      missing.push_back(name);
    } else if (also->second != ids) {
      forked.push_back(name + ", which is object " + Listed(ids) + " on " +
                       first.server + " and " + Listed(also->second) + " on " +
                       other.server);
    }
  }
  for (const auto& [name, ids] : other.names) {
    if (!first.names.contains(name)) missing.push_back(name);
  }
  forked.insert(forked.end(), missing.begin(), missing.end());
  return forked;
}

void Compare(CheckRun& run, const Seen& first, const Seen& other) {
  const std::vector<std::string> differences = Differences(first, other);
  if (differences.empty()) return;
  run.Fail(other.server + " and " + first.server + " do not have the same " +
               "objects: " + std::to_string(differences.size()) +
               " differ, one is " + differences.front(),
           "let the KMIP servers replicate, or remove the server from the "
           "list: after a failover keys would be missing, or other ones");
}

}  // namespace

void CheckKmipServers(CheckRun& run) {
  KmipServiceOptions* kmip = run.kmip();
  if (kmip == nullptr) return run.Skip("the key server is not a KMIP server");
  for (size_t i = 0; i < kmip->servers.size(); ++i) {
    const auto service = ServiceOf(run, i);
    if (!service) {
      return run.Fail(service.error(), "correct the files of the options");
    }
    CheckOperations(run, kmip->servers[i].Text(), **service);
  }
}

void CheckKmipGroup(CheckRun& run) {
  KmipServiceOptions* kmip = run.kmip();
  const auto group = kmip == nullptr ? std::nullopt : GroupOf(run);
  if (!group) return run.Skip("the key server is not a KMIP server");
  const auto note =
      group->note_path.empty()
          ? Result<KmipGroupMarker>(Status(StatusCode::kNotFound, "no note"))
          : ReadKmipGroupNote(run.files, group->note_path);
  if (!note && note.error().code() != StatusCode::kNotFound) {
    run.Fail(note.error(), "docs/errors.md has the message");
  }
  std::optional<Seen> first;
  for (size_t i = 0; i < kmip->servers.size(); ++i) {
    const auto seen = LookAt(run, i, *group);
    if (!seen) {
      run.Fail(kmip->servers[i].Text() + ": " + seen.error().message(),
               "docs/errors.md has the message", ExitCodeOf(seen.error()));
      continue;
    }
    const bool marked =
        note && std::ranges::find(seen->markers, *note) != seen->markers.end();
    if (note && !marked) {
      run.Fail(seen->server + " has no marker of this database's object group",
               "it is not the server with this database's keys, or "
               "object_group or the certificate is another one");
    } else {
      run.Ok(seen->server + " has " + Counted(seen->objects, "object") +
             (marked ? " and the marker" : ""));
    }
    if (first) {
      Compare(run, *first, *seen);
    } else {
      first = *seen;
    }
  }
  if (!note && note.error().code() == StatusCode::kNotFound) {
    run.Skip("the data directory has no note of an object group yet");
  }
}

}  // namespace openkeyring
