// Viewers that only count: many connections to one stream, in one thread, so that the measuring side costs little.
//
//   sink PORT COUNT IN_FLIGHT READY MARKER REQUEST
//
// Sends REQUEST ("{n}" in it is the viewer's number) on COUNT connections, IN_FLIGHT of them at a time: a viewer is ready
// when READY has come. From there on each MARKER is a message. Where READY or MARKER begins anew within itself, what comes
// there must not go on differently. Says when all are ready, and then answers lines on its standard input, and ends with
// it; "the count" is "MESSAGES BYTES CONNECTED CPU_NANOSECONDS NANOSECONDS", the last since the first viewer began:
//
//   count        the count; so it also says that all are ready
//   until N      the count, when there are N messages in all
//   record N     starts to note when each of the next N messages comes: "recording"
//   times PATH   writes them, each as a struct sighting: "written N"
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NAP_MICROSECONDS = 1000 };

struct viewer {
    int fd;
    int is_ready;
    int matched;  // So many bytes of what it waits for have come.
    uint32_t seen;
};

struct sighting {
    uint32_t viewer, place;  // By whom, and which of its messages it was.
    uint64_t nanoseconds;    // Of the monotonic clock.
};

static struct viewer *viewers;
static int port, count, begun, ready, connected, polling;
static const char *ready_text, *marker, *request;
static uint64_t start, messages, bytes, awaited, recorded, record_limit;
static struct sighting *sightings;

static uint64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void say_count(void) {
    uint64_t cpu = now(CLOCK_PROCESS_CPUTIME_ID), since = now(CLOCK_MONOTONIC) - start;
    printf("%lu %lu %d %lu %lu\n", messages, bytes, connected, cpu, since);
}

static void begin(int number) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) err(1, "socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) err(1, "connect");
    viewers[number].fd = fd;
    struct epoll_event wanted = {.events = EPOLLOUT, .data.u32 = number};
    if (epoll_ctl(polling, EPOLL_CTL_ADD, fd, &wanted) < 0) err(1, "epoll_ctl");
}

static void ask(int number) {
    char text[4096];
    const char *mark = strstr(request, "{n}");
    int length = mark ? snprintf(text, sizeof text, "%.*s%d%s", (int)(mark - request), request, number, mark + 3)
                      : snprintf(text, sizeof text, "%s", request);
    if (send(viewers[number].fd, text, length, MSG_NOSIGNAL) != length) err(1, "send");
    connected++;
    struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = number};
    epoll_ctl(polling, EPOLL_CTL_MOD, viewers[number].fd, &wanted);
}

static void note(struct viewer *viewer) {
    if (!viewer->is_ready) {
        viewer->is_ready = 1;
        ready++;
        return;
    }
    messages++;
    if (recorded < record_limit) {
        struct sighting sighting = {viewer - viewers, viewer->seen++, now(CLOCK_MONOTONIC)};
        sightings[recorded++] = sighting;
    }
}

// A message may come in pieces, and several in one.
static void look(struct viewer *viewer, const char *at, const char *end) {
    while (at < end) {
        const char *wanted = viewer->is_ready ? marker : ready_text;
        if (!viewer->matched && !(at = memchr(at, *wanted, end - at))) return;
        if (*at != wanted[viewer->matched]) {
            viewer->matched = 0;
            at += *at != *wanted;
            continue;
        }
        at++;
        if (!wanted[++viewer->matched]) {
            viewer->matched = 0;
            note(viewer);
        }
    }
}

static void receive(struct viewer *viewer) {
    static char buffer[1 << 18];
    ssize_t length = recv(viewer->fd, buffer, sizeof buffer, 0);
    if (length > 0) {
        bytes += length;
        look(viewer, buffer, buffer + length);
    } else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(viewer->fd);
        connected--;
    }
}

static void write_times(const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(sightings, sizeof *sightings, recorded, file) != recorded || fclose(file)) err(1, "%s", path);
    printf("written %lu\n", recorded);
}

static void obey(void) {
    char line[4096];
    ssize_t length = read(0, line, sizeof line - 1);
    if (length <= 0) exit(0);
    line[length] = 0;
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "until ", 6)) {
        awaited = strtoull(line + 6, NULL, 10);
    } else if (!strncmp(line, "record ", 7)) {
        record_limit = strtoull(line + 7, NULL, 10);
        sightings = realloc(sightings, record_limit * sizeof *sightings);
        if (!sightings) err(1, "realloc");
        // Pages that are touched for the first time would cost time while times are noted.
        memset(sightings, 0, record_limit * sizeof *sightings);
        recorded = 0;
        for (int number = 0; number < count; number++) viewers[number].seen = 0;
        puts("recording");
    } else if (!strncmp(line, "times ", 6)) {
        write_times(line + 6);
    } else {
        say_count();
    }
}

int main(int argc, char **argv) {
    if (argc != 7) errx(2, "sink PORT COUNT IN_FLIGHT READY MARKER REQUEST");
    port = atoi(argv[1]), count = atoi(argv[2]);
    int in_flight = atoi(argv[3]), is_said = 0;
    ready_text = argv[4], marker = argv[5], request = argv[6];
    viewers = calloc(count + 1, sizeof *viewers);
    polling = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = count}, events[512];
    epoll_ctl(polling, EPOLL_CTL_ADD, 0, &wanted);
    setvbuf(stdout, NULL, _IOLBF, 0);
    start = now(CLOCK_MONOTONIC);
    for (;;) {
        while (begun < count && begun - ready < in_flight) begin(begun++);
        int happened = epoll_wait(polling, events, 512, recorded < record_limit || !is_said ? -1 : 0);
        // Whoever waits is woken by who sends, and on one machine that is charged to the server. Viewers elsewhere cost it
        // nothing like that, so they look by themselves, unless it is for the time.
        if (!happened) usleep(NAP_MICROSECONDS);
        for (int each = 0; each < happened; each++) {
            int number = events[each].data.u32;
            if (number == count) obey();
            else if (events[each].events & EPOLLOUT) ask(number);
            else receive(&viewers[number]);
        }
        if (!is_said && ready == count) {
            say_count();
            is_said = 1;
        }
        if (awaited && messages >= awaited) {
            awaited = 0;
            say_count();
        }
    }
}
