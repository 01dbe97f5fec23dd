// SPDX-License-Identifier: MIT
#include "cli/commands/keyring_command.h"

#include <algorithm>
#include <cstdio>

#include "cli/backup_set.h"
#include "os/file_system.h"
#include "os/process.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kNull[] = "null";
constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%SZ";

std::string ModeText(mode_t permissions) {
  char text[16];
  (void)snprintf(text, sizeof text, "%04o", static_cast<unsigned>(permissions));
  return text;
}

int64_t SecondsBetween(WallTime from, WallTime to) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
  return std::max<int64_t>(seconds, 0);
}

// Where --path names the directory of a backup: adds what its manifest says to
// what was given. Whether it does.
tl::expected<bool, Failure> TakeManifest(FileSystem& files,
                                         Arguments& arguments) {
  const std::string directory = arguments.Text("--path");
  const Result<FileInfo> info = files.Stat(directory);
  if (directory.empty() || !info || !info->is_directory) return false;
  const Result<BackupManifest> manifest = ReadManifestIn(files, directory);
  if (manifest.status().code() == StatusCode::kNotFound) return false;
  if (!manifest) return FileFailed(manifest.error());
  const std::string product = ProductName(manifest->product);
  const std::string given = arguments.Text("--product");
  if (!given.empty() && given != product) {
    return UsageFailure(directory + " is a backup of " + product +
                        ", and not of " + given);
  }
  if (manifest->product == Product::kComponentKeyringKmip ||
      manifest->product == Product::kKmipKeyManagement) {
    return UsageFailure(
        directory + " is a backup of " + product +
            ", which has the names of the keys: the keys are on the server",
        "without --path the server's keys are read; restore --dry-run compares "
        "them with the backup");
  }
  arguments.Add("--product", product);
  if (!manifest->name.empty()) {
    arguments.Add("--path", JoinPath(directory, manifest->name));
  }
  return true;
}

}  // namespace

tl::expected<OpenedKeyring, Failure> OpenKeyring(CommandContext& context,
                                                 Needs needs) {
  Arguments arguments = context.arguments;
  const std::string path = arguments.Text("--path");
  const auto is_backup = TakeManifest(PosixFileSystem(), arguments);
  if (!is_backup) return tl::unexpected(is_backup.error());
  CommandContext inner{arguments, context.out, context.interruption};
  auto installation =
      FindInstallation(inner, PosixFileSystem(), SystemProcessRunner(), needs);
  if (!installation) return tl::unexpected(installation.error());
  auto reader = OpenForReading(*installation, PosixFileSystem(), context.out);
  if (!reader) return tl::unexpected(reader.error());
  return OpenedKeyring{std::move(*installation), std::move(*reader),
                       *is_backup ? path : ""};
}

tl::expected<StoredKeyring, Failure> ListKeyring(CommandContext& context) {
  const auto opened = OpenKeyring(context, Needs::kPath);
  if (!opened) return tl::unexpected(opened.error());
  auto keyring = opened->reader->List();
  if (!keyring) return keyring;
  if (!keyring->lock_holder.empty()) {
    context.out.AddSource("lock", keyring->lock_holder,
                          "it has " + keyring->place + " locked; only reading");
  }
  return keyring;
}

std::string AgeText(const std::optional<WallTime>& created, WallTime now) {
  if (!created) return "-";
  const int64_t seconds = SecondsBetween(*created, now);
  constexpr std::pair<int64_t, char> kUnits[] = {
      {365 * 86400, 'y'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}};
  for (const auto& [unit, letter] : kUnits) {
    if (seconds >= unit) return std::to_string(seconds / unit) + letter;
  }
  return std::to_string(seconds) + "s";
}

