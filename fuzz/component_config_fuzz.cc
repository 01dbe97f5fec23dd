// SPDX-License-Identifier: MIT
// component_keyring_kms.cnf: what is accepted has what is needed; an error is
// one about the configuration, fits a log line, and never tells a secret.
#include <string>

#include "fuzz/check.h"
#include "product/component_keyring_kms/kms_component_config.h"
#include "testing/read_only_file_system.h"

using namespace openkeyring;

namespace {

constexpr char kFile[] = "/plugins/component_keyring_kms.cnf";
// In place of every "%" of the input.
constexpr std::string_view kSecret = "Qs3cretQ";

// One file, with the input in it.
class OneFile : public ReadOnlyFileSystem {
 public:
  explicit OneFile(std::string text) : text_(std::move(text)) {}
  Result<Secret> ReadSecret(const std::string& path, size_t) override {
    if (path != kFile) return Status(StatusCode::kNotFound, "not there");
    return Secret::CopyOf(std::string_view(text_));
  }
  Result<FileInfo> Stat(const std::string&) override {
    FileInfo info;
    info.permissions = text_.size() % 2 == 0 ? 0644 : 0640;
    return info;
  }

 private:
  const std::string text_;
};

class Checked : public Log {
  void Write(LogLevel, std::string_view line) override {
    Check(line.find(kSecret) == std::string_view::npos, "no secret in the log");
  }
};

// The input, with the secret as a value where it can be one.
std::string FileOf(std::string_view input) {
  std::string text;
  for (const char c : input) {
    if (c == '%') {
      text += "\"secret_access_key\":\"" + std::string(kSecret) + "\"";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  OneFile files(FileOf(InputText(data, size)));
  Checked log;
  const Result<KmsComponentConfig> config =
      ReadKmsComponentConfig(files, log, {"/plugins", "/data"});
  if (config) {
    Check(config->path.starts_with('/'), "the path is absolute");
    Check(!config->slots.kms_keys.empty(), "there is a KMS key");
    for (const KmsKeyOptions& one : config->slots.kms_keys) {
      Check(!one.key.empty(), "each KMS key is named");
    }
    Check(config->aws.access_key_id.empty() ==
              config->aws.secret_access_key.empty(),
          "both or none");
    Check(config->load_parallelism >= 1, "something is done");
    return 0;
  }
  const Status& error = config.error();
  Check(error.code() == StatusCode::kMisconfigured, "its code");
  Check(error.message().find(kSecret) == std::string::npos, "no secret in it");
  Check(IsPrintable(error.message()), "fit for a log line");
  return 0;
}
