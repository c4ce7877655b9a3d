// A program for the simulated chip that does what its first argument says.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static volatile long sum;

static struct timespec in_10_ms(void) {
    struct timespec date;
    clock_gettime(CLOCK_REALTIME, &date);
    date.tv_nsec += 10000000;
    if (date.tv_nsec >= 1000000000) date.tv_sec++, date.tv_nsec -= 1000000000;
    return date;
}

// Waits in vain for 10 ms, in the way that the number says.
static void wait_in_vain(int way) {
    struct timespec date = in_10_ms(), length = {0, 10000000};
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    sem_t semaphore;
    sigset_t signals;
    struct epoll_event event;
    switch (way) {
        case 0: poll(0, 0, 10); break;
        case 1: pselect(0, 0, 0, 0, &length, 0); break;
        case 2: epoll_wait(epoll_create1(0), &event, 1, 10); break;
        case 3:
            sigemptyset(&signals);
            sigaddset(&signals, SIGUSR1);
            sigtimedwait(&signals, 0, &length);
            break;
        case 4:
            pthread_mutex_lock(&mutex);
            pthread_cond_timedwait(&condition, &mutex, &date);
            break;
        case 5:
            sem_init(&semaphore, 0, 0);
            sem_timedwait(&semaphore, &date);
            break;
        default:
            pthread_mutex_lock(&mutex);
            pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC,
                                   &(struct timespec){(long)seconds(CLOCK_MONOTONIC), 999999999});
    }
}

// What a file begins with, or that it is not there. Twice, since the path must be the same afterwards.
static void show(const char *path) {
    for (int k = 0; k < 2; k++) {
        unsigned char text[8] = {0};
        int file = open(path, O_RDONLY);
        if (file < 0 || read(file, text, 7) < 0) printf("%s: none\n", path);
        else if (text[0] < 32 || text[0] > 126 || !strncmp(path, "/dev", 4)) printf("%s: %02x%02x%02x%02x\n", path, text[0], text[1], text[2], text[3]);
        else printf("%s: %.*s\n", path, (int)strcspn((char *)text, "\n"), text);
        if (file >= 0) close(file);
    }
}

static void *work(void *rounds) {
    for (long k = 0; k < (long)rounds; k++) sum += k;
    return 0;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    if (!strcmp(what, "clocks")) {
        // All clocks go with the work, and a sleep is as long as asked for.
        double before = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        work((void *)100000);
        double worked = seconds(CLOCK_MONOTONIC) - before;
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        struct timespec hour = {3600, 0};
        nanosleep(&hour, 0);
        printf("worked %.9f cpu %.9f slept %.3f interrupted %ld date %ld\n", worked, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu - 3600,
               seconds(CLOCK_MONOTONIC) - before - worked, usage.ru_nivcsw, (long)time(0));
    } else if (!strcmp(what, "host")) {
        // What differs between hosts.
        unsigned char random[4];
        if (getrandom(random, sizeof random, 0) != sizeof random) return 1;
        struct utsname name;
        uname(&name);
        cpu_set_t cpus;
        sched_getaffinity(0, sizeof cpus, &cpus);
        printf("stack at %p\n", (void *)&cpus);
        printf("%02x%02x%02x%02x %s %s %s, %d CPU, %ld pages, on CPU %d\n", random[0], random[1], random[2], random[3], name.nodename,
               name.release, name.machine, CPU_COUNT(&cpus), sysconf(_SC_PHYS_PAGES), sched_getcpu());
    } else if (!strcmp(what, "files")) {
        show("/sys/devices/system/cpu/cpu0/cache/index2/size");
        show("/sys/devices/system/cpu/cpu0/cache/index3/size");
        show("/sys/devices/system/cpu/cpu1/topology/core_id");
        show("/sys/devices/system/node/node0/meminfo");
        show("/proc/sys/kernel/osrelease");
        show("/proc/sys/kernel/random/uuid");
        show("/etc/hostname");
        show("/dev/urandom");
    } else if (!strcmp(what, "waits")) {
        for (int way = 0; way < 6; way++) {
            double before = seconds(CLOCK_MONOTONIC);
            wait_in_vain(way);
            printf("%.6f\n", seconds(CLOCK_MONOTONIC) - before);
        }
        wait_in_vain(6);
        printf("%.6f\n", seconds(CLOCK_MONOTONIC));
    } else if (!strcmp(what, "fork")) {
        if (!fork()) {
            work((void *)1000);
            _exit(0);
        }
        wait(0);
    } else if (!strcmp(what, "threads")) {
        pthread_t thread;
        pthread_create(&thread, 0, work, (void *)100000);
        pthread_join(thread, 0);
    } else if (!strcmp(what, "rewritten")) {
        unsigned *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (unsigned k = 0; k < 3; k++) {
            code[0] = 0x52800000 | k << 5;  // mov w0, k
            code[1] = 0xd65f03c0;           // ret
            __builtin___clear_cache((char *)code, (char *)(code + 2));
            sum += ((int (*)(void))code)();
        }
    } else if (!strcmp(what, "counter")) {
        unsigned long ticks;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
        sum += ticks;
    } else if (!strcmp(what, "dot")) {
        __asm__ volatile(".inst 0x6e829400");  // udot v0.4s, v0.16b, v2.16b
    } else if (!strcmp(what, "crash")) {
        *(volatile int *)8 = 1;
    } else if (!strcmp(what, "marked")) {
        work((void *)1000);
        prctl(0x424c4f43, 1, 7);
        work((void *)1000);
        prctl(0x424c4f43, 4, 0);
        work((void *)1000);
        prctl(0x424c4f43, 2, 0);
        work((void *)1000);
    } else if (!strcmp(what, "exit")) {
        return 42;
    } else if (!strcmp(what, "wait")) {
        for (;;) pause();
    }
    return 0;
}
