/* Speaks as the agent does, by the version given with -DPROTOCOL, then misbehaves in the way chosen with -D. The host must notice. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void sample(double at_ms)
{
    printf("{\"event\":\"sample\",\"id\":\"overhead\",\"at_ms\":%f,\"us\":10.0,\"before_us\":5.0,\"after_us\":5.0,\"cpu\":1,"
           "\"fault\":null}\n",
           at_ms);
    fflush(stdout);
}

int main(void)
{
#ifdef OLD
    say("{\"event\":\"start\",\"protocol\":1,\"something\":\"else\"}");
#endif
    printf("{\"event\":\"start\",\"protocol\":%d,\"version\":\"0\",\"device\":{\"known\":{\"clusters\":[],\"sensors\":[]},\"arch\":\"aarch64\","
           "\"emulation\":[\"a test\"]},\"engine\":{\"name\":\"none\",\"version\":\"0\"},\"cpus\":[1],\"canary\":\"none\"}\n",
           PROTOCOL);
    say("{\"event\":\"loading\",\"id\":\"overhead\"}");
#ifdef CRASH
    *(volatile int *)0 = 1;
#endif
#ifdef WRONG
    say("{\"event\":\"failed\",\"id\":\"overhead\",\"reason\":\"the engine computes 'overhead' wrongly\"}");
    return 3;
#endif
    say("{\"event\":\"ready\",\"id\":\"overhead\",\"runs\":1,\"error\":0.0,\"checksum\":\"0\"}");
    say("{\"event\":\"sampling\"}");
    sample(10.0);
#ifdef CUT_LINE
    fputs("{\"event\":\"sample\",\"id\":\"the bl", stdout);
    fflush(stdout);
    return 0;
#endif
#ifdef NONSENSE
    say("not JSON at all");
#endif
#ifdef CLOCK_BACK
    sample(9.0);
#endif
#ifdef CLOCK_AHEAD
    sample(1e7);
#endif
    sleep(30);
    return 0;
}
