// SPDX-License-Identifier: MIT
// The services that read keys, and use them.
#include <gtest/gtest.h>
#include <string.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "testing/mysql_component/component_under_test.h"

namespace openkeyring {
namespace {

using Buffer = std::vector<unsigned char>;
constexpr unsigned char kIv[16] = {1, 2, 3};

class ReadServices : public testing::Test {
 protected:
  ReadServices() {
    component_.keys().Put({"id", "owner"}, "SeCrEt", "12345678");
    component_.keys().Put({"aes", ""}, "aEs", "key");
    EXPECT_EQ(load_service.load("/plugins", "/data"), kSuccess);
  }
  static Handle Open(const char* data_id, const char* auth_id) {
    Handle reader = nullptr;
    EXPECT_EQ(reader_service.init(data_id, auth_id, &reader), kSuccess);
    return reader;
  }

  ComponentUnderTest component_;
  size_t data_size_ = 0, type_size_ = 0;
};

TEST_F(ReadServices, AnAbsentKeyIsSuccessWithoutAReader) {
  for (const char* owner : {"other", "", static_cast<const char*>(nullptr)}) {
    Handle reader = &reader;
    EXPECT_EQ(reader_service.init("id", owner, &reader), kSuccess);
    EXPECT_EQ(reader, nullptr);
  }
  for (const char* id : {"", static_cast<const char*>(nullptr)}) {
    Handle reader = &reader;
    EXPECT_EQ(reader_service.init(id, "owner", &reader), kSuccess);
    EXPECT_EQ(reader, nullptr);
  }
}

TEST_F(ReadServices, NoPlaceForTheReaderIsAnError) {
  EXPECT_EQ(reader_service.init("id", "owner", nullptr), kFailure);
}

TEST_F(ReadServices, BuffersOfExactlyTheSizeGetNoTerminator) {
  const Handle reader = Open("id", "owner");
  ASSERT_NE(reader, nullptr);
  ASSERT_EQ(reader_service.fetch_length(reader, &data_size_, &type_size_),
            kSuccess);
  EXPECT_EQ(data_size_, 8u);
  EXPECT_EQ(type_size_, 6u);
  Buffer data(10, 0xaa);
  std::string type(8, '#');
  EXPECT_EQ(reader_service.fetch(reader, data.data(), 8, &data_size_,
                                 type.data(), 6, &type_size_),
            kSuccess);
  EXPECT_EQ(memcmp(data.data(), "12345678\xaa\xaa", 10), 0);
  EXPECT_EQ(type, "SeCrEt##");
  EXPECT_EQ(data_size_, 8u);
  EXPECT_EQ(type_size_, 6u);
  EXPECT_EQ(reader_service.deinit(reader), kSuccess);
}

TEST_F(ReadServices, LargerBuffersAreFilledWithZeros) {
  const Handle reader = Open("id", "owner");
  Buffer data(13, 0xaa);
  std::string type(9, '#');
  EXPECT_EQ(reader_service.fetch(reader, data.data(), 12, &data_size_,
                                 type.data(), 8, &type_size_),
            kSuccess);
  EXPECT_EQ(memcmp(data.data(), "12345678\0\0\0\0\xaa", 13), 0);
  EXPECT_EQ(type, std::string("SeCrEt\0\0#", 9));
  EXPECT_EQ(data_size_, 8u);
  EXPECT_EQ(type_size_, 6u);
  (void)reader_service.deinit(reader);
}

TEST_F(ReadServices, SmallerBuffersStayAsTheyWere) {
  const Handle reader = Open("id", "owner");
  Buffer data(8, 0xaa);
  std::string type(6, '#');
  EXPECT_EQ(reader_service.fetch(reader, data.data(), 7, &data_size_,
                                 type.data(), 6, &type_size_),
            kFailure);
  EXPECT_EQ(reader_service.fetch(reader, data.data(), 8, &data_size_,
                                 type.data(), 5, &type_size_),
            kFailure);
  EXPECT_EQ(data, Buffer(8, 0xaa));
  EXPECT_EQ(type, "######");
  (void)reader_service.deinit(reader);
}

TEST_F(ReadServices, NullArgumentsAreErrors) {
  const Handle reader = Open("id", "owner");
  unsigned char data[8];
  char type[6];
  EXPECT_EQ(reader_service.fetch_length(nullptr, &data_size_, &type_size_),
            kFailure);
  EXPECT_EQ(reader_service.fetch_length(reader, nullptr, &type_size_),
            kFailure);
  EXPECT_EQ(reader_service.fetch_length(reader, &data_size_, nullptr),
            kFailure);
  EXPECT_EQ(
      reader_service.fetch(nullptr, data, 8, &data_size_, type, 6, &type_size_),
      kFailure);
  EXPECT_EQ(reader_service.fetch(reader, nullptr, 8, &data_size_, type, 6,
                                 &type_size_),
            kFailure);
  EXPECT_EQ(
      reader_service.fetch(reader, data, 8, nullptr, type, 6, &type_size_),
      kFailure);
  EXPECT_EQ(reader_service.fetch(reader, data, 8, &data_size_, nullptr, 6,
                                 &type_size_),
            kFailure);
  EXPECT_EQ(
      reader_service.fetch(reader, data, 8, &data_size_, type, 6, nullptr),
      kFailure);
  EXPECT_EQ(reader_service.deinit(reader), kSuccess);
  EXPECT_EQ(reader_service.deinit(nullptr), kSuccess);
}

TEST_F(ReadServices, AReaderOutlivesItsKeyAndAReload) {
  const Handle reader = Open("id", "owner");
  ASSERT_EQ(writer_service.remove("id", "owner"), kSuccess);
  ASSERT_EQ(load_service.load("/plugins", "/data"), kSuccess);
  EXPECT_EQ(Open("id", "owner"), nullptr);
  TheKeyring().Unload();
  unsigned char data[8];
  char type[6];
  EXPECT_EQ(
      reader_service.fetch(reader, data, 8, &data_size_, type, 6, &type_size_),
      kSuccess);
  EXPECT_EQ(memcmp(data, "12345678", 8), 0);
  EXPECT_EQ(reader_service.deinit(reader), kSuccess);
}

TEST_F(ReadServices, AesSizesAreThoseOfTheModes) {
  size_t size = 0;
  EXPECT_EQ(aes_service.get_size(16, "cbc", 256, &size), kSuccess);
  EXPECT_EQ(size, 32u);
  EXPECT_EQ(aes_service.get_size(17, "ofb", 256, &size), kSuccess);
  EXPECT_EQ(size, 17u);
  EXPECT_EQ(aes_service.get_size(16, "ecb", 256, &size), kFailure);
  EXPECT_EQ(aes_service.get_size(16, "cbc", 128, &size), kFailure);
  EXPECT_EQ(aes_service.get_size(16, nullptr, 256, &size), kFailure);
  EXPECT_EQ(aes_service.get_size(16, "cbc", 256, nullptr), kFailure);
  EXPECT_EQ(size, 17u);
}

TEST_F(ReadServices, AesEncryptsAndDecryptsInEveryMode) {
  const Buffer text(20, 0x5a);
  for (const char* mode : {"cbc", "cfb1", "cfb8", "cfb128", "ofb"}) {
    size_t size = 0;
    ASSERT_EQ(aes_service.get_size(text.size(), mode, 256, &size), kSuccess);
    Buffer encrypted(size + 1, 0xaa), decrypted(33, 0xaa);
    size_t done = 0;
    ASSERT_EQ(
        aes_service.encrypt("aes", nullptr, mode, 256, kIv, 1, text.data(),
                            text.size(), encrypted.data(), size, &done),
        kSuccess);
    EXPECT_EQ(done, size);
    EXPECT_EQ(encrypted[size], 0xaa);
    size_t back = 0;
    ASSERT_EQ(
        aes_service.decrypt("aes", "", mode, 256, kIv, 1, encrypted.data(),
                            done, decrypted.data(), done, &back),
        kSuccess);
    ASSERT_EQ(back, text.size());
    EXPECT_TRUE(std::equal(text.begin(), text.end(), decrypted.begin()));
    EXPECT_EQ(decrypted[32], 0xaa);
  }
}

TEST_F(ReadServices, AesRefusesWhatMakesNoSense) {
  unsigned char text[16] = {}, out[32];
  size_t size = 77;
  for (const auto run : {aes_service.encrypt, aes_service.decrypt}) {
    const auto fails = [&](const char* id, const char* mode, size_t bits,
                           const unsigned char* iv, const unsigned char* in,
                           unsigned char* to, size_t room, size_t* out_size) {
      return run(id, "", mode, bits, iv, 1, in, 16, to, room, out_size) ==
             kFailure;
    };
    EXPECT_TRUE(fails("gone", "cbc", 256, kIv, text, out, 32, &size));
    EXPECT_TRUE(fails("", "cbc", 256, kIv, text, out, 32, &size));
    EXPECT_TRUE(fails(nullptr, "cbc", 256, kIv, text, out, 32, &size));
    EXPECT_TRUE(fails("aes", nullptr, 256, kIv, text, out, 32, &size));
    EXPECT_TRUE(fails("aes", "ecb", 256, kIv, text, out, 32, &size));
    EXPECT_TRUE(fails("aes", "cbc", 128, kIv, text, out, 32, &size));
    EXPECT_TRUE(fails("aes", "cbc", 256, nullptr, text, out, 32, &size));
    EXPECT_TRUE(fails("aes", "cbc", 256, kIv, nullptr, out, 32, &size));
    EXPECT_TRUE(fails("aes", "cbc", 256, kIv, text, nullptr, 32, &size));
    EXPECT_TRUE(fails("aes", "cbc", 256, kIv, text, out, 15, &size));
    EXPECT_TRUE(fails("aes", "cbc", 256, kIv, text, out, 32, nullptr));
    EXPECT_EQ(run("id", "owner", "cbc", 256, kIv, 1, text, 16, out, 32, &size),
              kFailure);
  }
  EXPECT_EQ(aes_service.decrypt("aes", "", "cbc", 256, kIv, 1, text, 16, out,
                                32, &size),
            kFailure);
  EXPECT_EQ(size, 77u);
}

TEST_F(ReadServices, AesWithoutAKeyringFails) {
  TheKeyring().Unload();
  unsigned char text[16] = {}, out[32];
  size_t size = 0;
  EXPECT_EQ(aes_service.encrypt("aes", "", "cbc", 256, kIv, 1, text, 16, out,
                                32, &size),
            kFailure);
  EXPECT_EQ(aes_service.get_size(16, "cbc", 256, &size), kSuccess);
}

// Readers must see a key that nobody removes at every moment.
TEST_F(ReadServices, NeverMissAKeyWhileOthersStoreRemoveAndReload) {
  std::atomic<bool> stop = false;
  std::atomic<int> missed = 0, failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        Handle reader = nullptr, cursor = nullptr, rows = nullptr;
        unsigned char data[8];
        char type[6];
        size_t data_size = 0, type_size = 0;
        if (reader_service.init("id", "owner", &reader) != kSuccess ||
            reader_service.fetch(reader, data, 8, &data_size, type, 6,
                                 &type_size) != kSuccess) {
          ++missed;
        }
        (void)reader_service.deinit(reader);
        if (iterator_service.init(&cursor) != kSuccess) ++missed;
        (void)iterator_service.deinit(cursor);
        if (metadata_service.init(&rows) != kSuccess) ++missed;
        (void)metadata_service.deinit(rows);
        if (status_service.is_initialized() == 0) ++missed;
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      const std::string id = "mine" + std::to_string(i);
      for (int round = 0; round < 100; ++round) {
        const Code made = generator_service.generate(id.c_str(), "", "AES", 16);
        const Handle reader = Open(id.c_str(), "");
        if (made != kSuccess || reader == nullptr ||
            writer_service.remove(id.c_str(), "") != kSuccess) {
          ++failed;
        }
        (void)reader_service.deinit(reader);
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    if (load_service.load("/plugins", "/data") != kSuccess) ++failed;
  }
  threads[2].join();
  threads[3].join();
  stop = true;
  threads[0].join();
  threads[1].join();
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(failed, 0);
  EXPECT_FALSE(component_.keys().met());  // A change and a reload.
}

}  // namespace
}  // namespace openkeyring