Json JsonOf(const StoredKeyring& keyring, WallTime) {
  Json facts = Json::object();
  for (const auto& [name, value] : keyring.facts) facts[name] = value;
  Json slots = Json::array();
  for (const StoredSlot& slot : keyring.slots) {
    slots.push_back({{"number", slot.number},
                     {"kind", slot.kind},
                     {"name", slot.name},
                     {"maker", slot.maker}});
  }
  Json json = {{"format", keyring.format},
               {"place", keyring.place},
               {"wrapping_keys", keyring.wrapping_keys},
               {"slots", std::move(slots)},
               {"facts", std::move(facts)},
               {"count", keyring.keys.size()}};
  if (keyring.file) {
    json["file"] = {{"bytes", keyring.file->size},
                    {"mode", ModeText(keyring.file->permissions)},
                    {"user", keyring.file->owner.user},
                    {"group", keyring.file->owner.group}};
  } else {
    json["file"] = nullptr;
  }
  json["locked_by"] =
      keyring.lock_pid == 0
          ? Json(nullptr)
          : Json{{"pid", keyring.lock_pid}, {"process", keyring.lock_holder}};
  return json;
}

void AppendJson(const StoredKey& key, WallTime now, std::string& json) {
  std::optional<int64_t> age;
  if (key.created) age = SecondsBetween(*key.created, now);
  char separator = '{';
  const auto name = [&](std::string_view member) {
    json += separator;
    separator = ',';
    json += '"';
    json += member;
    json += "\":";
  };
  const auto text = [&](std::string_view member, std::string_view value) {
    name(member);
    if (value.empty()) {
      json += kNull;
    } else {
      AppendJsonString(value, json);
    }
  };
  const auto number = [&](std::string_view member, const auto& value) {
    name(member);
    json += value ? std::to_string(*value) : kNull;
  };
  name("id");
  AppendJsonString(key.id, json);
  text("owner", key.owner);
  number("version", key.version);
  text("type", key.type);
  number("bytes", key.bytes);
  text("created", key.created ? UtcText(*key.created, kTimeFormat) : "");
  number("age_seconds", age);
  text("state", key.state.empty() ? "active" : key.state);
  text("wrapping_key", key.wrapping_key);
  text("place", key.place);
  json += '}';
}

void PrintSummary(const StoredKeyring& keyring, Output& out) {
  const auto line = [&](const std::string& name, const std::string& value) {
    if (value.empty()) return;
    out.Line(Printable(name) + ": " + Printable(value));
  };
  line("keyring", keyring.place);
  line("format", keyring.format);
  for (const StoredSlot& slot : keyring.slots) {
    line("key slot " + std::to_string(slot.number),
         slot.kind + " " + slot.name +
             (slot.maker.empty() ? "" : " (" + slot.maker + ")"));
  }
  if (keyring.slots.empty()) {
    for (const std::string& key : keyring.wrapping_keys) {
      line("wrapped by", key);
    }
  }
  for (const auto& [name, value] : keyring.facts) {
    std::string title = name;
    std::ranges::replace(title, '_', ' ');
    line(title, value);
  }
  line("in use by", keyring.lock_holder);
  line("keys", std::to_string(keyring.keys.size()));
}

void PrintKeys(const StoredKeys& keys, WallTime now, Output& out) {
  const auto column = [](const char* title, bool right) {
    return TextTable::Column{title, right, true};
  };
  TextTable table({column("KEY", false), column("OWNER", false),
                   column("TYPE", false), column("BYTES", true),
                   column("AGE", true), column("STATE", false)});
  StoredKey scratch;
  out.Print(std::move(table), keys.size(), [&](size_t i, TextTable::Row& row) {
    const StoredKey& key = keys.Get(i, scratch);
    if (key.version) {
      row[0] = IdText(key);
    } else {
      AssignPrintable(key.id, row[0]);
    }
    AssignPrintable(key.owner, row[1]);
    AssignPrintable(key.type, row[2]);
    row[3] = key.bytes ? std::to_string(*key.bytes) : "";
    row[4] = key.created ? AgeText(key.created, now) : "";
    AssignPrintable(key.state, row[5]);
  });
}

}  // namespace openkeyring
