// SPDX-License-Identifier: MIT
#include "net/trust_store.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include <array>
#include <map>

#include "os/file_system.h"

namespace openkeyring {
namespace {

// "5ad8a5d6.0": how OpenSSL's directories name the `number`th certificate of
// certificates whose subjects have that hash.
std::string HashName(unsigned long hash, int number) {
  std::array<char, 32> name;
  snprintf(name.data(), name.size(), "%08lx.%d", hash, number);
  return name.data();
}

}  // namespace

TrustStore::TrustStore(std::string file, std::string directory)
    : file_(std::move(file)), directory_(std::move(directory)) {}

std::shared_ptr<X509_STORE> TrustStore::Get() {
  const Stamp file = StampOf(file_), directory = StampOf(directory_);
  if (file == Stamp()) return nullptr;
  std::lock_guard lock(mutex_);
  if (store_ == nullptr || file != file_stamp_ ||
      directory != directory_stamp_) {
    store_ = Make();
    ERR_clear_error();  // Else the next to ask OpenSSL in this thread gets
                        // them.
    file_stamp_ = file;
    directory_stamp_ = directory;
  }
  return store_;
}

TrustStore::Stamp TrustStore::StampOf(const std::string& path) {
  const Result<FileInfo> info = PosixFileSystem().Stat(path);
  return info ? Stamp{info->size, info->modified_ns} : Stamp();
}

std::shared_ptr<X509_STORE> TrustStore::Make() const {
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  if (store == nullptr) return nullptr;
  if (!directory_.empty() &&
      X509_STORE_load_path(store.get(), directory_.c_str()) != 1) {
    return nullptr;
  }
  if (!DirectoryHasAll() &&
      X509_STORE_load_file(store.get(), file_.c_str()) != 1) {
    return nullptr;
  }
  // As libcurl has it: an authority in the bundle is trusted even when it is
  // not a root.
  X509_STORE_set_flags(store.get(),
                       X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

bool TrustStore::DirectoryHasAll() const {
  if (directory_.empty()) return false;
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_file(file_.c_str(), "r"), BIO_free);
  std::map<unsigned long, int> seen;
  while (in != nullptr) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509_AUX(in.get(), nullptr, nullptr, nullptr), X509_free);
    if (certificate == nullptr) break;
    const unsigned long hash = X509_subject_name_hash(certificate.get());
    const std::string name = HashName(hash, seen[hash]++);
    if (!PosixFileSystem().Stat(JoinPath(directory_, name))) return false;
  }
  const unsigned long error = ERR_peek_last_error();
  return !seen.empty() && ERR_GET_LIB(error) == ERR_LIB_PEM &&
         ERR_GET_REASON(error) == PEM_R_NO_START_LINE;  // The end.
}

}  // namespace openkeyring
