// SPDX-License-Identifier: MIT
#include "cli/commands/keyring_command.h"

#include <algorithm>
#include <cstdio>

#include "os/file_system.h"
#include "os/process.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kTimeFormat[] = "%Y-%m-%dT%H:%M:%SZ";

Json TextOrNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json TimeOrNull(const std::optional<WallTime>& time) {
  return time ? Json(UtcText(*time, kTimeFormat)) : Json(nullptr);
}

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

}  // namespace

tl::expected<OpenedKeyring, Failure> OpenKeyring(CommandContext& context,
                                                 Needs needs) {
  auto installation = FindInstallation(context, PosixFileSystem(),
                                       SystemProcessRunner(), needs);
  if (!installation) return tl::unexpected(installation.error());
  auto reader = OpenForReading(*installation, PosixFileSystem(), context.out);
  if (!reader) return tl::unexpected(reader.error());
  return OpenedKeyring{std::move(*installation), std::move(*reader)};
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

Json JsonOf(const StoredKey& key, WallTime now) {
  Json json = {{"id", key.id},
               {"owner", TextOrNull(key.owner)},
               {"version", nullptr},
               {"type", TextOrNull(key.type)},
               {"bytes", nullptr},
               {"created", TimeOrNull(key.created)},
               {"age_seconds", nullptr},
               {"state", key.state.empty() ? "active" : key.state},
               {"wrapping_key", TextOrNull(key.wrapping_key)},
               {"place", TextOrNull(key.place)}};
  if (key.version) json["version"] = *key.version;
  if (key.bytes) json["bytes"] = *key.bytes;
  if (key.created) json["age_seconds"] = SecondsBetween(*key.created, now);
  return json;
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

TextTable TableOf(const std::vector<StoredKey>& keys, WallTime now) {
  struct Column {
    TextTable::Column head;
    std::function<std::string(const StoredKey&)> cell;
  };
  const Column all[] = {
      {{"KEY"}, [](const StoredKey& key) { return Printable(IdText(key)); }},
      {{"OWNER"}, [](const StoredKey& key) { return Printable(key.owner); }},
      {{"TYPE"}, [](const StoredKey& key) { return Printable(key.type); }},
      {{"BYTES", true},
       [](const StoredKey& key) {
         return key.bytes ? std::to_string(*key.bytes) : "";
       }},
      {{"AGE", true},
       [now](const StoredKey& key) {
         return key.created ? AgeText(key.created, now) : "";
       }},
      {{"STATE"}, [](const StoredKey& key) { return Printable(key.state); }}};
  std::vector<TextTable::Column> heads;
  std::vector<const Column*> used;
  for (const Column& column : all) {
    if (std::ranges::any_of(keys, [&](const StoredKey& key) {
          return !column.cell(key).empty();
        })) {
      heads.push_back(column.head);
      used.push_back(&column);
    }
  }
  TextTable table(std::move(heads));
  for (const StoredKey& key : keys) {
    std::vector<std::string> row;
    for (const Column* column : used) row.push_back(column->cell(key));
    table.Add(std::move(row));
  }
  return table;
}

}  // namespace openkeyring
