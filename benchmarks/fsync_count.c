/* Counts fsync and fdatasync of a process and its children, and makes each of them slower by ASSAY_FSYNC_DELAY_US.
 * Loaded with LD_PRELOAD by benchmarks/seal.py, which compiles it; the count is the size in bytes of ASSAY_FSYNC_LOG. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void note(void)
{
    const char *path = getenv("ASSAY_FSYNC_LOG"), *delay = getenv("ASSAY_FSYNC_DELAY_US");
    if (path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd >= 0) {
            if (write(fd, ".", 1) != 1) { /* the count is a measure, not a promise */ }
            close(fd);
        }
    }
    if (delay) usleep((useconds_t)atoi(delay));
}

int fsync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    note();
    return real(fd);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    note();
    return real(fd);
}
