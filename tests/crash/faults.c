/* Faults of disk and clock for a process loaded with it (LD_PRELOAD), steered from outside through a shared page.
 * Every call that changes a file below ASSAY_FAULTS_UNDER is counted; the calls first..last fail in the way of `how`.
 * ASSAY_FAULTS_PAGE names the page's file (struct page). The kernel is called without the C library in between, so that
 * nothing needs to be looked up before other libraries have started. Made and steered by tests/crash/faults.py. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { SHORT = -1, TORN = -2, DIES = -3 }; /* how: an errno when above 0 */

struct page {
    int64_t calls;    /* so far */
    int64_t first;    /* the first call that fails; 0: none */
    int64_t last;     /* the last one */
    int64_t how;      /* errno, or SHORT, TORN, DIES */
    int64_t failed;   /* how many did */
    int64_t clock_ms; /* what the wall clock is off by */
};

static struct page *page;
static const char *under;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("ASSAY_FAULTS_PAGE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    under = getenv("ASSAY_FAULTS_UNDER");
    if (fd >= 0) {
        void *at = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        page = at == MAP_FAILED ? NULL : at;
        close(fd);
    }
}

/* What this call meets: 0 nothing, else `how`. TORN is SHORT, then a full disk for the rest. */
static int64_t met(int fd)
{
    char link[32], path[PATH_MAX];
    if (!page || !under) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    if (strncmp(path, under, strlen(under))) return 0;
    int64_t call = __atomic_add_fetch(&page->calls, 1, __ATOMIC_SEQ_CST);
    if (!page->first || call < page->first || call > page->last) return 0;
    __atomic_add_fetch(&page->failed, 1, __ATOMIC_SEQ_CST);
    if (page->how == TORN) return call == page->first ? SHORT : ENOSPC;
    return page->how;
}

static ssize_t wrote(int64_t how, long number, int fd, const void *data, size_t size, off_t at)
{
    if (how > 0) {
        errno = (int)how;
        return -1;
    }
    if (how) size = (size + 1) / 2;
    ssize_t done = number == SYS_write ? syscall(number, fd, data, size) : syscall(number, fd, data, size, at);
    if (how == DIES) syscall(SYS_kill, getpid(), SIGKILL);
    return done;
}

static int did(int64_t how, long number, int fd, long more)
{
    if (how == DIES) syscall(SYS_kill, getpid(), SIGKILL);
    if (how > 0 || how == SHORT) { /* there is no half of it */
        errno = how > 0 ? (int)how : EIO;
        return -1;
    }
    return (int)syscall(number, fd, more);
}

ssize_t write(int fd, const void *data, size_t size) { return wrote(met(fd), SYS_write, fd, data, size, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return wrote(met(fd), SYS_pwrite64, fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return wrote(met(fd), SYS_pwrite64, fd, data, size, at); }
int fsync(int fd) { return did(met(fd), SYS_fsync, fd, 0); }
int fdatasync(int fd) { return did(met(fd), SYS_fdatasync, fd, 0); }
int ftruncate(int fd, off_t size) { return did(met(fd), SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off64_t size) { return did(met(fd), SYS_ftruncate, fd, size); }

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int done = (int)syscall(SYS_clock_gettime, clock, now);
    if (page && page->clock_ms && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ns = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + page->clock_ms * 1000000;
        now->tv_sec = ns / 1000000000;
        now->tv_nsec = ns % 1000000000;
    }
    return done;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
