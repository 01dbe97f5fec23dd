// SPDX-License-Identifier: MIT
#include "storage/sealed/sealed_outline.h"

#include "storage/sealed/sealed_record.h"

namespace openkeyring {

Result<SealedOutline> OutlineSealedFile(ByteView content,
                                        const ReadHeader& read) {
  const RecordFile file = {read.header.file_id, read.header.put_all};
  SealedOutline outline;
  outline.good = read.size;
  while (outline.good < content.size()) {
    const ByteView rest = content.subspan(outline.good);
    const Result<RecordPrefix> prefix = ReadRecordPrefix(file, rest);
    if (!prefix && prefix.error().code() != StatusCode::kCorrupt) {
      return prefix.error();
    }
    if (!prefix || rest.size() - kRecordPrefix < prefix->size) break;
    const ByteView record = rest.first(kRecordPrefix + prefix->size);
    if (prefix->kind != RecordKind::kDone) {
      const Result<RecordFields> fields =
          ReadRecordFields(prefix->kind, record);
      if (!fields) break;
      for (const NamedKey& key : fields->keys) {
        if (prefix->kind == RecordKind::kRemove) {
          outline.keys.erase(key.name);
        } else {
          outline.keys[key.name] = {key.type, key.size, prefix->sequence};
        }
      }
    }
    outline.good += record.size();
  }
  return outline;
}

}  // namespace openkeyring
