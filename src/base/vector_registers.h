// SPDX-License-Identifier: MIT
#ifndef OPENKEYRING_BASE_VECTOR_REGISTERS_H_
#define OPENKEYRING_BASE_VECTOR_REGISTERS_H_

namespace openkeyring {

// Clears the vector registers of this thread. Copying a key and deciphering it
// leave parts of it there, some for long: the C library copies by way of
// registers that hardly anything else uses. A thread that is made later starts
// with them, and the dynamic linker saves them to its stack, which a core dump
// shows. Called where an answer that holds a key was copied, and once all keys
// are loaded. On arm64 the lower halves of v8 to v15 stay: they are the
// caller's (AAPCS64, 6.1.2). Does nothing on processors other than x86-64 and
// arm64.
void ClearVectorRegisters();

}  // namespace openkeyring

#endif  // OPENKEYRING_BASE_VECTOR_REGISTERS_H_
