// SPDX-License-Identifier: MIT
#include "net/socket_bio.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/socket.h>

#include <memory>

namespace openkeyring {
namespace {

int FdOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

bool ComesLater(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int Write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n =
      send(FdOf(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && ComesLater(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int Read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = recv(FdOf(bio), data, static_cast<size_t>(size), 0);
  if (n < 0 && ComesLater(errno)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long Control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

BIO_METHOD* MakeMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "openkeyring socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write(method, Write);
  BIO_meth_set_read(method, Read);
  BIO_meth_set_ctrl(method, Control);
  return method;
}

}  // namespace

bool UseSocket(SSL* ssl, int fd) {
  // Lives until the library is unloaded; every connection is gone by then.
  static const std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> method(
      MakeMethod(), BIO_meth_free);
  if (method == nullptr) return false;
  BIO* bio = BIO_new(method.get());
  if (bio == nullptr) return false;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);  // Takes it.
  return true;
}

}  // namespace openkeyring
