// SPDX-License-Identifier: MIT
#include "cli/backup_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/product_options.h"
#include "crypto/digest.h"
#include "json/json_check.h"
#include "storage/mariadb_files/key_file_format.h"

namespace openkeyring {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kSchema[] = "openkeyring/backup-manifest/1";
constexpr size_t kMaxManifest = size_t{64} << 20;
constexpr size_t kMaxPart = size_t{1} << 30;
constexpr int kReadAttempts = 5;
constexpr char kInHex[] = "_hex";

Status Corrupt(std::string what) {
  return {StatusCode::kCorrupt, std::move(what)};
}

Result<std::string> Sha256Hex(ByteView bytes) {
  const Result<Digest256> digest = Sha256(bytes);
  if (!digest) return digest.error();
  return HexEncode(*digest);
}

// Whether it can be a file of this keyring. Others would be put beside it.
bool IsOfKeyring(const BackupFile& file, const BackupManifest& manifest) {
  return file.name.starts_with(manifest.product == Product::kAwsKeyManagement
                                   ? kFamilyPrefix
                                   : std::string_view(manifest.name));
}

// A name that stays within its directory.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == name.npos && name != kManifestName &&
         name != kManifestSumName;
}

// Members of a manifest, taken strictly: `good` is false after the first that
// is not as it must be.
class Members {
 public:
  Members(const Json& json, bool& good) : json_(json), good_(good) {
    good_ = good_ && json.is_object();
  }
  std::string Text(const char* name) {
    const Json* value = Find(name);
    if (value == nullptr || !value->is_string()) return Bad<std::string>();
    return value->get<std::string>();
  }
  // Of a key: what is not UTF-8 stands in hex beside it.
  std::string Name(const std::string& name) {
    std::string text = Text(name.c_str());
    const std::string in_hex = name + kInHex;
    if (Find(in_hex.c_str()) == nullptr) return text;
    const Result<Bytes> bytes = HexDecode(Text(in_hex.c_str()));
    return bytes ? std::string(AsText(*bytes)) : Bad<std::string>();
  }
  uint64_t Number(const char* name, uint64_t most) {
    const Json* value = Find(name);
    if (value == nullptr || !value->is_number_unsigned() ||
        value->get<uint64_t>() > most) {
      return Bad<uint64_t>();
    }
    return value->get<uint64_t>();
  }
  const Json& List(const char* name) {
    static const Json empty = Json::array();
    const Json* value = Find(name);
    if (value != nullptr && value->is_array()) return *value;
    good_ = false;
    return empty;
  }
  std::map<std::string, std::string> Texts(const char* name) {
    std::map<std::string, std::string> texts;
    const Json* value = Find(name);
    if (value == nullptr || !value->is_object()) return Bad<decltype(texts)>();
    for (const auto& [key, text] : value->items()) {
      if (!text.is_string()) return Bad<decltype(texts)>();
      texts[key] = text.get<std::string>();
    }
    return texts;
  }

 private:
  template <typename T>
  T Bad() {
    good_ = false;
    return T();
  }
  const Json* Find(const char* name) {
    if (!good_) return nullptr;
    const auto found = json_.find(name);
    return found == json_.end() ? nullptr : &*found;
  }

  const Json& json_;
  bool& good_;
};

BackupFile ReadFile(const Json& json, bool& good) {
  Members members(json, good);
  BackupFile file;
  file.name = members.Text("name");
  file.bytes = members.Number("bytes", kMaxPart);
  file.mode = static_cast<mode_t>(members.Number("mode", 0777));
  file.sha256 = members.Text("sha256");
  good = good && IsPlainName(file.name);
  return file;
}

BackupKey ReadKey(const Json& json, bool& good) {
  Members members(json, good);
  return {members.Name("id"), members.Name("owner"),
          static_cast<uint32_t>(members.Number("version", UINT32_MAX))};
}

// JSON text holds nothing but UTF-8: two keys could have one name there.
Json JsonOf(const BackupKey& key) {
  Json json = {{"id", key.id}, {"owner", key.owner}, {"version", key.version}};
  for (const auto& [name, text] :
       {std::pair<std::string, std::string>{"id", key.id},
        {"owner", key.owner}}) {
    if (!IsUtf8(text)) json[name + kInHex] = HexEncode(AsBytes(text));
  }
  return json;
}

