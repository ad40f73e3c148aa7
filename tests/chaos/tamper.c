/* Stands between a program and its system, and lies where the chaos run says so: programs called
 * msgflash see another time, programs called postgres find the disk full. Loaded with LD_PRELOAD by
 * `./run chaos`; without files in CHAOS_FOLDER it changes nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

extern char *program_invocation_short_name;

static int has_wrong_clock, has_full_disk;

/* Before the program starts: a server of PostgreSQL soon writes other words over its name. */
__attribute__((constructor)) static void meet(void) {
    has_wrong_clock = strcmp(program_invocation_short_name, "msgflash") == 0;
    has_full_disk = strcmp(program_invocation_short_name, "postgres") == 0;
}

static const char *place(const char *name, char *into, size_t size) {
    const char *folder = getenv("CHAOS_FOLDER");
    if (!folder || snprintf(into, size, "%s/%s", folder, name) >= (int)size) return NULL;
    return into;
}

static int real_time(clockid_t clock, struct timespec *into) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    return real(clock, into);
}

/* By how many seconds the clock is wrong. Looked up again after a tenth of a second. */
static long error_of_clock(void) {
    static volatile long error, looked_up_at;
    struct timespec now;
    if (!has_wrong_clock || real_time(CLOCK_MONOTONIC, &now) != 0) return 0;
    long at = now.tv_sec * 10 + now.tv_nsec / 100000000;
    if (at != looked_up_at) {
        char path[512], text[32] = "";
        looked_up_at = at;
        long found = 0;
        if (place("clock", path, sizeof path)) {
            int file = open(path, O_RDONLY | O_CLOEXEC);
            if (file >= 0) {
                if (read(file, text, sizeof text - 1) > 0) found = atol(text);
                close(file);
            }
        }
        error = found;
    }
    return error;
}

int clock_gettime(clockid_t clock, struct timespec *into) {
    int outcome = real_time(clock, into);
    if (outcome == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        into->tv_sec += error_of_clock();
    return outcome;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    into->tv_sec = now.tv_sec;
    into->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}

/* A full disk refuses what makes a file longer, and nothing else. */
static int is_refused(int file, off_t end) {
    char path[512];
    struct stat about;
    if (!has_full_disk || !place("full", path, sizeof path)) return 0;
    if (access(path, F_OK) != 0) return 0;
    return fstat(file, &about) == 0 && S_ISREG(about.st_mode) && end > about.st_size;
}

#define REAL(name, type) \
    static type real; \
    if (!real) real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t (*write_at)(int, const void *, size_t, off_t);
typedef ssize_t (*writes_at)(int, const struct iovec *, int, off_t);
typedef ssize_t (*write_here)(int, const void *, size_t);
typedef int (*reserve)(int, off_t, off_t);

static off_t length(const struct iovec *parts, int count) {
    off_t sum = 0;
    for (int n = 0; n < count; n++) sum += (off_t)parts[n].iov_len;
    return sum;
}

#define REFUSE(file, end, answer) \
    if (is_refused(file, end)) { errno = ENOSPC; return answer; }

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    REAL("pwrite", write_at);
    REFUSE(file, at + (off_t)size, -1)
    return real(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off_t at) {
    REAL("pwrite64", write_at);
    REFUSE(file, at + (off_t)size, -1)
    return real(file, data, size, at);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
    REAL("pwritev", writes_at);
    REFUSE(file, at + length(parts, count), -1)
    return real(file, parts, count, at);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off_t at) {
    REAL("pwritev64", writes_at);
    REFUSE(file, at + length(parts, count), -1)
    return real(file, parts, count, at);
}

ssize_t write(int file, const void *data, size_t size) {
    REAL("write", write_here);
    /* The server's log may lie elsewhere, and tells what happened. */
    if (file == STDERR_FILENO) return real(file, data, size);
    REFUSE(file, lseek(file, 0, SEEK_CUR) + (off_t)size, -1)
    return real(file, data, size);
}

/* This one answers the error instead of setting it. */
int posix_fallocate(int file, off_t from, off_t size) {
    REAL("posix_fallocate", reserve);
    if (is_refused(file, from + size)) return ENOSPC;
    return real(file, from, size);
}

int posix_fallocate64(int file, off_t from, off_t size) {
    REAL("posix_fallocate64", reserve);
    if (is_refused(file, from + size)) return ENOSPC;
    return real(file, from, size);
}
