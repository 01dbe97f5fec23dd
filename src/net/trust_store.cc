// SPDX-License-Identifier: MIT
#include "net/trust_store.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "os/file_system.h"

namespace openkeyring {

TrustStore::TrustStore(std::string file, std::string folder)
    : file_(std::move(file)), folder_(std::move(folder)) {}

std::shared_ptr<X509_STORE> TrustStore::Get() {
  const Result<FileInfo> info = PosixFileSystem().Stat(file_);
  if (!info) return nullptr;
  const Stamp stamp{info->size, info->modified_ns};
  std::lock_guard lock(mutex_);
  if (store_ == nullptr || stamp != stamp_) {
    store_ = Parse();
    stamp_ = stamp;
  }
  return store_;
}

std::shared_ptr<X509_STORE> TrustStore::Parse() const {
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  if (store == nullptr) return nullptr;
  const bool parsed = X509_STORE_load_file(store.get(), file_.c_str()) == 1 &&
                      (folder_.empty() ||
                       X509_STORE_load_path(store.get(), folder_.c_str()) == 1);
  ERR_clear_error();  // Else the next to ask OpenSSL in this thread gets them.
  if (!parsed) return nullptr;
  // As libcurl has it: an authority in the bundle is trusted even when it is
  // not a root.
  X509_STORE_set_flags(store.get(),
                       X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

}  // namespace openkeyring
