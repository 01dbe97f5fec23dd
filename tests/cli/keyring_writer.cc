// SPDX-License-Identifier: MIT
// Writes keyrings for tests/cli as the products write them: the product's own
// configuration, storage and key server, without a database server.
//
//   keyring_writer PRODUCT PLUGIN_DIR DATA_DIR [--variable=value...] < commands
//
// Commands, one a line: "store ID OWNER TYPE" (16 bytes; "-": no owner),
// "remove ID OWNER", "fill N" (keys fill-0 ...), "latest KEY_ID",
// "rotate KEY_ID".
#include <iostream>
#include <sstream>

#include "cli/product_options.h"
#include "os/random.h"
#include "product/component_keyring_kmip/kmip_keyring.h"
#include "product/component_keyring_kms/kms_keyring.h"

namespace openkeyring {
namespace {

class StderrLog : public Log {
 public:
  void Write(LogLevel level, std::string_view line) override {
    if (level <= LogLevel::kNote) std::cerr << line << "\n";
  }
};

Result<Key> NewKey(std::istream& words) {
  Key key;
  words >> key.name.data_id >> key.name.auth_id >> key.type;
  if (key.name.auth_id == "-") key.name.auth_id.clear();
  key.data = Secret(16);
  Status status = SystemRandom().Fill(key.data.RevealMutable());
  if (!status.ok()) return status;
  return key;
}

class Writer {
 public:
  explicit Writer(Installation installation)
      : installation_(std::move(installation)) {}

  Status Open() {
    switch (installation_.product) {
      case Product::kComponentKeyringKms:
        return OpenComponent(std::make_unique<KmsKeyringLoader>());
      case Product::kComponentKeyringKmip:
        return OpenComponent(std::make_unique<KmipKeyringLoader>());
      case Product::kKeyringAws:
        return OpenKeyringAws();
      case Product::kAwsKeyManagement:
        return OpenKeyFiles();
      case Product::kKmipKeyManagement:
        return OpenKmipVersions();
    }
    return Status::Ok();
  }

  Status Do(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "latest" || command == "rotate") {
      uint32_t id = 0;
      words >> id;
      return (command == "latest" ? versions_->LatestVersion(id)
                                  : versions_->Rotate(id))
          .status();
    }
    if (command == "fill") return Fill(words);
    if (command == "remove") {
      Result<Key> key = NewKey(words);
      return key ? Remove(key->name) : key.error();
    }
    Result<Key> key = NewKey(words);
    return key ? Store(std::move(*key)) : key.error();
  }

 private:
  Status OpenComponent(std::unique_ptr<KeyringLoader> loader) {
    loader_ = std::move(loader);
    auto loaded =
        loader_->Load(installation_.directories(), LoadRetry::kOnce, log_);
    if (!loaded) return loaded.error();
    component_ = *loaded;
    return Status::Ok();
  }

  Status OpenKeyringAws() {
    Result<KeyringAwsOptions> options = KeyringAwsOptionsOf(installation_);
    if (!options) return options.error();
    auto opened = KeyringAws::Open(std::move(*options), std::nullopt, log_);
    if (!opened) return opened.error();
    aws_ = std::move(*opened);
    return Status::Ok();
  }

  Status OpenKeyFiles() {
    Result<KeyFilesOptions> options = KeyFilesOptionsOf(installation_);
    if (!options) return options.error();
    options->startup.access.is_server = true;
    aws_options_.SetMasterKeyId(options->master_key_id);
    aws_options_.bind_policy = options->bind_policy;
    auto opened = AwsKeyManagement::Open(options->startup, aws_options_, log_);
    if (!opened) return opened.error();
    key_files_ = std::move(*opened);
    versions_ = &key_files_->keys();
    return Status::Ok();
  }

  Status OpenKmipVersions() {
    Result<KmipStartupOptions> options = KmipVersionsOptionsOf(installation_);
    if (!options) return options.error();
    options->access.is_server = true;
    options->group.read_only = false;
    auto opened =
        KmipKeyManagement::Open(std::move(*options), dynamic_options_, log_);
    if (!opened) return opened.error();
    kmip_versions_ = std::move(*opened);
    versions_ = &kmip_versions_->keys();
    return Status::Ok();
  }

  Status Fill(std::istream& words) {
    size_t count = 0;
    words >> count;
    for (size_t i = 0; i < count; ++i) {
      std::istringstream fill("fill-" + std::to_string(i) + " - AES");
      Result<Key> key = NewKey(fill);
      if (!key) return key.error();
      Status status = Store(std::move(*key));
      if (!status.ok()) return status;
    }
    return Status::Ok();
  }

  Status Store(Key key) {
    return aws_ != nullptr ? aws_->Store(key)
                           : component_->keyring().Store(std::move(key));
  }
  Status Remove(const KeyName& name) {
    return aws_ != nullptr ? aws_->Remove(name)
                           : component_->keyring().Remove(name);
  }

  const Installation installation_;
  StderrLog log_;
  AwsDynamicOptions aws_options_;
  DynamicKeyOptions dynamic_options_;
  std::unique_ptr<KeyringLoader> loader_;
  std::shared_ptr<LoadedKeyring> component_;
  std::unique_ptr<KeyringAws> aws_;
  std::unique_ptr<AwsKeyManagement> key_files_;
  std::unique_ptr<KmipKeyManagement> kmip_versions_;
  VersionedKeys* versions_ = nullptr;
};

Status Run(const std::vector<std::string>& words) {
  Installation installation;
  const auto product = ProductNamed(words[0]);
  if (!product) return {StatusCode::kInvalidArgument, "no such product"};
  installation.product = *product;
  installation.plugin_directory = words[1];
  installation.data_directory = words[2];
  installation.is_configured = true;
  for (size_t i = 3; i < words.size(); ++i) {
    AddServerOption(words[i], installation.server.variables);
  }
  Writer writer(std::move(installation));
  Status status = writer.Open();
  for (std::string line; status.ok() && std::getline(std::cin, line);) {
    // "hold" keeps the keyring open, and locked, until the input ends.
    if (line == "hold") {
      std::cout << "held" << std::endl;
    } else {
      status = writer.Do(line).WithContext(line);
    }
  }
  return status;
}

}  // namespace
}  // namespace openkeyring

int main(int count, char** arguments) {
  if (count < 4) return 2;
  const openkeyring::Status status =
      openkeyring::Run({arguments + 1, arguments + count});
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
