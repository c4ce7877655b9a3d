// What a GPU does, on one thread of a CPU: blocks one after the other, the threads of a block in turns from barrier to barrier.
//
// Threads that wait for each other are fibers with stacks of their own. They run in ascending or descending order, so that a barrier that is
// missing shows as another result.

#include <csetjmp>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <ucontext.h>
#include <utility>

#define __global__
#define __device__
#define __shared__ static thread_local
#define __syncthreads() shim::wait()

struct Place {
    unsigned x;
};
static thread_local Place threadIdx, blockIdx, blockDim;

namespace shim {

constexpr std::size_t STACK = 64 << 10;

struct Fiber {
    jmp_buf at;
    ucontext_t start;
    bool started, done;
};

// The block that runs: its threads, and where the one that hands out turns goes on.
struct Block {
    Fiber fibers[THREADS];
    jmp_buf next;
    void (*body)(void*);
    void* argument;
};
static thread_local Block block;

// Ends the turn of the thread that runs.
__attribute__((noinline)) static void wait() {
    if (!_setjmp(block.fibers[threadIdx.x].at)) _longjmp(block.next, 1);
}

// A thread's life: one block after the other.
static void live() {
    for (;;) {
        block.body(block.argument);
        block.fibers[threadIdx.x].done = true;
        wait();
    }
}

// Gives a thread its turn.
__attribute__((noinline)) static void turn(unsigned thread) {
    Fiber& fiber = block.fibers[thread];
    threadIdx.x = thread;
    if (_setjmp(block.next)) return;
    if (fiber.started) _longjmp(fiber.at, 1);
    fiber.started = true;
    getcontext(&fiber.start);
    fiber.start.uc_stack.ss_sp = std::malloc(STACK);
    fiber.start.uc_stack.ss_size = STACK;
    makecontext(&fiber.start, live, 0);
    setcontext(&fiber.start);
}

static void run_block(bool descending) {
    for (Fiber& fiber : block.fibers) fiber.done = false;
    for (unsigned done = 0; done < THREADS;) {
        done = 0;
        for (unsigned i = 0; i < THREADS; i++) {
            const unsigned thread = descending ? THREADS - 1 - i : i;
            turn(thread);
            done += block.fibers[thread].done;
        }
        if (done != 0 && done != THREADS) {
            std::fputs("threads of a block have met different numbers of barriers\n", stderr);
            std::abort();
        }
    }
}

template <class Body> void run_all(unsigned blocks, bool waits, bool descending, Body body) {
    blockDim.x = THREADS;
    block.body = [](void* body) { (*static_cast<Body*>(body))(); };
    block.argument = &body;
    for (unsigned i = 0; i < blocks; i++) {
        blockIdx.x = i;
        if (waits) {
            run_block(descending);
        } else {
            for (threadIdx.x = 0; threadIdx.x < THREADS; threadIdx.x++) body();
        }
    }
}

template <class... A, std::size_t... I>
void run(void (*kernel)(A...), std::index_sequence<I...>, unsigned blocks, bool waits, bool descending, void** args) {
    run_all(blocks, waits, descending, [=] { kernel(*static_cast<std::remove_reference_t<A>*>(args[I])...); });
}

template <class... A> void run(void (*kernel)(A...), unsigned blocks, bool waits, bool descending, void** args) {
    run(kernel, std::index_sequence_for<A...>{}, blocks, waits, descending, args);
}

} // namespace shim

// A kernel to be called from outside, with pointers to its arguments.
#define EXPORT(kernel, waits)                                                            \
    extern "C" void run_##kernel(unsigned blocks, int descending, void** args) {         \
        shim::run(kernel, blocks, waits, descending != 0, args);                         \
    }
