// What a process that opens somebody's file is not allowed to do.
#pragma once

#include <string>

#include "media/limits.h"

namespace cowatch {

// Moves this process into user, mount, network and IPC namespaces of its own, whose root folder is empty, and
// gives up every capability. Libraries must be loaded before. Returns false where the system does not permit
// it (the rest of the limits holds without).
bool enter_namespaces();

// Sets finite address space, processor time, file size, open files and core size; then lets through only the
// system calls that computing needs. From here on opening files, sockets and new processes fail with EACCES,
// and any other call (execve, ptrace, kill …) ends the process with SIGSYS. Throws ErrorCode::unsupported
// when the kernel has no seccomp filters.
void confine(const MediaLimits& limits);

// Tries what confine() forbids, one line a try, the last of which (execve) must end the process.
void try_to_escape(int output, const MediaLimits& limits);
// Computes for ever, as a file that is built so would have it: a limit must end the process.
[[noreturn]] void never_end();

}  // namespace cowatch
