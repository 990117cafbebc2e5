/* The floor for one call in flight: two processes on one processor, blocking reads and writes on a Unix socket, nothing else.
 * pingpong REQUEST_BYTES ANSWER_BYTES SECONDS prints the median and the 99th percentile of a round trip in microseconds. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void move_all(ssize_t (*move)(int, void *, size_t), int socket, char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t moved = move(socket, bytes, count);
        if (moved <= 0)
            _exit(0);
        bytes += moved;
        count -= (size_t)moved;
    }
}

static ssize_t put(int socket, void *bytes, size_t count) { return write(socket, bytes, count); }

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int ascending(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: pingpong REQUEST_BYTES ANSWER_BYTES SECONDS\n");
        return 2;
    }
    size_t request = strtoul(argv[1], NULL, 10), answer = strtoul(argv[2], NULL, 10), most = 5000000, count = 0;
    double seconds = strtod(argv[3], NULL), *times = malloc(most * sizeof *times);
    char *bytes = calloc(1, request > answer ? request : answer);
    int pair[2];
    if (!times || !bytes || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 1;
    if (fork() == 0) {
        close(pair[0]);
        for (;;) {
            move_all(read, pair[1], bytes, request);
            move_all(put, pair[1], bytes, answer);
        }
    }
    close(pair[1]);
    for (double end = now() + seconds * 1e6; count < most;) {
        double start = now();
        if (start >= end)
            break;
        move_all(put, pair[0], bytes, request);
        move_all(read, pair[0], bytes, answer);
        times[count++] = now() - start;
    }
    close(pair[0]);
    wait(NULL);
    qsort(times, count, sizeof *times, ascending);
    printf("{\"calls\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", count, times[count / 2], times[count * 99 / 100]);
    return 0;
}
