// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BENCH_MARIADB_LOADED_PLUGIN_H_
#define OPENKEYRING_BENCH_MARIADB_LOADED_PLUGIN_H_

#include <string>

// MariaDB's st_mariadb_encryption, which brings in macros and is for the .cc.
struct st_mariadb_encryption;
struct st_maria_plugin;

namespace bench {

// Ends the program: a benchmark that went wrong has no figures.
[[noreturn]] void Die(const std::string& why);

// A built encryption plugin, used through the same entry points as by the
// server: its declaration, its system variables, init and get_key. Threads: the
// key functions may be called concurrently, the rest by one thread.
class LoadedPlugin {
 public:
  explicit LoadedPlugin(const std::string& path);

  // Before Init, as on the server's command line. All others have defaults.
  void SetVariable(const std::string& name, const std::string& value);
  void Init();
  // SET GLOBAL aws_key_management_rotate_key = id.
  void Rotate(long long id);

  unsigned LatestVersion(unsigned id) const;
  using GetKey = unsigned (*)(unsigned id, unsigned version, unsigned char* key,
                              unsigned* length);
  GetKey get_key() const;

 private:
  st_maria_plugin* plugin_;
  st_mariadb_encryption* keys_;
};

}  // namespace bench

#endif  // OPENKEYRING_BENCH_MARIADB_LOADED_PLUGIN_H_
