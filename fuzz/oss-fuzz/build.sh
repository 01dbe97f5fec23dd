#!/bin/bash -eu
# SPDX-License-Identifier: MIT
# Builds every fuzz target into $OUT, with its seeds and dictionary, as OSS-Fuzz wants it.
# From outside: SRC (with openkeyring in it), OUT, WORK, CC, CXX, CFLAGS, CXXFLAGS and
# LIB_FUZZING_ENGINE. FUZZ_TARGETS names some targets; without it, all.
source="$SRC/openkeyring"
build="$WORK/openkeyring"
wanted=${FUZZ_TARGETS:-fuzz_targets}

# The machines that fuzz have no libcurl: it goes along, found beside the target.
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE= -DOPENKEYRING_FUZZ=ON -DOPENKEYRING_TESTS=OFF \
  -DOPENKEYRING_PRODUCTS=OFF -DOPENKEYRING_CURL=shared "-DOPENKEYRING_FUZZING_ENGINE=$LIB_FUZZING_ENGINE" \
  -DCMAKE_BUILD_RPATH='$ORIGIN/lib'
# shellcheck disable=SC2086
cmake --build "$build" --target $wanted

mkdir -p "$OUT/lib"
for target in "$build"/fuzz/*_fuzz; do
  name=$(basename "$target")
  cp "$target" "$OUT/"
  ldd "$target" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | grep -Ev '/(libc|libm|libdl|librt|libpthread|libgcc_s|libresolv|ld-.*)\.so' |
    xargs -r cp -Lt "$OUT/lib"
  seeds="$source/fuzz/corpus/${name%_fuzz}"
  (cd "$seeds" && zip -q -r -X "$OUT/${name}_seed_corpus.zip" .)
  if [[ -f "$source/fuzz/${name%_fuzz}.dict" ]]; then
    cp "$source/fuzz/${name%_fuzz}.dict" "$OUT/$name.dict"
  fi
done
