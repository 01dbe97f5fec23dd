// SPDX-License-Identifier: MIT
// The test vectors in testvectors/sealed, which another implementation wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "storage/sealed/local_slot_key.h"
#include "storage/sealed/public_slot_key.h"
#include "storage/sealed/sealed_log.h"
#include "storage/sealed/sealed_names.h"
#include "testing/manual_clock.h"

namespace openkeyring {
namespace {

using nlohmann::json;
using Texts = std::map<KeyName, std::string>;

std::string ReadVector(const std::string& name) {
  std::ifstream in(
      std::string(OPENKEYRING_SOURCE_DIRECTORY) + "/testvectors/sealed/" + name,
      std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const json& Manifest() {
  static const json manifest = json::parse(ReadVector("manifest.json"));
  return manifest;
}

Secret SecretOf(const char* name) {
  return Secret::CopyOf(
      ByteView(*HexDecode(Manifest()[name].get<std::string>())));
}

// What a reader makes of a file: "ok", "torn", "corrupt" or "newer".
struct Outcome {
  std::string result;
  Texts keys;
};

std::string ResultOf(const Status& status) {
  if (status.code() == StatusCode::kMisconfigured) return "newer";
  return status.code() == StatusCode::kCorrupt ? "corrupt" : status.ToString();
}

Outcome ReadFile(ByteView content) {
  const Secret data_key = SecretOf("data_key");
  const Result<ReadHeader> read = ReadSealedHeader(content);
  if (!read) return {ResultOf(read.error()), {}};
  const SealedHeader& header = read->header;
  const Status status = CheckSealedHeader(content, *read, data_key);
  if (!status.ok()) return {ResultOf(status), {}};
  const auto log = SealedLog::Make(data_key, header.file_id, header.generation,
                                   SystemRandom(), header.put_all);
  const ByteView records = content.subspan(read->size);
  const Result<ReplayedLog> replayed = (*log)->Replay(records, read->size);
  if (!replayed) return {ResultOf(replayed.error()), {}};
  Outcome outcome{replayed->good == records.size() ? "ok" : "torn", {}};
  for (const auto& [name, key] : replayed->keys) {
    outcome.keys[name] = key.type + " " + HexEncode(key.data.RevealBytes());
  }
  return outcome;
}

Texts KeysOf(const json& vector) {
  Texts keys;
  for (const json& key : vector.value("keys", json::array())) {
    keys[{key["data_id"], key["owner"]}] =
        key["type"].get<std::string>() + " " + key["key"].get<std::string>();
  }
  return keys;
}

TEST(SealedVectorsTest, AreReadAsTheManifestSays) {
  ASSERT_GE(Manifest()["vectors"].size(), 30u);
  for (const json& vector : Manifest()["vectors"]) {
    const std::string content = ReadVector(vector["file"]);
    SCOPED_TRACE(vector["file"].get<std::string>());
    EXPECT_EQ(HexEncode(*Sha256(AsBytes(content))), vector["sha256"]);
    const Outcome outcome = ReadFile(AsBytes(content));
    EXPECT_EQ(outcome.result, vector["result"]);
    EXPECT_EQ(outcome.keys, KeysOf(vector));
  }
}

TEST(SealedVectorsTest, HeadersThatAreReadAreWrittenToTheByte) {
  for (const json& vector : Manifest()["vectors"]) {
    const std::string content = ReadVector(vector["file"]);
    if (vector["result"] != "ok") continue;
    SCOPED_TRACE(vector["file"].get<std::string>());
    const Result<ReadHeader> read = ReadSealedHeader(AsBytes(content));
    ASSERT_TRUE(read);
    EXPECT_EQ(VersionOf(read->header), read->version);
    const Result<Bytes> written =
        WriteSealedHeader(read->header, SecretOf("data_key"));
    ASSERT_TRUE(written);
    EXPECT_EQ(AsText(*written), content.substr(0, read->size));
    const Result<SealedNames> names = ListSealedNames(AsBytes(content));
    ASSERT_TRUE(names);
    EXPECT_EQ(names->keys.size(), vector["keys"].size());
  }
}

struct FreeOpenSsl {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(OSSL_PARAM_BLD* builder) const {
    OSSL_PARAM_BLD_free(builder);
  }
  void operator()(BIO* out) const { BIO_free(out); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeOpenSsl>;

// As generate.py makes it.
Owned<BIGNUM> PrimeOf(const std::string& label, unsigned long offset) {
  Bytes bytes;
  for (int i = 0; i < 6; ++i) {
    PutBytes(bytes, *Sha256(AsBytes("OpenKeyring test vector: " + label + ":" +
                                    std::to_string(i))));
  }
  bytes.front() |= 0xc0;
  bytes.back() |= 1;
  Owned<BIGNUM> prime(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  BN_add_word(prime.get(), offset);
  return prime;
}

Owned<BIGNUM> Number(unsigned long value = 0) {
  Owned<BIGNUM> number(BN_new());
  BN_set_word(number.get(), value);
  return number;
}

// A private key of these primes, with all that PKCS#1 has.
Owned<EVP_PKEY> PrivateKeyOf(const BIGNUM* p, const BIGNUM* q) {
  const Owned<BN_CTX> context(BN_CTX_new());
  const Owned<BIGNUM> n = Number(), e = Number(65537), d = Number(),
                      phi = Number(), dp = Number(), dq = Number(),
                      inverse = Number(), p1(BN_dup(p)), q1(BN_dup(q));
  BN_mul(n.get(), p, q, context.get());
  BN_sub_word(p1.get(), 1);
  BN_sub_word(q1.get(), 1);
  BN_mul(phi.get(), p1.get(), q1.get(), context.get());
  BN_mod_inverse(d.get(), e.get(), phi.get(), context.get());
  BN_nnmod(dp.get(), d.get(), p1.get(), context.get());
  BN_nnmod(dq.get(), d.get(), q1.get(), context.get());
  BN_mod_inverse(inverse.get(), q, p, context.get());
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  const std::pair<const char*, const BIGNUM*> numbers[] = {
      {OSSL_PKEY_PARAM_RSA_N, n.get()},
      {OSSL_PKEY_PARAM_RSA_E, e.get()},
      {OSSL_PKEY_PARAM_RSA_D, d.get()},
      {OSSL_PKEY_PARAM_RSA_FACTOR1, p},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, q},
      {OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get()},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get()},
      {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, inverse.get()}};
  for (const auto& [name, number] : numbers) {
    OSSL_PARAM_BLD_push_BN(builder.get(), name, number);
  }
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX> maker(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(maker.get()), 1);
  EXPECT_EQ(
      EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_KEYPAIR, parameters.get()),
      1);
  return Owned<EVP_PKEY>(made);
}

std::string PrivatePem() {
  const Owned<BIGNUM> p = PrimeOf("p", Manifest()["rsa_p_offset"]);
  const Owned<BIGNUM> q = PrimeOf("q", Manifest()["rsa_q_offset"]);
  const Owned<EVP_PKEY> key = PrivateKeyOf(p.get(), q.get());
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                           nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

TEST(SealedVectorsTest, SlotsOpenWithThePrivateKeyAndTheLocalSecret) {
  const std::string content = ReadVector("v2-all-kinds.sealed");
  const ReadHeader read = *ReadSealedHeader(AsBytes(content));
  const SealedHeader& header = read.header;
  ASSERT_EQ(header.slots.size(), 5u);
  Result<RsaPrivateKey> rsa =
      RsaPrivateKey::FromPem(Secret::CopyOf(PrivatePem()), Secret());
  ASSERT_TRUE(rsa) << rsa.error().message();
  PrivateKeySlotKey private_key(std::move(*rsa), "generated");
  LocalFileSlotKey local(
      [] { return Result<Secret>(SecretOf("local_secret")); }, "/run/secret",
      SystemRandom());
  ManualClock clock;
  const Deadline soon = Deadline::After(clock, Millis(1000));
  SlotKey* const keys[] = {&private_key, &local};
  const KeySlot slots[] = {header.slots[2], header.slots[3]};
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(keys[i]->Owns(slots[i]));
    const Result<Secret> opened =
        keys[i]->Open(slots[i], {header.file_id, header.context}, soon);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_TRUE(opened->Equals(SecretOf("data_key")));
  }
  const auto own = ContextOf(header.slots[1], header.context);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->at("team"), "old");
  EXPECT_EQ(SlotKindName(header.slots[4].kind), "unknown kind 77");
}

}  // namespace
}  // namespace openkeyring
