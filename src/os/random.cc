// SPDX-License-Identifier: MIT
#include "os/random.h"

#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/encoding.h"

namespace openkeyring {
namespace {

class OpenSslRandom : public Random {
 public:
  Status Fill(std::span<uint8_t> out) override {
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) == 1) {
      return Status::Ok();
    }
    return {StatusCode::kInternal, "the random generator failed"};
  }

  double Fraction() override {
    uint32_t bits = 0;
    (void)Fill({reinterpret_cast<uint8_t*>(&bits), sizeof bits});
    return bits / 4294967296.0;
  }
};

}  // namespace

Random& SystemRandom() {
  static OpenSslRandom random;
  return random;
}

std::string RandomHex(Random& random, size_t bytes) {
  Bytes buffer(bytes);
  (void)random.Fill(buffer);
  return HexEncode(buffer);
}

}  // namespace openkeyring