Status CheckFile(FileSystem& files, const std::string& directory,
                 const BackupFile& file) {
  const Result<Bytes> content =
      files.Read(JoinPath(directory, file.name), kMaxPart);
  if (content.status().code() == StatusCode::kNotFound) {
    return Corrupt(JoinPath(directory, file.name) + " is missing");
  }
  if (!content) return content.error();
  const Result<std::string> sum = Sha256Hex(*content);
  if (!sum) return sum.error();
  if (content->size() == file.bytes && *sum == file.sha256) {
    return Status::Ok();
  }
  return Corrupt(JoinPath(directory, file.name) +
                 " is not what the manifest says: it was changed or truncated");
}

Status CheckNothingElse(FileSystem& files, const std::string& directory,
                        const BackupManifest& manifest) {
  const Result<std::vector<std::string>> names = files.List(directory);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const bool known =
        name == kManifestName || name == kManifestSumName ||
        std::ranges::any_of(manifest.files, [&](const BackupFile& file) {
          return file.name == name;
        });
    if (!known) {
      return Corrupt(JoinPath(directory, name) + " is not in the manifest");
    }
  }
  return Status::Ok();
}

// The names that may be files of the keyring.
Result<std::vector<std::string>> NamesOfParts(FileSystem& files,
                                              Product product,
                                              const std::string& place) {
  if (product == Product::kComponentKeyringKms) {
    return std::vector<std::string>{BaseName(place),
                                    BaseName(place) + ".backup"};
  }
  if (product != Product::kAwsKeyManagement) {
    return std::vector<std::string>{BaseName(place)};
  }
  Result<std::vector<std::string>> names = files.List(place);
  if (names.status().code() == StatusCode::kNotFound) {
    return std::vector<std::string>();
  }
  if (!names) return names.error();
  std::erase_if(*names, [](const std::string& name) {
    return !name.starts_with(kFamilyPrefix);
  });
  std::ranges::sort(*names);
  return names;
}

}  // namespace

std::set<BackupKey> KeysOf(const StoredKeyring& keyring) {
  std::set<BackupKey> keys;
  for (const StoredKey& key : keyring.keys) {
    keys.insert({key.id, key.owner, key.version.value_or(0)});
  }
  return keys;
}

std::string ToString(const BackupKey& key) {
  if (key.version != 0) {
    return "key " + key.id + " version " + std::to_string(key.version);
  }
  return ToString(KeyName{key.id, key.owner});
}

