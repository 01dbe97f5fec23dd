// SPDX-License-Identifier: MIT
// Writes a sealed keyring file as stdin says, for tests/formats: a command a
// line, names and data in hex ("-" for nothing).
//
//   put DATA_ID OWNER TYPE DATA
//   remove DATA_ID OWNER
//   reopen [KMS_KEY]
//   local              opens it again, with a slot of a local file from now on
//   put_all DATA_ID OWNER TYPE DATA ... (several keys)
//
// The file is the argument; its data key goes to the same with ".data-key", the
// secret of the local file to ".secret".
// Ends with 1 and a message when anything fails.
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "storage/sealed/local_slot_key.h"
#include "storage/sealed/sealed_file_backend.h"
#include "testing/fake_key_wrapper.h"
#include "testing/fakes.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

class Tool {
 public:
  explicit Tool(std::string path) : path_(std::move(path)) {}

  Status Open() {
    backend_.reset();  // Lets go of the file.
    std::vector<std::unique_ptr<SlotKey>> keys;
    keys.push_back(std::make_unique<KmsSlotKey>(kms_));
    if (local_) keys.push_back(LocalKey());
    backend_ = std::make_unique<SealedFileBackend>(
        SealedStoreDependencies{PosixFileSystem(), SystemRandom(), log_},
        std::make_unique<KeySlots>(std::move(keys), clock_),
        std::make_shared<KeyringFile>(PosixFileSystem(), SystemRandom(), path_,
                                      std::nullopt),
        FileBackendOptions{});
    return backend_->Load(Soon()).status();
  }

  Status Do(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "reopen") {
      std::string kms_key;
      if (words >> kms_key) kms_.SetCurrentKey(kms_key);
      return Open();
    }
    if (command == "local") {
      local_ = true;
      return Open();
    }
    if (command == "put_all") return PutAll(words);
    const std::string data_id = Next(words), owner = Next(words);
    if (command == "remove") return backend_->Remove({data_id, owner}, Soon());
    const std::string type = Next(words);
    return backend_->Store(
        {{data_id, owner}, type, Secret::CopyOf(Next(words))}, Soon());
  }

  Status WriteDataKey() {
    const Result<Secret> content = PosixFileSystem().ReadSecret(path_, 1 << 30);
    if (!content) return content.error();
    const Result<ReadHeader> read = ReadSealedHeader(content->RevealBytes());
    if (!read) return read.error();
    const KeySlot& slot = read->header.slots[0];
    const Result<UnwrappedKey> key =
        kms_.Unwrap({slot.blob, slot.maker}, read->header.context, Soon());
    if (!key) return key.error();
    std::ofstream(path_ + ".data-key", std::ios::binary)
        << key->key.RevealText();
    return Status::Ok();
  }

 private:
  Status PutAll(std::istream& words) {
    std::vector<Key> keys;
    for (std::string id = Next(words); words; id = Next(words)) {
      const std::string owner = Next(words), type = Next(words);
      keys.push_back({{id, owner}, type, Secret::CopyOf(Next(words))});
    }
    return backend_->store().PutAll(keys);
  }
  std::unique_ptr<SlotKey> LocalKey() {
    const std::string secret(kLocalSecretBytes, 's');
    std::ofstream(path_ + ".secret", std::ios::binary) << secret;
    return std::make_unique<LocalFileSlotKey>(
        [secret]() -> Result<Secret> { return Secret::CopyOf(secret); },
        path_ + ".secret", SystemRandom());
  }
  static std::string Next(std::istream& words) {
    std::string hex;
    words >> hex;
    if (hex == "-") return "";
    const Result<Bytes> bytes = HexDecode(hex);
    return bytes ? std::string(AsText(*bytes)) : "not hex";
  }
  Deadline Soon() { return Deadline::After(clock_, Millis(1000)); }

  const std::string path_;
  bool local_ = false;
  FakeKeyWrapper kms_;
  ManualClock clock_;
  MemoryLog log_;
  std::unique_ptr<SealedFileBackend> backend_;
};

Status Run(const std::string& path) {
  Tool tool(path);
  Status status = tool.Open();
  for (std::string line; status.ok() && std::getline(std::cin, line);) {
    status = tool.Do(line).WithContext(line);
  }
  return status.ok() ? tool.WriteDataKey() : status;
}

}  // namespace
}  // namespace openkeyring

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const openkeyring::Status status = openkeyring::Run(arguments[1]);
  if (!status.ok()) std::cerr << status.ToString() << std::endl;
  return status.ok() ? 0 : 1;
}
