// SPDX-License-Identifier: MIT
// Writes keyrings for tests/cli as the products write them: the product's own
// configuration, storage and key server, without a database server.
//
//   keyring_writer PRODUCT PLUGIN_DIR DATA_DIR [--variable=value...] < commands
//
// Commands, one a line: "store ID OWNER TYPE" (16 bytes; "-": no owner),
// "remove ID OWNER", "fill N" (keys fill-0 ...), "latest KEY_ID",
// "rotate KEY_ID", "race THREADS OPERATIONS KEYS SEED [LINES]" (below).
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <random>
#include <sstream>
#include <thread>

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
    if (command == "race") return Race(words);
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

  // Stores, fetches and removes few keys by many threads, and writes a history
  // for tests/torture/linearizable.py. After so many lines the process is
  // killed (kill -9), wherever its threads are. A line is written at once:
  //   call NUMBER store|fetch|remove KEY VALUE
  //   done NUMBER ok|value|none|exists|unknown [VALUE]
  Status Race(std::istream& words) {
    size_t threads = 0, operations = 0, keys = 0;
    std::string seed;
    words >> threads >> operations >> keys >> seed >> last_line_;
    Print("ready");
    std::atomic<size_t> number = 0;
    std::vector<std::thread> running;
    for (size_t i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        std::mt19937 dice(static_cast<uint32_t>(std::stoul(seed) + i));
        for (size_t n = 0; n < operations; ++n) {
          const std::string value =
              seed + "." + std::to_string(i) + "." + std::to_string(n);
          RaceOnce(std::to_string(number++), dice() % 4,
                   "race-" + std::to_string(dice() % keys), value);
        }
      });
    }
    for (std::thread& one : running) one.join();
    return Status::Ok();
  }

  void RaceOnce(const std::string& number, uint32_t what,
                const std::string& name, const std::string& value) {
    static constexpr const char* kWords[] = {"store", "remove", "fetch",
                                             "fetch"};
    Print("call " + number + " " + kWords[what] + " " + name + " " + value);
    const KeyName key{name, "me@here"};
    Status status;
    std::string outcome = "ok";
    if (what == 0) {
      status = Store(Key{key, "SECRET", Secret::CopyOf(value)});
    } else if (what == 1) {
      status = Remove(key);
    } else {
      Result<std::string> found = Fetch(key);
      status = found.status();
      if (found) outcome = "value " + *found;
    }
    if (status.code() == StatusCode::kAlreadyExists) {
      outcome = "exists";
    } else if (status.code() == StatusCode::kNotFound) {
      outcome = "none";
    } else if (!status.ok()) {
      outcome = "unknown";
      log_.Write(LogLevel::kWarning, status.ToString());
    }
    Print("done " + number + " " + outcome);
  }

  void Print(const std::string& line) {
    const std::string text = line + "\n";
    (void)!::write(STDOUT_FILENO, text.data(), text.size());
    if (++lines_ == last_line_) (void)::raise(SIGKILL);
  }

  Result<std::string> Fetch(const KeyName& name) {
    std::shared_ptr<const Key> key;
    if (aws_ == nullptr) {
      key = component_->keyring().Find(name);
    } else {
      const auto fetched = aws_->Fetch(name);
      if (!fetched) return fetched.error();
      key = *fetched;
    }
    if (key == nullptr) return Status(StatusCode::kNotFound, "no such key");
    return std::string(key->data.RevealText());
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
  std::atomic<size_t> lines_ = 0;
  size_t last_line_ = 0;  // 0: the process lives on.
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
