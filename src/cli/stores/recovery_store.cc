// SPDX-License-Identifier: MIT
// A sealed file, opened with the private half of a recovery key.
#include "cli/keyring_store.h"
#include "cli/product_options.h"
#include "os/random.h"
#include "storage/key_names.h"
#include "storage/sealed/public_slot_key.h"
#include "storage/sealed/sealed_store.h"

namespace openkeyring {
namespace {

constexpr size_t kMaxPem = 65536;

class RecoveryStore : public KeyringStore {
 public:
  RecoveryStore(RecoverySource source, Log& log)
      : source_(std::move(source)), log_(log) {}

  std::string Description() const override { return source_.path; }

  tl::expected<Keys, Failure> ReadAll() override {
    const Outcome locked = LockFile(files_, source_.path, lock_);
    if (!locked) return tl::unexpected(locked.error());
    const Result<Bytes> start = files_.ReadStart(source_.path, 8);
    if (!start) return FileFailed(start.error());
    if (!LooksSealed(*start)) {
      return UsageFailure(source_.path + " is not a sealed file",
                          "only these have slots of recovery keys");
    }
    auto key = ReadKey();
    if (!key) return tl::unexpected(key.error());
    SealedStoreOptions options;
    options.read_only = true;
    options.may_create = false;
    options.progress = InHundredths(source_.progress);
    options.own_context = {{kProductContext, ProductName(source_.product)}};
    SealedStore sealed(
        {files_, SystemRandom(), log_},
        std::make_unique<KeySlots>(std::make_unique<PrivateKeySlotKey>(
            std::move(*key), source_.private_key)),
        std::make_shared<KeyringFile>(files_, SystemRandom(), source_.path,
                                      std::nullopt),
        std::move(options));
    // Nothing of this asks a server.
    Result<SealedStore::Keys> found =
        sealed.Load(Deadline::After(SystemClock(), Millis(60000)));
    if (!found) return Failed(found.error());
    Keys keys;
    for (auto& [name, record] : *found) keys.push_back(std::move(record));
    return keys;
  }

  const char* ActionOfAdd() override { return ""; }
  Outcome Add(const std::vector<const Key*>&, const Progress&) override {
    return UsageFailure(source_.path + " is only read");
  }

 private:
  tl::expected<RsaPrivateKey, Failure> ReadKey() {
    const Result<Secret> pem = files_.ReadSecret(source_.private_key, kMaxPem);
    if (!pem) return FileFailed(pem.error());
    Secret passphrase;
    if (!source_.passphrase_file.empty()) {
      Result<Secret> text = files_.ReadSecret(source_.passphrase_file, kMaxPem);
      if (!text) return FileFailed(text.error());
      passphrase = std::move(*text);
      // An editor's line end is not meant.
      while (!passphrase.empty() && passphrase.RevealText().back() == '\n') {
        passphrase.Truncate(passphrase.size() - 1);
      }
    }
    Result<RsaPrivateKey> key = RsaPrivateKey::FromPem(*pem, passphrase);
    if (key) return std::move(*key);
    return tl::unexpected(
        Failure(key.error().WithContext(source_.private_key), ExitCode::kUsage,
                key.error().code() == StatusCode::kDenied
                    ? "name a file with its passphrase: --passphrase-file"
                    : ""));
  }

  const RecoverySource source_;
  Log& log_;
  FileSystem& files_ = PosixFileSystem();
  std::unique_ptr<WritableFile> lock_;
};

}  // namespace

std::unique_ptr<KeyringStore> MakeRecoveryStore(RecoverySource source,
                                                Log& log) {
  return std::make_unique<RecoveryStore>(std::move(source), log);
}

}  // namespace openkeyring