std::string WriteManifest(const BackupManifest& manifest) {
  Json json = {
      {"schema", kSchema},           {"product", ProductName(manifest.product)},
      {"created", manifest.created}, {"format", manifest.format},
      {"name", manifest.name},       {"wrapping_keys", manifest.wrapping_keys},
      {"facts", Json::object()},     {"files", Json::array()},
      {"keys", Json::array()}};
  for (const auto& [name, value] : manifest.facts) json["facts"][name] = value;
  for (const BackupFile& file : manifest.files) {
    json["files"].push_back({{"name", file.name},
                             {"bytes", file.bytes},
                             {"mode", file.mode},
                             {"sha256", file.sha256}});
  }
  for (const BackupKey& key : manifest.keys) {
    json["keys"].push_back(JsonOf(key));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<BackupManifest> ReadManifest(ByteView text) {
  Status status = CheckJson(AsText(text));
  if (!status.ok()) return status;
  const Json json = Json::parse(AsText(text), nullptr, false);
  bool good = true;
  Members members(json, good);
  const std::string schema = members.Text("schema");
  if (good && schema != kSchema &&
      schema.starts_with("openkeyring/backup-manifest/")) {
    return Status(StatusCode::kMisconfigured,
                  "it is of newer software (" + schema + ")");
  }
  BackupManifest manifest;
  const auto product = ProductNamed(members.Text("product"));
  good = good && schema == kSchema && product.has_value();
  manifest.product = product.value_or(manifest.product);
  manifest.created = members.Text("created");
  manifest.format = members.Text("format");
  manifest.name = members.Text("name");
  good = good && (manifest.name.empty() || IsPlainName(manifest.name));
  manifest.facts = members.Texts("facts");
  for (const Json& one : members.List("files")) {
    manifest.files.push_back(ReadFile(one, good));
    good = good && IsOfKeyring(manifest.files.back(), manifest);
  }
  for (const Json& one : members.List("keys")) {
    manifest.keys.insert(ReadKey(one, good));
  }
  for (const Json& one : members.List("wrapping_keys")) {
    good = good && one.is_string();
    if (good) manifest.wrapping_keys.push_back(one.get<std::string>());
  }
  if (!good) return Corrupt("it is not a manifest of a backup");
  return manifest;
}

Result<BackupManifest> ReadManifestIn(FileSystem& files,
                                      const std::string& directory) {
  const std::string path = JoinPath(directory, kManifestName);
  const Result<Bytes> text = files.Read(path, kMaxManifest);
  if (!text) return text.error();
  Result<BackupManifest> manifest = ReadManifest(*text);
  if (!manifest) return manifest.error().WithContext(path);
  return manifest;
}

Result<BackupManifest> CheckBackup(FileSystem& files,
                                   const std::string& directory) {
  const std::string path = JoinPath(directory, kManifestName);
  const Result<Bytes> text = files.Read(path, kMaxManifest);
  if (text.status().code() == StatusCode::kNotFound) {
    return Corrupt(directory +
                   " is not a backup of keyringctl, or is "
                   "incomplete: it has no " +
                   kManifestName);
  }
  if (!text) return text.error();
  const Result<Bytes> sum =
      files.Read(JoinPath(directory, kManifestSumName), kMaxManifest);
  if (!sum) return Corrupt(sum.error().message());
  const Result<std::string> computed = Sha256Hex(*text);
  if (!computed) return computed.error();
  if (!AsText(*sum).starts_with(*computed)) {
    return Corrupt(path + " was changed: its checksum does not match");
  }
  Result<BackupManifest> manifest = ReadManifest(*text);
  if (!manifest) return manifest.error().WithContext(path);
  for (const BackupFile& file : manifest->files) {
    Status status = CheckFile(files, directory, file);
    if (!status.ok()) return status;
  }
  Status status = CheckNothingElse(files, directory, *manifest);
  if (!status.ok()) return status;
  return manifest;
}

Outcome CheckNotInBackup(FileSystem& files, const std::string& path) {
  if (path.empty()) return ExitCode::kOk;
  const std::string target = files.CanonicalPath(path).value_or(path);
  for (const std::string& directory : {target, DirectoryName(target)}) {
    if (!files.Stat(JoinPath(directory, kManifestSumName))) continue;
    return UsageFailure(
        directory +
            " is a backup, whose checksums would not match any more; nothing "
            "was changed",
        "restore it, or copy the files out of it, and change those");
  }
  return ExitCode::kOk;
}

tl::expected<std::string, Failure> PlaceOf(const Installation& installation,
                                           FileSystem& files, Log& log) {
  const auto note = [&](const char* name) {
    const std::string& directory = installation.data_directory;
    return directory.empty() ? "" : JoinPath(directory, name);
  };
  if (installation.product == Product::kComponentKeyringKmip) {
    return note(kKmipGroupNote);
  }
  if (installation.product == Product::kKmipKeyManagement) {
    return note(kKmipVersionsGroupNote);
  }
  if (!installation.path.empty()) return installation.path;
  if (installation.product == Product::kComponentKeyringKms) {
    const auto config = KmsComponentOptions(installation, files, log);
    if (!config) return Failed(config.error());
    return config->path;
  }
  if (installation.product == Product::kKeyringAws) {
    const auto options = KeyringAwsOptionsOf(installation);
    if (!options) return Failed(options.error());
    return options->data_file;
  }
  const auto options = KeyFilesOptionsOf(installation);
  if (!options) return Failed(options.error());
  return options->directory;
}

Result<std::vector<KeyringPart>> ReadParts(FileSystem& files, Product product,
                                           const std::string& place) {
  if (place.empty()) return std::vector<KeyringPart>();
  const std::string directory =
      product == Product::kAwsKeyManagement ? place : DirectoryName(place);
  for (int attempt = 0;; ++attempt) {
    const auto names = NamesOfParts(files, product, place);
    if (!names) return names.error();
    std::vector<KeyringPart> parts;
    bool vanished = false;
    for (const std::string& name : *names) {
      const std::string path = JoinPath(directory, name);
      Result<Bytes> content = files.Read(path, kMaxPart);
      const Result<FileInfo> info = files.Stat(path);
      if (!content && content.error().code() == StatusCode::kNotFound) {
        // A mark that a higher one replaced; other files are never removed.
        vanished = vanished || product == Product::kAwsKeyManagement;
        continue;
      }
      if (!content) return content.error();
      if (!info) return info.error();
      const Result<std::string> sum = Sha256Hex(*content);
      if (!sum) return sum.error();
      parts.push_back({{name, content->size(), info->permissions & 0777, *sum},
                       std::move(*content)});
    }
    if (!vanished) return parts;
    if (attempt >= kReadAttempts) {
      return Status(StatusCode::kUnavailable,
                    place + " keeps changing while it is read");
    }
  }
}

}  // namespace openkeyring
