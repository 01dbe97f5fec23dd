// SPDX-License-Identifier: MIT
#include "emulators/kms/setup.h"

#include "base/encoding.h"
#include "emulators/kms/control.h"

namespace kms_emulator {
namespace {

constexpr const char* kDefaultAlias = "alias/openkeyring";
constexpr size_t kMaxIdentitiesFile = 16 << 20;

Status FromService(const ServiceError& error) {
  return {StatusCode::kMisconfigured, error.code + ": " + error.message};
}

// "left" and "right" of "left=right"; right is "" without a separator.
std::pair<std::string, std::string> SplitAt(const std::string& text, char c) {
  const size_t at = std::min(text.find(c), text.size());
  return {text.substr(0, at), text.substr(std::min(at + 1, text.size()))};
}

Status AddKeys(Emulator& emulator, const Options& options) {
  std::vector<std::string> wanted = options.create_keys;
  const bool none = emulator.store.View(
      [](const State& state) { return state.keys.empty(); });
  if (none && wanted.empty()) wanted = {kDefaultAlias};
  for (const std::string& item : wanted) {
    const auto [alias, id] = SplitAt(item, '=');
    const auto made = emulator.kms.MakeKey(options.regions.front(), id, alias);
    if (!made) return FromService(made.error()).WithContext(item);
  }
  for (const std::string& item : options.replicas) {
    const auto [id, region] = SplitAt(item, '=');
    const auto made = emulator.kms.Replicate(id, region);
    if (!made) return FromService(made.error()).WithContext(item);
  }
  return Status::Ok();
}

Json AccessKeyJson(const std::string& id, const std::string& secret) {
  return {{"access_keys", {{{"id", id}, {"secret", secret}}}}};
}

Json RandomAccessKey(openkeyring::Random& random) {
  Bytes secret(30);
  (void)random.Fill(secret);
  return AccessKeyJson("AKIA" + RandomKeyText(random, 16),
                       openkeyring::Base64Encode(secret));
}

Status AddIdentitiesFile(Emulator& emulator, openkeyring::FileSystem& files,
                         const std::string& path, double now) {
  const auto content = files.Read(path, kMaxIdentitiesFile);
  if (!content) return content.error();
  const Json json = Json::parse(openkeyring::AsText(*content), nullptr, false);
  if (!json.is_object()) {
    return {StatusCode::kMisconfigured, path + " is not a JSON object"};
  }
  return AddIdentities(emulator.store, json, now).WithContext(path);
}

// A long-lived key: the first one named, else any.
std::optional<AccessKey> FindStaticKey(const KeyStore& store,
                                       const std::string& preferred) {
  return store.View([&](const State& state) -> std::optional<AccessKey> {
    const auto named = state.access_keys.find(preferred);
    if (named != state.access_keys.end()) return named->second;
    for (const auto& [id, key] : state.access_keys) {
      if (key.expires == 0) return key;
    }
    return std::nullopt;
  });
}

Status AddAccessKeys(Emulator& emulator, openkeyring::FileSystem& files,
                     const Options& options) {
  const double now = EpochSeconds(emulator.clock.Now());
  for (const std::string& item : options.access_keys) {
    const auto [id, secret] = SplitAt(item, ':');
    if (id.empty() || secret.empty()) {
      return {StatusCode::kMisconfigured, "--access-key wants ID:SECRET"};
    }
    const Status status =
        AddIdentities(emulator.store, AccessKeyJson(id, secret), now);
    if (!status.ok()) return status;
  }
  if (!options.identities_file.empty()) {
    const Status status =
        AddIdentitiesFile(emulator, files, options.identities_file, now);
    if (!status.ok()) return status;
  }
  if (FindStaticKey(emulator.store, "")) return Status::Ok();
  return AddIdentities(emulator.store, RandomAccessKey(emulator.random), now);
}

std::string Endpoint(const Options& options, int port) {
  const bool v6 = options.listen.find(':') != std::string::npos;
  return (options.tls_cert.empty() ? "http://" : "https://") +
         (v6 ? "[" + options.listen + "]" : options.listen) + ":" +
         std::to_string(port);
}

}  // namespace

Result<Welcome> PrepareState(Emulator& emulator, openkeyring::FileSystem& files,
                             const Options& options) {
  Status status = AddKeys(emulator, options);
  if (status.ok()) status = AddAccessKeys(emulator, files, options);
  if (!status.ok()) return status;
  const std::string preferred =
      options.access_keys.empty()
          ? ""
          : SplitAt(options.access_keys.front(), ':').first;
  Welcome welcome;
  welcome.access_key =
      FindStaticKey(emulator.store, preferred).value_or(AccessKey{});
  welcome.aliases = emulator.store.View([&](const State& state) {
    welcome.account = state.account;
    std::vector<std::string> names;
    for (const auto& [name, id] : state.aliases) {
      if (name.first == options.regions.front()) names.push_back(name.second);
    }
    return names;
  });
  return welcome;
}

Json ReadyJson(const Options& options, const Ports& ports,
               const Welcome& welcome) {
  return {{"port", ports.services},
          {"control_port", ports.control},
          {"url", Endpoint(options, ports.services)},
          {"control_url", "http://127.0.0.1:" + std::to_string(ports.control)},
          {"region", options.regions.front()},
          {"regions", options.regions},
          {"account", welcome.account},
          {"aliases", welcome.aliases},
          {"access_key_id", welcome.access_key.id},
          {"secret_access_key", welcome.access_key.secret}};
}

std::string Banner(const Options& options, const Ports& ports,
                   const Welcome& welcome) {
  std::string text =
      "kms-emulator: FOR DEVELOPMENT AND TESTS ONLY. THIS IS NOT A KMS.\n"
      "  It keeps key material readable on disk and in memory.\n"
      "  services  " +
      Endpoint(options, ports.services) +
      "\n  control   http://127.0.0.1:" + std::to_string(ports.control) +
      "\n  region    " + options.regions.front() + "\n";
  for (const std::string& alias : welcome.aliases) {
    text += "  key       " + alias + "\n";
  }
  text += "  export AWS_ACCESS_KEY_ID=" + welcome.access_key.id + "\n";
  // One that the user gave is known to him; a random one must be shown once.
  if (options.access_keys.empty()) {
    text +=
        "  export AWS_SECRET_ACCESS_KEY=" + welcome.access_key.secret + "\n";
  }
  return text;
}

}  // namespace kms_emulator
